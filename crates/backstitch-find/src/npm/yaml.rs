//! Reads YAML into a bounded tree of texts, maps and lists. Anchors are refused: no
//! package manager writes them, and with them a short text stands for an endless one.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser};

use super::LockError;

/// How many values one document may have.
const VALUES_MAX: usize = 4_000_000;

/// How deep they may nest.
const DEPTH_MAX: usize = 64;

/// One value. Numbers and the rest stay the texts that they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Yaml<'text> {
    Text(Cow<'text, str>),
    Map(Vec<(Cow<'text, str>, Yaml<'text>)>),
    List(Vec<Yaml<'text>>),
}

impl<'text> Yaml<'text> {
    /// Reads one document.
    pub(super) fn parse(text: &'text str) -> Result<Self, LockError> {
        let mut building = Building::default();
        for event in Parser::new_from_str(text) {
            let (event, span) =
                event.map_err(|error| LockError::Malformed(format!("it is no YAML: {error}")))?;
            building.take(event).map_err(|what| {
                LockError::Malformed(format!("line {}: {what}", span.start.line()))
            })?;
        }
        building
            .done
            .ok_or_else(|| LockError::Malformed("it is empty".to_owned()))
    }

    /// The value called `name` of a map.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let entries = self.entries();
        entries.iter().find(|(key, _)| key == name).map(|(_, v)| v)
    }

    /// The text called `name` of a map.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Map(_) | Self::List(_) => None,
        }
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[(Cow<'text, str>, Self)] {
        match self {
            Self::Map(entries) => entries,
            Self::Text(_) | Self::List(_) => &[],
        }
    }

    /// The entries of the map called `name`; none where it is not there.
    pub(super) fn section(&self, name: &str) -> &[(Cow<'text, str>, Self)] {
        self.get(name).map_or(&[], Self::entries)
    }

    /// The texts of the list called `name`.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some(Self::List(list)) => list
                .iter()
                .filter_map(|item| item.as_text().map(str::to_owned))
                .collect(),
            Some(Self::Text(_) | Self::Map(_)) | None => Vec::new(),
        }
    }
}

enum Open<'text> {
    Map(Vec<(Cow<'text, str>, Yaml<'text>)>, Option<Cow<'text, str>>),
    List(Vec<Yaml<'text>>),
}

#[derive(Default)]
struct Building<'text> {
    open: Vec<Open<'text>>,
    done: Option<Yaml<'text>>,
    values: usize,
}

impl<'text> Building<'text> {
    fn take(&mut self, event: Event<'text>) -> Result<(), &'static str> {
        match event {
            Event::Alias(_) => return Err("an anchor is used"),
            Event::Scalar(text, _, anchor, _) => {
                refuse_anchor(anchor)?;
                return self.finish(Yaml::Text(text));
            }
            Event::SequenceStart(anchor, _) => {
                refuse_anchor(anchor)?;
                self.open.push(Open::List(Vec::new()));
            }
            Event::MappingStart(anchor, _) => {
                refuse_anchor(anchor)?;
                self.open.push(Open::Map(Vec::new(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let value = match self.open.pop() {
                    Some(Open::List(list)) => Yaml::List(list),
                    Some(Open::Map(entries, _)) => Yaml::Map(entries),
                    None => return Err("it ends before it begins"),
                };
                return self.finish(value);
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        if self.open.len() > DEPTH_MAX {
            return Err("it is nested too deep");
        }
        Ok(())
    }

    fn finish(&mut self, value: Yaml<'text>) -> Result<(), &'static str> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err("it has too many values");
        }
        match self.open.last_mut() {
            None => {
                // A later document of the same file has the lockfile proper: pnpm writes
                // its own settings before it.
                self.done = Some(value);
            }
            Some(Open::List(list)) => list.push(value),
            Some(Open::Map(entries, key)) => match (key.take(), value) {
                (Some(key), value) => entries.push((key, value)),
                (None, Yaml::Text(text)) => *key = Some(text),
                (None, Yaml::Map(_) | Yaml::List(_)) => return Err("a key is no text"),
            },
        }
        Ok(())
    }
}

fn refuse_anchor(anchor: usize) -> Result<(), &'static str> {
    if anchor == 0 {
        Ok(())
    } else {
        Err("it has an anchor")
    }
}
