//! Looks on the untouched tree for the edges of a flaw: the shortest word and the least numbers that
//! show it. A check that is wrong by one lets exactly these through.

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
        let full = Edges::full(&input.bytes) as u64;
        let length = self.least(on, oracle, full, &input, |length| {
            Edges::cut(&input.bytes, usize::try_from(length).unwrap_or(usize::MAX))
        })?;
        let mut values = Vec::new();
        for (place, value) in Edges::numbers(&input.bytes).into_iter().enumerate() {
            values.push(match value {
                Some(value) => self.least(on, oracle, value, &input, |value| {
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
    /// difference. It is taken to show the flaw from there on.
    fn least(
        &mut self,
        on: Build,
        oracle: Oracle,
        most: u64,
        like: &Input,
        input: impl Fn(u64) -> Vec<u8>,
    ) -> Result<Option<u64>, VerifyError> {
        let (mut quiet, mut red) = (0, most);
        for halving in 0..=HALVINGS_MAX {
            // First it is seen that nothing at all shows nothing.
            let middle = if halving == 0 {
                0
            } else {
                quiet + (red - quiet) / 2
            };
            if halving > 0 && red - quiet <= 1 {
                return Ok(Some(red));
            }
            let given = Given {
                name: String::new(),
                role: Role::Near,
                argv: self.reproducer.argv.clone(),
                input: Some(Input {
                    name: like.name.clone(),
                    bytes: input(middle),
                }),
                work: Work::Usual,
            };
            let Some(shot) = self.shoot(on, &given)? else {
                return Ok(None);
            };
            let is_red = matches!(saw(oracle, &shot), Saw::Flaw(_));
            match (is_red, halving) {
                (true, 0) => return Ok(None),
                (true, _) => red = middle,
                (false, _) => quiet = middle,
            }
        }
        Ok(Some(red))
    }
}
