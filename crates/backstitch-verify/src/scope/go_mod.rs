//! Compares a `go.mod` besides what it requires, which is compared package by package: what it
//! replaces and excludes, and which Go it asks for, stay as they are.

use backstitch_model::candidate::RequirementEdit;

/// What else differs.
pub(super) fn objection(before: &str, after: &str, _: &[&RequirementEdit]) -> Option<String> {
    let (before, after) = (others(before), others(after));
    let new = after.iter().find(|line| !before.contains(line));
    let gone = before.iter().find(|line| !after.contains(line));
    match (new, gone) {
        (None, None) => None,
        (Some(line), _) => Some(format!("now says `{}`", line.escape_debug())),
        (None, Some(line)) => Some(format!("no longer says `{}`", line.escape_debug())),
    }
}

/// Every directive but those that require, each with its verb and without comments.
fn others(text: &str) -> Vec<String> {
    let mut block = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        let said = line.split("//").next().unwrap_or_default();
        let words: Vec<&str> = said.split_whitespace().collect();
        match (words.as_slice(), block) {
            ([")"], _) => block = None,
            ([verb, "("], None) => block = Some(*verb),
            ([verb, ..], None) if verb.ends_with('(') => block = Some(verb.trim_end_matches('(')),
            ([], _) | (_, Some("require")) | (["require", ..], None) => {}
            (words, Some(verb)) => lines.push(format!("{verb} {}", words.join(" "))),
            (words, None) => lines.push(words.join(" ")),
        }
    }
    lines.sort();
    lines.dedup();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_may_change_and_nothing_else() {
        let before = "module m\ngo 1.20\nrequire a v1\nreplace (\n\tb => ./b\n)\n";
        let fits = |after: &str| objection(before, after, &[]).is_none();
        assert!(fits(
            "module m // ours\n\ngo 1.20\nrequire (\n\ta v2\n\tc v1 // indirect\n)\nreplace b => ./b\n"
        ));
        assert!(!fits("module m\ngo 1.22\nrequire a v1\nreplace b => ./b\n"));
        assert!(!fits("module m\ngo 1.20\nrequire a v1\n"));
        assert!(!fits(
            "module m\ngo 1.20\nrequire a v1\nreplace b => ./b\nreplace a => evil v1\n"
        ));
    }
}
