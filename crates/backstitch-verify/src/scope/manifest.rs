//! Compares a manifest with its earlier self: only the planned requirements may differ.

use backstitch_model::candidate::RequirementEdit;
use toml::{Table, Value};

const DEPENDENCIES: &[&str] = &[
    "dependencies",
    "dev-dependencies",
    "dev_dependencies",
    "build-dependencies",
    "build_dependencies",
];

/// What is wrong with the new text; nothing where it is as planned. Comments and order do not
/// count: they change nothing.
pub(super) fn objection(before: &str, after: &str, edits: &[&RequirementEdit]) -> Option<String> {
    if before == after && edits.is_empty() {
        return None;
    }
    let (Ok(before), Ok(mut after)) = (
        toml::from_str::<Table>(before),
        toml::from_str::<Table>(after),
    ) else {
        return Some("cannot be read".into());
    };
    for edit in edits {
        let undone = undo(&before, &mut after, edit);
        if undone == 0 {
            let (key, to) = (edit.key.escape_debug(), edit.to.escape_debug());
            return Some(format!("does not require `{key}` as `{to}`"));
        }
    }
    (before != after).then(|| "changes more than the planned requirements".into())
}

/// Takes a planned requirement back wherever it was made. Answers in how many places.
fn undo(before: &Table, after: &mut Table, edit: &RequirementEdit) -> usize {
    let mut undone = 0;
    for (name, value) in after.iter_mut() {
        let Some(value) = value.as_table_mut() else {
            continue;
        };
        let Some(earlier) = before.get(name).and_then(Value::as_table) else {
            continue;
        };
        if DEPENDENCIES.contains(&name.as_str()) {
            undone += usize::from(undo_here(earlier, value, edit));
        } else if name == "workspace" {
            undone += undo(earlier, value, edit);
        } else if name == "target" {
            for (platform, value) in value.iter_mut() {
                let pair = (
                    earlier.get(platform).and_then(Value::as_table),
                    value.as_table_mut(),
                );
                if let (Some(earlier), Some(value)) = pair {
                    undone += undo(earlier, value, edit);
                }
            }
        }
    }
    undone
}

/// `key = "1"` or `key = { version = "1", … }`.
fn undo_here(before: &Table, after: &mut Table, edit: &RequirementEdit) -> bool {
    let version = |value: &Value| match value {
        Value::Table(table) => table
            .get("version")
            .and_then(Value::as_str)
            .map(str::to_owned),
        other => other.as_str().map(str::to_owned),
    };
    let planned = before.get(&edit.key).and_then(version).as_ref() == Some(&edit.from)
        && after.get(&edit.key).and_then(version).as_ref() == Some(&edit.to);
    if planned {
        let from = Value::String(edit.from.clone());
        match after.get_mut(&edit.key) {
            Some(Value::Table(table)) => {
                table.insert("version".into(), from);
            }
            _ => {
                after.insert(edit.key.clone(), from);
            }
        }
    }
    planned
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::RelPath;

    fn check(before: &str, after: &str) -> Option<String> {
        let edit = RequirementEdit {
            manifest: RelPath::new("Cargo.toml").unwrap(),
            key: "a".into(),
            from: "1".into(),
            to: "2".into(),
        };
        objection(before, after, &[&edit])
    }

    #[test]
    fn the_planned_requirement_may_change_wherever_it_stands() {
        for (before, after) in [
            (
                "[dependencies]\na = \"1\"",
                "[dependencies]\n# why\na = \"2\"",
            ),
            (
                "[dependencies.a]\nversion = \"1\"\noptional = true",
                "[dependencies]\na = { optional = true, version = \"2\" }",
            ),
            (
                "[workspace.dependencies]\na = \"1\"",
                "[workspace.dependencies]\na = \"2\"",
            ),
            (
                "[target.'cfg(unix)'.dev-dependencies]\na = \"1\"",
                "[target.'cfg(unix)'.dev-dependencies]\na = \"2\"",
            ),
        ] {
            assert_eq!(check(before, after), None, "{after}");
        }
    }

    #[test]
    fn anything_else_is_objected_to() {
        let before = "[dependencies]\na = \"1\"\nb = \"1\"";
        for after in [
            before,
            "[dependencies]\na = \"3\"\nb = \"1\"",
            "[dependencies]\na = \"2\"\nb = \"2\"",
            "[dependencies]\na = { version = \"2\", git = \"https://example.com/a\" }\nb = \"1\"",
            "[dependencies]\na = { version = \"2\" }\nb = \"1\"",
            "[dependencies]\na = \"2\"\nb = \"1\"\n[package]\nbuild = \"evil.rs\"",
            "not toml",
        ] {
            assert!(check(before, after).is_some(), "{after}");
        }
        assert!(objection("[package]\nname = \"a\"", "[package]\nname = \"b\"", &[]).is_some());
        assert_eq!(objection("x = 1", "x = 1", &[]), None);
    }
}
