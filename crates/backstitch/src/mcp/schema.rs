//! What the tools take and answer, as JSON Schema (<https://json-schema.org/draft/2020-12>). The
//! answers are the objects of docs/json.md; a test holds the two together.

use std::sync::Arc;

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};

/// The version of JSON Schema.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A field: its name, and what it holds.
type Field = (&'static str, Value);

/// An object whose fields are all there. Later versions may add some.
fn object(fields: impl IntoIterator<Item = Field>) -> Value {
    let fields: Map<String, Value> = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let required: Vec<_> = fields.keys().cloned().collect();
    json!({"type": "object", "properties": fields, "required": required})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn integer() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn boolean() -> Value {
    json!({"type": "boolean"})
}

fn one_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

fn named(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn or_null(value: &Value) -> Value {
    json!({"anyOf": [value, {"type": "null"}]})
}

fn whole(mut schema: Value, definitions: &[Field]) -> Arc<JsonObject> {
    schema["$schema"] = DIALECT.into();
    for (name, definition) in definitions {
        schema["$defs"][*name] = definition.clone();
    }
    let Value::Object(schema) = schema else {
        unreachable!("a schema is an object");
    };
    Arc::new(schema)
}

/// Arguments: those that must be there, and those that may. No others are taken.
pub fn arguments(needed: &[Field], possible: &[Field]) -> Arc<JsonObject> {
    let fields: Map<String, Value> = needed
        .iter()
        .chain(possible)
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let required: Vec<_> = needed.iter().map(|(name, _)| *name).collect();
    let schema = json!({
        "type": "object",
        "properties": fields,
        "required": required,
        "additionalProperties": false,
    });
    whole(schema, &[])
}

/// `find`.
pub fn findings() -> Arc<JsonObject> {
    let schema = object([
        ("format", integer()),
        ("project", text()),
        ("advisories", text()),
        ("findings", list(&named("finding"))),
        ("notes", list(&text())),
    ]);
    whole(schema, &[("finding", finding()), ("severity", severity())])
}

/// `explain`.
pub fn explanations() -> Arc<JsonObject> {
    let explanation = object([
        ("finding", named("finding")),
        ("candidates", list(&text())),
        ("obstacle", or_null(&text())),
        ("happened", list(&text())),
    ]);
    let schema = object([
        ("format", integer()),
        ("project", text()),
        ("explanations", list(&named("explanation"))),
    ]);
    let definitions = [
        ("explanation", explanation),
        ("finding", finding()),
        ("severity", severity()),
    ];
    whole(schema, &definitions)
}

/// `brief`.
pub fn briefs() -> Arc<JsonObject> {
    let brief = object([
        ("format", integer()),
        ("finding", json!({"type": "object"})),
        ("advisory", json!({"type": "object"})),
        ("excerpts", list(&json!({"type": "object"}))),
        ("earlier", list(&json!({"type": "object"}))),
        ("left_out", list(&text())),
    ]);
    let schema = object([
        ("format", integer()),
        ("project", text()),
        ("briefs", list(&named("brief"))),
    ]);
    whole(schema, &[("brief", brief)])
}

/// `test_patch`.
pub fn judgement() -> Arc<JsonObject> {
    let schema = object([
        ("run", text()),
        ("project", text()),
        ("base", text()),
        ("change", text()),
        ("digest", text()),
        ("advisories", text()),
        ("toolchain", text()),
        ("about", list(&text())),
        ("components", list(&text())),
        ("verdict", named("verdict")),
        ("before", list(&named("check"))),
        ("after", list(&named("check"))),
        ("notes", list(&text())),
        ("base_reused", boolean()),
        ("evidence", text()),
    ]);
    whole(schema, &[("check", check()), ("verdict", verdict())])
}

/// `status`.
pub fn status() -> Arc<JsonObject> {
    let job = object([
        ("tool", text()),
        ("state", one_of(&["running", "waiting"])),
        ("elapsed_ms", integer()),
    ]);
    let newest_run = object([
        ("run", text()),
        ("started_at", text()),
        ("change", or_null(&text())),
        ("verdict", or_null(&text())),
        ("exit", or_null(&integer())),
    ]);
    let schema = object([
        ("format", integer()),
        ("version", text()),
        ("roots", list(&text())),
        ("advisories", text()),
        ("sandbox", boolean()),
        ("sandbox_why", or_null(&text())),
        ("jobs", list(&named("job"))),
        ("newest_run", or_null(&named("newest_run"))),
        ("notes", list(&text())),
    ]);
    whole(schema, &[("job", job), ("newest_run", newest_run)])
}

fn finding() -> Value {
    let classes = [
        "vulnerability",
        "unmaintained",
        "unsound",
        "notice",
        "yanked",
    ];
    object([
        ("id", text()),
        ("kind", one_of(&["vulnerable-dependency"])),
        ("class", one_of(&classes)),
        ("lockfile", text()),
        ("ecosystem", text()),
        ("package", text()),
        ("version", text()),
        ("advisories", list(&text())),
        ("summary", text()),
        ("severity", or_null(&named("severity"))),
        ("fixed_versions", list(&text())),
        ("direct", boolean()),
        ("path", list(&text())),
        ("dependency_kind", one_of(&["normal", "build", "dev"])),
        (
            "compiled",
            one_of(&["yes", "other-platform", "opt-in", "unknown"]),
        ),
        ("references", list(&text())),
    ])
}

fn severity() -> Value {
    object([
        (
            "level",
            one_of(&["none", "low", "medium", "high", "critical"]),
        ),
        ("score", or_null(&text())),
        ("system", text()),
        ("vector", text()),
        ("source", text()),
    ])
}

fn verdict() -> Value {
    let conclusions = [
        "Proven",
        "Proven, behaviour differs here",
        "Tested",
        "Resolved",
        "Clean",
        "Rejected",
        "Inconclusive",
    ];
    object([
        ("conclusion", one_of(&conclusions)),
        ("check", or_null(&text())),
        ("why", or_null(&text())),
        ("confinement", one_of(&["sandboxed", "unconfined"])),
    ])
}

fn check() -> Value {
    let rungs = [
        "Scope",
        "Build",
        "Reproduce",
        "Regress",
        "Rescan",
        "Re-attack",
        "Compare",
    ];
    object([
        ("check", one_of(&rungs)),
        (
            "outcome",
            one_of(&["passed", "failed", "differs", "timed-out", "not-run"]),
        ),
        ("why", or_null(&text())),
        ("elapsed_ms", integer()),
        ("notes", list(&text())),
        ("log", or_null(&text())),
    ])
}
