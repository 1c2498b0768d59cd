//! Compares a `pyproject.toml` with its earlier self: only the planned requirements may differ.

use backstitch_model::candidate::RequirementEdit;
use backstitch_model::names::normalised;
use backstitch_model::package::Ecosystem;
use toml::{Table, Value};

/// How deep tables may be nested; real ones have a handful of levels.
const DEPTH_MAX: usize = 64;

/// What is wrong with the new text; nothing where it is as planned. Comments and order do not
/// count: they change nothing.
pub(super) fn objection(before: &str, after: &str, edits: &[&RequirementEdit]) -> Option<String> {
    if before == after && edits.is_empty() {
        return None;
    }
    let (Ok(before), Ok(after)) = (
        toml::from_str::<Table>(before),
        toml::from_str::<Table>(after),
    ) else {
        return Some("cannot be read".into());
    };
    let mut comparison = Comparison {
        edits,
        done: vec![false; edits.len()],
    };
    if !comparison.tables(&before, &after, None, 0) {
        return Some("changes more than the planned requirements".into());
    }
    let missing = edits.iter().zip(&comparison.done).find(|(_, done)| !**done);
    missing.map(|(edit, _)| {
        let (key, to) = (edit.key.escape_debug(), edit.to.escape_debug());
        format!("does not require `{key}` as `{to}`")
    })
}

struct Comparison<'edits> {
    edits: &'edits [&'edits RequirementEdit],
    done: Vec<bool>,
}

impl Comparison<'_> {
    /// `key` is the name that a requirement would have here.
    fn tables(&mut self, before: &Table, after: &Table, key: Option<&str>, depth: usize) -> bool {
        before.len() == after.len()
            && depth < DEPTH_MAX
            && before.iter().all(|(name, old)| {
                // `requests = { version = "^2" }`
                let key = key.filter(|_| name == "version").unwrap_or(name);
                after
                    .get(name)
                    .is_some_and(|new| self.values(old, new, Some(key), depth + 1))
            })
    }

    fn values(&mut self, old: &Value, new: &Value, key: Option<&str>, depth: usize) -> bool {
        match (old, new) {
            _ if old == new => true,
            (Value::Table(old), Value::Table(new)) => self.tables(old, new, key, depth),
            (Value::Array(old), Value::Array(new)) => {
                let mut pairs = old.iter().zip(new);
                old.len() == new.len()
                    && depth < DEPTH_MAX
                    && pairs.all(|(old, new)| self.values(old, new, key, depth + 1))
            }
            (Value::String(old), Value::String(new)) => self.texts(old, new, key),
            _ => false,
        }
    }

    fn texts(&mut self, old: &str, new: &str, key: Option<&str>) -> bool {
        let is_planned = |edit: &&RequirementEdit| {
            let is_value = key.is_some_and(|key| plain(key) == plain(&edit.key))
                && old == edit.from
                && new == edit.to;
            is_value || is_specifier(old, new, edit)
        };
        let planned = self.edits.iter().position(is_planned);
        if let Some(done) = planned.and_then(|at| self.done.get_mut(at)) {
            *done = true;
        }
        planned.is_some()
    }
}

/// Is it `requests>=2,<2.30` and then the same with other versions?
fn is_specifier(old: &str, new: &str, edit: &RequirementEdit) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let length = old.find(|c| !is_part(c)).unwrap_or(old.len());
    let (name, rest) = old.split_at(length);
    plain(name) == plain(&edit.key)
        && format!("{name}{}", rest.replacen(&edit.from, &edit.to, 1)) == new
}

fn plain(name: &str) -> String {
    normalised(&Ecosystem::PyPi, name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::RelPath;

    fn check(before: &str, after: &str) -> Option<String> {
        let edit = RequirementEdit {
            manifest: RelPath::new("pyproject.toml").unwrap(),
            key: "Requests".into(),
            from: "<2.30".into(),
            to: "<3".into(),
        };
        objection(before, after, &[&edit])
    }

    #[test]
    fn the_planned_requirement_may_change_wherever_it_stands() {
        for (before, after) in [
            (
                "[project]\ndependencies = [\"requests[x]<2.30; os_name == 'nt'\", \"b\"]",
                "[project]\n# why\ndependencies = [\"requests[x]<3; os_name == 'nt'\", \"b\"]",
            ),
            (
                "[tool.poetry.dependencies]\nrequests = \"<2.30\"",
                "[tool.poetry.dependencies]\nrequests = \"<3\"",
            ),
            (
                "[tool.poetry.group.a.dependencies]\nrequests = { version = \"<2.30\", extras = [\"x\"] }",
                "[tool.poetry.group.a.dependencies]\nrequests = { version = \"<3\", extras = [\"x\"] }",
            ),
        ] {
            assert_eq!(check(before, after), None, "{after}");
        }
    }

    #[test]
    fn anything_else_is_objected_to() {
        let before = "[project]\ndependencies = [\"requests<2.30\", \"b<2.30\"]";
        for after in [
            before,
            "[project]\ndependencies = [\"requests<4\", \"b<2.30\"]",
            "[project]\ndependencies = [\"requests<3\", \"b<3\"]",
            "[project]\ndependencies = [\"requests<3\"]",
            "[project]\ndependencies = [\"requests<3\", \"b<2.30\"]\n[build-system]\nrequires = []",
            "not toml",
        ] {
            assert!(check(before, after).is_some(), "{after}");
        }
    }
}
