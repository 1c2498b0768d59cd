//! Compares manifests whose versions are replaced where they stand, with nothing around them
//! changed: `pom.xml`, `composer.json`, a `Gemfile`.

use backstitch_model::candidate::RequirementEdit;

/// What stands around a version in any of them.
const AROUND: [char; 5] = ['"', '\'', '<', '>', '\n'];

/// What differs besides the edits that were announced.
pub(super) fn objection(before: &str, after: &str, edits: &[&RequirementEdit]) -> Option<String> {
    let (mut old, mut new) = (before.split(AROUND), after.split(AROUND));
    let mut seen = vec![false; edits.len()];
    let mut left = (before, after);
    loop {
        match (old.next(), new.next()) {
            (None, None) => break,
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other)) => {
                let is_it = |edit: &&RequirementEdit| {
                    one.trim() == edit.from && other == one.replacen(&edit.from, &edit.to, 1)
                };
                let mut is_announced = false;
                for (edit, seen) in edits.iter().zip(&mut seen) {
                    if is_it(edit) {
                        *seen = true;
                        is_announced = true;
                    }
                }
                if !is_announced {
                    return Some("changes in more than was announced".to_owned());
                }
            }
            (Some(_), None) | (None, Some(_)) => {
                return Some("changes in more than was announced".to_owned());
            }
        }
        // The characters between are compared too.
        left = match (rest(left.0), rest(left.1)) {
            ((one, old), (other, new)) if one == other => (old, new),
            _ => return Some("changes in more than was announced".to_owned()),
        };
    }
    let missing = edits.iter().zip(seen).find(|(_, seen)| !seen);
    missing.map(|(edit, _)| format!("does not say `{}` of `{}`", edit.to, edit.key))
}

/// The next character of those around, and what follows.
fn rest(text: &str) -> (Option<char>, &str) {
    match text.find(AROUND) {
        None => (None, ""),
        Some(at) => (text[at..].chars().next(), &text[at + 1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::RelPath;

    fn edit(key: &str, from: &str, to: &str) -> RequirementEdit {
        RequirementEdit {
            manifest: RelPath::new("pom.xml").unwrap(),
            key: key.into(),
            from: from.into(),
            to: to.into(),
        }
    }

    #[test]
    fn only_the_announced_versions_may_differ() {
        let before = "<a>1.2</a>\n<b> 1.2 </b>";
        let edits = [edit("x", "1.2", "1.3")];
        let edits: Vec<_> = edits.iter().collect();
        for (after, fits) in [
            ("<a>1.3</a>\n<b> 1.2 </b>", true),
            ("<a>1.3</a>\n<b> 1.3 </b>", true),
            ("<a>1.2</a>\n<b> 1.2 </b>", false),
            ("<a>1.4</a>\n<b> 1.2 </b>", false),
            ("<a>1.3</a>\n<c> 1.2 </b>", false),
            ("<a>1.3</a>\n<b> 1.2 </b><c/>", false),
            ("<a>1.3</a>\n<b> 1.2 </b", false),
            ("<a'1.3</a>\n<b> 1.2 </b>", false),
        ] {
            let objection = objection(before, after, &edits);
            assert_eq!(objection.is_none(), fits, "{after}: {objection:?}");
        }
    }
}
