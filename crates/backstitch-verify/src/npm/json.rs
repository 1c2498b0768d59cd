//! Owns JSON objects whose members keep their order and, where nobody touches them, their
//! text: an edited lockfile differs where it was edited and nowhere else.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// How many members one object may have.
const MEMBERS_MAX: usize = 400_000;

/// An object: names with the texts of their values, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Object(pub(super) Vec<(String, String)>);

impl Object {
    /// Reads a text; the error is a sentence's end.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.as_str())
    }

    /// The text called `name`, read.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// The object called `name`; an empty one where there is none.
    pub(super) fn object(&self, name: &str) -> Self {
        let found = self.get(name).and_then(|text| Self::parse(text).ok());
        found.unwrap_or_default()
    }

    /// Replaces a value where it stands, or adds it at the end.
    pub(super) fn set(&mut self, name: &str, text: String) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = text,
            None => self.0.push((name.to_owned(), text)),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// The object's text, indented as one that stands `level` deep.
    pub(super) fn write(&self, level: usize, indent: &str) -> String {
        if self.0.is_empty() {
            return "{}".to_owned();
        }
        let inner = indent.repeat(level + 1);
        let members = self.0.iter().map(|(name, text)| {
            let name = Value::from(name.as_str());
            format!("{inner}{name}: {text}")
        });
        let members: Vec<_> = members.collect();
        let outer = indent.repeat(level);
        format!("{{\n{}\n{outer}}}", members.join(",\n"))
    }
}

/// A value's text, indented as one that stands `level` deep. Objects are in their names' order.
pub(super) fn write_value(value: &Value, level: usize, indent: &str) -> String {
    match value {
        Value::Object(entries) => {
            let members = entries
                .iter()
                .map(|(name, value)| (name.clone(), write_value(value, level + 1, indent)));
            Object(members.collect()).write(level, indent)
        }
        Value::Array(items) if !items.is_empty() => {
            let inner = indent.repeat(level + 1);
            let items = items
                .iter()
                .map(|item| format!("{inner}{}", write_value(item, level + 1, indent)));
            let items: Vec<_> = items.collect();
            format!("[\n{}\n{}]", items.join(",\n"), indent.repeat(level))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            value.to_string()
        }
    }
}

impl<'text> Deserialize<'text> for Object {
    fn deserialize<D: Deserializer<'text>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'text> Visitor<'text> for Members {
            type Value = Object;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'text>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut object = Object::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if object.0.len() >= MEMBERS_MAX {
                        return Err(serde::de::Error::custom("it has too many members"));
                    }
                    object.0.push((name, value.get().to_owned()));
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}
