//! Compares a `package.json` with its earlier self: only the planned requirements and
//! overrides may differ.

use backstitch_model::candidate::RequirementEdit;
use serde_json::Value;

/// The sections that hold requirements of the package's own.
const SECTIONS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// What stands between the names that lead to an override.
const BETWEEN: &str = " > ";

/// What is wrong with the new text; nothing where it is as planned.
pub(super) fn objection(before: &str, after: &str, edits: &[&RequirementEdit]) -> Option<String> {
    if before == after && edits.is_empty() {
        return None;
    }
    let read = |text: &str| -> Option<Value> {
        serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
    };
    let (Some(before), Some(mut after)) = (read(before), read(after)) else {
        return Some("cannot be read".into());
    };
    for edit in edits {
        let undone = if edit.key.contains(BETWEEN) {
            let path: Vec<&str> = edit.key.split(BETWEEN).collect();
            undo_override(Some(&before), &mut after, &path, edit)
        } else {
            undo_requirement(&before, &mut after, edit)
        };
        if !undone {
            let (key, to) = (edit.key.escape_debug(), edit.to.escape_debug());
            return Some(format!("does not require `{key}` as `{to}`"));
        }
    }
    (before != after).then(|| "changes more than the planned requirements".into())
}

/// Takes a planned requirement back wherever it was made; an alias keeps its name before it.
fn undo_requirement(before: &Value, after: &mut Value, edit: &RequirementEdit) -> bool {
    let mut undone = false;
    for section in SECTIONS {
        let earlier = before[section].get(&edit.key).and_then(Value::as_str);
        let Some(start) = earlier.and_then(|earlier| earlier.strip_suffix(&edit.from)) else {
            continue;
        };
        let planned = format!("{start}{}", edit.to);
        let place = after
            .get_mut(section)
            .and_then(|section| section.get_mut(&edit.key));
        if let Some(place) = place.filter(|place| place.as_str() == Some(&planned)) {
            *place = Value::from(earlier);
            undone = true;
        }
    }
    undone
}

/// Takes a planned override back, and the objects that were made for it.
fn undo_override(
    before: Option<&Value>,
    after: &mut Value,
    path: &[&str],
    edit: &RequirementEdit,
) -> bool {
    let Some((name, rest)) = path.split_first() else {
        return false;
    };
    let Some(entries) = after.as_object_mut() else {
        return false;
    };
    let earlier = before.and_then(|before| before.get(*name));
    let Some(place) = entries.get_mut(*name) else {
        return false;
    };
    if !rest.is_empty() {
        let undone = undo_override(earlier, place, rest, edit);
        let is_empty = place.as_object().is_some_and(serde_json::Map::is_empty);
        if undone && is_empty && earlier.is_none() {
            entries.remove(*name);
        }
        return undone;
    }
    if place.as_str() != Some(&edit.to) {
        return false;
    }
    match earlier {
        Some(earlier) => place.clone_from(earlier),
        None => {
            entries.remove(*name);
        }
    }
    earlier.is_none() == edit.from.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::RelPath;

    fn check(key: &str, from: &str, to: &str, before: &str, after: &str) -> Option<String> {
        let edit = RequirementEdit {
            manifest: RelPath::new("package.json").unwrap(),
            key: key.into(),
            from: from.into(),
            to: to.into(),
        };
        objection(before, after, &[&edit])
    }

    #[test]
    fn the_planned_requirement_or_override_may_change() {
        let app = r#"{"dependencies": {"a": "npm:b@^1"}, "overrides": {"c": "1.0.0"}}"#;
        assert_eq!(check("a", "^1", "^2", app, &app.replace("^1", "^2")), None);
        let raised = app.replace("1.0.0", "1.0.1");
        assert_eq!(check("overrides > c", "1.0.0", "1.0.1", app, &raised), None);
        let added = app.replace("\"c\":", "\"p\": {\"x\": \"^1.1\"}, \"c\":");
        assert_eq!(check("overrides > p > x", "", "^1.1", app, &added), None);
        let first = r#"{"name": "app", "overrides": {"p": {"x": "^1.1"}}}"#;
        assert_eq!(
            check("overrides > p > x", "", "^1.1", r#"{"name": "app"}"#, first),
            None
        );
    }

    #[test]
    fn anything_else_is_objected_to() {
        let app = r#"{"dependencies": {"a": "^1", "b": "^1"}, "overrides": {}}"#;
        for after in [
            app.to_owned(),
            app.replace("^1", "^2"),
            app.replace("\"a\": \"^1\"", "\"a\": \"github:o/a\""),
            app.replace("\"a\": \"^1\"", "\"a\": \"^2\"")
                .replace("{}", "{\"b\": \"1\"}"),
            app.replace("\"a\": \"^1\"", "\"a\": \"^2\"")
                .replace("}}", "}, \"scripts\": {\"postinstall\": \"evil\"}}"),
            "not json".to_owned(),
        ] {
            assert!(check("a", "^1", "^2", app, &after).is_some(), "{after}");
        }
        assert!(
            check(
                "overrides > x",
                "",
                "1",
                app,
                &app.replace("{}", "{\"x\": \"2\"}")
            )
            .is_some()
        );
        assert!(objection(app, "{}", &[]).is_some());
        assert_eq!(objection("{}", "{}", &[]), None);
    }
}
