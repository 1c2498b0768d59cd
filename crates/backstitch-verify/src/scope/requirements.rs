//! Compares a requirements file that another one includes with its earlier self: only the planned
//! pins may differ, with their hashes.

use backstitch_model::candidate::RequirementEdit;
use backstitch_model::pins::{self, Entry};

/// What is wrong with the new text; nothing where it is as planned. Comments and the way lines
/// are broken do not count: they change nothing.
pub(super) fn objection(before: &str, after: &str, edits: &[&RequirementEdit]) -> Option<String> {
    if before == after && edits.is_empty() {
        return None;
    }
    let (before, after) = (pins::entries(before), pins::entries(after));
    if before.len() != after.len() {
        return Some("has other entries than it had".into());
    }
    let mut done = vec![false; edits.len()];
    for (before, after) in before.iter().zip(&after) {
        if before.text == after.text {
            continue;
        }
        let planned = edits
            .iter()
            .position(|edit| is_as_planned(before, after, edit));
        match planned.and_then(|at| done.get_mut(at)) {
            Some(done) => *done = true,
            None => return Some("changes more than the planned pins".into()),
        }
    }
    let missing = edits.iter().zip(&done).find(|(_, done)| !**done);
    missing.map(|(edit, _)| {
        let (key, to) = (edit.key.escape_debug(), edit.to.escape_debug());
        format!("does not require `{key}` as `{to}`")
    })
}

/// Is it the same entry but for its version and its hashes?
fn is_as_planned(before: &Entry<'_>, after: &Entry<'_>, edit: &RequirementEdit) -> bool {
    let (Some(old), Some(new)) = (before.pin(), after.pin()) else {
        return is_raised(before, after, edit);
    };
    let rest = |entry: &Entry<'_>, version: &str| entry.requirement().replacen(version, "", 1);
    let same_options = options(before).eq(options(after));
    old.name == new.name
        && old.name == edit.key
        && format!("=={}", old.version) == edit.from
        && format!("=={}", new.version) == edit.to
        && rest(before, old.version) == rest(after, new.version)
        && before.hashes().is_empty() == after.hashes().is_empty()
        && same_options
}

/// Is it the same requirement, of other versions?
fn is_raised(before: &Entry<'_>, after: &Entry<'_>, edit: &RequirementEdit) -> bool {
    let name = before
        .text
        .split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .next();
    name == Some(edit.key.as_str()) && before.text.replacen(&edit.from, &edit.to, 1) == after.text
}

/// What stands behind a requirement, but for hashes.
fn options<'entry>(entry: &'entry Entry<'_>) -> impl Iterator<Item = &'entry str> {
    let behind = entry.text[entry.requirement().len()..].split(" --");
    behind
        .map(str::trim)
        .filter(|option| !option.is_empty() && !option.starts_with("hash"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::RelPath;

    fn check(before: &str, after: &str) -> Option<String> {
        let edit = RequirementEdit {
            manifest: RelPath::new("base.txt").unwrap(),
            key: "a".into(),
            from: "==1.0".into(),
            to: "==1.5".into(),
        };
        objection(before, after, &[&edit])
    }

    #[test]
    fn only_the_planned_pin_and_its_hashes_may_change() {
        let before = "a[x]==1.0 --hash=sha256:00\nb==1.0\n";
        assert_eq!(check(before, "a[x]==1.5 --hash=sha256:11\nb==1.0\n"), None);
        for after in [
            before,
            "a[x]==1.6 --hash=sha256:11\nb==1.0\n",
            "a[y]==1.5 --hash=sha256:11\nb==1.0\n",
            "a[x]==1.5\nb==1.0\n",
            "a[x]==1.5 --hash=sha256:11 --global-option=x\nb==1.0\n",
            "a[x]==1.5 --hash=sha256:11\nb==1.1\n",
            "a[x]==1.5 --hash=sha256:11\nb==1.0\n--index-url https://example.org\n",
        ] {
            assert!(check(before, after).is_some(), "{after}");
        }
        assert_eq!(objection("x", "x", &[]), None);
        let loose = RequirementEdit {
            manifest: RelPath::new("base.in").unwrap(),
            key: "a".into(),
            from: "<1.5".into(),
            to: "<2".into(),
        };
        assert_eq!(objection("a<1.5\n", "a<2\n", &[&loose]), None);
        assert!(objection("b<1.5\n", "b<2\n", &[&loose]).is_some());
    }
}
