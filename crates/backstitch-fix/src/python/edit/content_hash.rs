//! Owns the `content-hash` of `poetry.lock`: the digest of what `pyproject.toml` asks for, as
//! Poetry computes it (`packages/locker.py`, `_get_content_hash`).

use std::collections::BTreeMap;

use backstitch_model::Digest;
use sha2::{Digest as _, Sha256};
use toml_edit::{DocumentMut, Item, TableLike, Value};

/// The keys of `[tool.poetry]` that count; the first ones count even where they are not there.
const KEYS: [(&str, bool); 5] = [
    ("dependencies", true),
    ("source", true),
    ("extras", true),
    ("dev-dependencies", true),
    ("group", false),
];

/// The keys of `[project]` that count.
const PROJECT_KEYS: [&str; 3] = ["requires-python", "dependencies", "optional-dependencies"];

/// The lockfile with the hash of a changed manifest; `None` where the hash that is there is not
/// that of the manifest as it was, since then another Poetry has another rule.
pub(super) fn rewrite(lock: &str, before: &str, after: &str) -> Option<String> {
    let (old, new) = (of(before)?, of(after)?);
    let line = |hash: &str| format!("\ncontent-hash = \"{hash}\"\n");
    let old = line(&old);
    (lock.matches(&old).count() == 1).then(|| lock.replacen(&old, &line(&new), 1))
}

/// Is the lockfile's hash that of the manifest?
pub(super) fn fits(lock: &str, manifest: &str) -> bool {
    of(manifest).is_some_and(|hash| lock.contains(&format!("\ncontent-hash = \"{hash}\"\n")))
}

fn of(manifest: &str) -> Option<String> {
    let document: DocumentMut = manifest.parse().ok()?;
    let project = document.get("project").and_then(Item::as_table_like);
    let project: BTreeMap<String, String> = PROJECT_KEYS
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), item(project?.get(key)?)?)))
        .collect();
    let poetry = document.get("tool").and_then(|tool| tool.get("poetry"));
    let poetry = poetry.and_then(Item::as_table_like);
    let mut relevant = BTreeMap::new();
    for (key, always) in KEYS {
        let found = poetry.and_then(|poetry| poetry.get(key));
        let text = match found {
            Some(found) => item(found)?,
            None if always && project.is_empty() => "null".to_owned(),
            None => continue,
        };
        relevant.insert(key.to_owned(), text);
    }
    let text = if project.is_empty() {
        object(relevant)
    } else {
        let tool = BTreeMap::from([("poetry".to_owned(), object(relevant))]);
        object(BTreeMap::from([
            ("project".to_owned(), object(project)),
            ("tool".to_owned(), object(tool)),
        ]))
    };
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    Some(Digest(digest).to_string())
}

/// JSON as Python's `json.dumps(…, sort_keys=True)` writes it.
fn item(item: &Item) -> Option<String> {
    match item {
        Item::None => None,
        Item::Value(value) => self::value(value),
        Item::Table(table) => self::table(table),
        Item::ArrayOfTables(tables) => {
            let tables: Option<Vec<_>> = tables.iter().map(|one| self::table(one)).collect();
            Some(format!("[{}]", tables?.join(", ")))
        }
    }
}

fn table(table: &dyn TableLike) -> Option<String> {
    let members = table.iter();
    let members: Option<BTreeMap<_, _>> = members
        .map(|(key, one)| Some((key.to_owned(), item(one)?)))
        .collect();
    members.map(object)
}

fn value(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => string(text.value()),
        Value::Integer(number) => number.value().to_string(),
        Value::Boolean(truth) => truth.value().to_string(),
        Value::Array(array) => {
            let items: Option<Vec<_>> = array.iter().map(self::value).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::InlineTable(inline) => return table(inline),
        // Python writes them as it likes; no requirement has one.
        Value::Float(_) | Value::Datetime(_) => return None,
    })
}

fn object(members: BTreeMap<String, String>) -> String {
    let members: Vec<_> = members
        .into_iter()
        .map(|(key, text)| format!("{}: {text}", string(&key)))
        .collect();
    format!("{{{}}}", members.join(", "))
}

/// In ASCII: what lies outside is written as UTF-16.
fn string(text: &str) -> String {
    let mut written = String::from("\"");
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)) {
            Some('"') => written.push_str("\\\""),
            Some('\\') => written.push_str("\\\\"),
            Some('\n') => written.push_str("\\n"),
            Some('\r') => written.push_str("\\r"),
            Some('\t') => written.push_str("\\t"),
            Some(c @ ' '..='~') => written.push(c),
            Some(_) | None => written.push_str(&format!("\\u{unit:04x}")),
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manifest of a real project, and the hash that Poetry 1.5 gave it.
    const MANIFEST: &str = "[tool.poetry]\nname = \"cleo\"\n\
        [tool.poetry.dependencies]\npython = \"^3.7\"\ncrashtest = \"^0.4.0\"\nrapidfuzz = \"^2.2.0\"\n\
        [tool.poetry.group.dev.dependencies]\npytest = \"^7.1.2\"\npytest-mock = \"^3.8.2\"\n\
        pre-commit = \"^2.20.0\"\npytest-cov = \"^3.0.0\"\ntox = \"^3.25.1\"\n\
        [tool.poetry.group.doc.dependencies]\nSphinx = \"^5.2.3\"\nsphinx-rtd-theme = \"^1.0.0\"\n";
    const HASH: &str = "2e69ec99876c527c391c96af34f67d90ca1cf318723a9cf3b243643cb7ed51ec";

    #[test]
    fn the_hash_is_poetry_s() {
        assert_eq!(of(MANIFEST).as_deref(), Some(HASH));
    }

    #[test]
    fn a_lockfile_whose_hash_follows_another_rule_is_left_alone() {
        let lock = format!("[metadata]\ncontent-hash = \"{HASH}\"\n");
        let after = MANIFEST.replace("^2.2.0", "^3.0.0");
        let new = rewrite(&lock, MANIFEST, &after).unwrap();
        assert!(new.contains(&of(&after).unwrap()), "{new}");
        let other = lock.replace("2e69", "0000");
        assert_eq!(rewrite(&other, MANIFEST, &after), None);
    }

    #[test]
    fn text_is_written_as_python_writes_it() {
        assert_eq!(string("a\"é\u{1f600}"), "\"a\\\"\\u00e9\\ud83d\\ude00\"");
    }
}
