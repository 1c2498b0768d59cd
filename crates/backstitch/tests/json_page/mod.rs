//! `docs/json.md`: every object's fields and their types, as its tables tell, and whether a JSON
//! Schema promises the same.

pub mod bench;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::documents;

/// What a field holds, as the page writes it.
#[derive(Debug, Clone)]
pub enum Type {
    Text,
    Integer,
    Boolean,
    Anything,
    OneOf(Vec<String>),
    Object(String),
    ArrayOf(Box<Type>),
    OrNull(Box<Type>),
}

impl Type {
    pub fn parse(cell: &str) -> Self {
        if let Some(inner) = cell.strip_suffix(" or null") {
            return Self::OrNull(Box::new(Self::parse(inner)));
        }
        if let Some(inner) = cell.strip_prefix("array of ") {
            return Self::ArrayOf(Box::new(Self::parse(inner)));
        }
        if let Some(words) = cell.strip_prefix("one of ") {
            return Self::OneOf(
                words
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect(),
            );
        }
        if let Some(name) = link(cell) {
            return Self::Object(name.to_owned());
        }
        match cell {
            "string" => Self::Text,
            "integer" => Self::Integer,
            "boolean" => Self::Boolean,
            "anything" => Self::Anything,
            other => panic!("docs/json.md: `{other}` is no type"),
        }
    }
}

/// The name in `[name](#name)`.
fn link(cell: &str) -> Option<&str> {
    let (name, anchor) = cell.strip_prefix('[')?.split_once("](#")?;
    let anchor = anchor.strip_suffix(')')?;
    (name.replace(' ', "-") == anchor).then_some(name)
}

/// An object's fields, by name.
pub type Fields = BTreeMap<String, Type>;

/// The page: every object's fields.
pub struct Page(BTreeMap<String, Fields>);

impl Page {
    pub fn read() -> Self {
        let mut objects = BTreeMap::<String, Fields>::new();
        for section in documents::sections(&documents::text("docs/json.md")) {
            let mut fields = Fields::new();
            for line in &section.lines {
                let all_of = line
                    .strip_prefix("Every field of a ")
                    .and_then(|line| line.split_once(','));
                if let Some(other) = all_of.and_then(|(cell, _)| link(cell)) {
                    fields.extend(objects[other].clone());
                }
            }
            for row in section.rows(&["field", "type", "meaning"]) {
                assert!(!row[2].is_empty(), "{row:?}");
                fields.insert(row[0].trim_matches('`').to_owned(), Type::parse(&row[1]));
            }
            if !fields.is_empty() {
                assert!(objects.insert(section.heading.clone(), fields).is_none());
            }
        }
        Self(objects)
    }

    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    pub fn fields(&self, name: &str) -> Fields {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("docs/json.md has no table of `{name}`"))
            .clone()
    }
}

/// An object's schema has the fields of the page, with their types, and all of them are needed.
pub fn promises(page: &Page, name: &str, schema: &Value, definitions: &Value) {
    let fields = page.fields(name);
    let promised = schema["properties"].as_object();
    let promised = promised.unwrap_or_else(|| panic!("{name} has no fields: {schema}"));
    assert_eq!(
        promised.keys().collect::<BTreeSet<_>>(),
        fields.keys().collect::<BTreeSet<_>>(),
        "{name}"
    );
    let needed = schema["required"].as_array().map(Vec::len);
    assert_eq!(needed, Some(fields.len()), "{name}");
    for (field, kind) in &fields {
        let place = format!("{name}.{field}");
        promises_type(page, &place, kind, &promised[field], definitions);
    }
}

fn promises_type(page: &Page, place: &str, kind: &Type, schema: &Value, definitions: &Value) {
    let inner = |kind: &Type, schema: &Value| {
        promises_type(page, place, kind, schema, definitions);
    };
    let fits = match kind {
        Type::Anything => true,
        Type::Text => *schema == json!({"type": "string"}),
        Type::Integer => schema["type"] == "integer",
        Type::Boolean => schema["type"] == "boolean",
        Type::OneOf(words) => schema["enum"] == json!(words),
        Type::OrNull(kind) => {
            inner(kind, &schema["anyOf"][0]);
            schema["anyOf"][1] == json!({"type": "null"})
        }
        Type::ArrayOf(kind) => {
            inner(kind, &schema["items"]);
            schema["type"] == "array"
        }
        Type::Object(name) => {
            promises(page, name, &definitions[name], definitions);
            schema["$ref"] == format!("#/$defs/{name}")
        }
    };
    assert!(fits, "{place} is {schema}, the page says {kind:?}");
}
