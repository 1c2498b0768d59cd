//! Looks on the untouched tree for the edges of a flaw: the shortest word and the least numbers that
//! show it. A check that is wrong by one lets exactly these through. Such inputs may ask for far more
//! work than the listed one, so the search has a time of its own.

use std::time::{Duration, Instant};

use backstitch_model::Oracle;
use backstitch_model::tree_reproducer::Input;

use super::Before;
use super::Build;
use super::judge::Saw;
use super::mutate::Edges;
use super::saw;
use super::shots::{Given, Role, Work};
use crate::workbench::error::VerifyError;

/// How often a range is halved: enough for lengths of 64 KiB.
const HALVINGS_MAX: usize = 16;
/// How long the whole search may take.
const TIME: Duration = Duration::from_secs(20);
/// After so many runs that did not end a range is halved no more.
const HUNG_MAX: usize = 2;

impl Before<'_> {
    /// The edges of the first input that is red each time.
    pub(super) fn edges(
        &mut self,
        on: Build,
        oracle: Oracle,
        red: Option<usize>,
    ) -> Result<Edges, VerifyError> {
        let number = red.unwrap_or(0);
        let Some(input) = self.reproducer.inputs.get(number).cloned() else {
            return Ok(Edges::default());
        };
        let search = Search {
            on,
            oracle,
            like: &input,
            until: Instant::now() + TIME,
        };
        let full = Edges::full(&input.bytes) as u64;
        let length = self.least(&search, full, |length| {
            Edges::cut(&input.bytes, usize::try_from(length).unwrap_or(usize::MAX))
        })?;
        let mut values = Vec::new();
        for (place, value) in Edges::numbers(&input.bytes).into_iter().enumerate() {
            values.push(match value {
                Some(value) => self.least(&search, value, |value| {
                    Edges::with_number(&input.bytes, place, value)
                })?,
                None => None,
            });
        }
        Ok(Edges {
            input: number,
            length: length.and_then(|length| usize::try_from(length).ok()),
            values,
        })
    }

    /// The least measure up to `most`, which shows the flaw, that shows it; `None` where it makes no
    /// difference. It is taken to show the flaw from there on. Where time is over, or runs hang, it
    /// is the least that was seen to.
    fn least(
        &mut self,
        search: &Search<'_>,
        most: u64,
        input: impl Fn(u64) -> Vec<u8>,
    ) -> Result<Option<u64>, VerifyError> {
        // First it is seen that nothing at all shows nothing.
        match self.probe(search, input(0))? {
            Some(saw) if !matches!(saw, Saw::Flaw(_)) => {}
            Some(_) | None => return Ok(None),
        }
        let (mut quiet, mut red, mut hung) = (0, most, 0);
        for _ in 0..HALVINGS_MAX {
            if red - quiet <= 1 || hung >= HUNG_MAX {
                break;
            }
            let middle = quiet + (red - quiet) / 2;
            match self.probe(search, input(middle))? {
                Some(Saw::Flaw(_)) => red = middle,
                Some(saw) => {
                    hung += usize::from(matches!(saw, Saw::Stopped(_)));
                    quiet = middle;
                }
                None => break,
            }
        }
        Ok(Some(red))
    }

    /// What an input shows; `None` where time is over, or there is nothing to run it on.
    fn probe(&mut self, search: &Search<'_>, bytes: Vec<u8>) -> Result<Option<Saw>, VerifyError> {
        let stage = match (search.on, &mut self.instrumented) {
            _ if Instant::now() >= search.until => return Ok(None),
            (Build::Plain, _) => &mut self.plain,
            (Build::Instrumented, Ok(stage)) => stage,
            (Build::Instrumented, Err(_)) => return Ok(None),
        };
        let given = Given {
            name: String::new(),
            role: Role::Near,
            argv: self.reproducer.argv.clone(),
            input: Some(Input {
                name: search.like.name.clone(),
                bytes,
            }),
            work: Work::Usual,
            count: None,
        };
        let shot = stage.shoot_briefly(&given)?;
        stage.forget(&shot)?;
        Ok(Some(saw(search.oracle, &shot)))
    }
}

/// What a search for edges goes by.
struct Search<'of> {
    on: Build,
    oracle: Oracle,
    /// The input that shows the flaw.
    like: &'of Input,
    until: Instant,
}
