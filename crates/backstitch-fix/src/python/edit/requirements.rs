//! Rewrites a pin of a requirements file. Extras, markers, comments and the way lines are broken
//! stay; hashes become those of every file of the new release, where there were any.

use backstitch_model::pins::{self, Entry};
use pep440_rs::Version;

use super::super::catalogue::plain;
use super::super::version::Range;
use super::{Rewrite, replaced};

/// The file with the pin rewritten wherever it stands, or `Some(None)` where it stands nowhere;
/// `None` where hashes are needed and not known.
#[expect(
    clippy::option_option,
    reason = "no pin in this file is another answer than no way to write it"
)]
pub(super) fn rewrite(text: &str, rewrite: &Rewrite<'_>) -> Option<Option<String>> {
    let entries = pins::entries(text);
    let is_meant = |entry: &&Entry<'_>| {
        entry
            .pin()
            .is_some_and(|pin| rewrite.is_of(pin.name, pin.version))
    };
    let mut new = None;
    // From the end, so that earlier places stay where they are.
    for entry in entries.iter().rev().filter(is_meant) {
        let mut whole = new.unwrap_or_else(|| text.to_owned());
        let hashes = entry.hashes();
        if let (Some(first), Some(last)) = (hashes.first(), hashes.last()) {
            let between = match hashes.get(1) {
                Some(second) => &text[first.end..second.start],
                None => " \\\n    ",
            };
            let mut lines: Vec<_> = rewrite
                .hashed()?
                .iter()
                .map(|(_, hash)| format!("--hash=sha256:{hash}"))
                .collect();
            lines.sort();
            whole = replaced(&whole, first.start..last.end, &lines.join(between));
        }
        let place = entry.pin()?.place;
        new = Some(replaced(&whole, place, &rewrite.to.version));
    }
    Some(new)
}

/// A requirement that names no exact version, raised so that it asks for the release or a later
/// one, with what it was and what it becomes; `None` where there is no such requirement.
/// Extras, markers and comments stay.
pub(super) fn raise(text: &str, rewrite: &Rewrite<'_>) -> Option<(String, String, String)> {
    let entries = pins::entries(text);
    let entry = entries
        .iter()
        .find(|entry| entry.pin().is_none() && plain(name_of(entry)) == plain(rewrite.name))?;
    let place = versions_of(entry.raw)?;
    let from = &entry.raw[place.clone()];
    let raised = with_lower_bound(from, &rewrite.to.version)?;
    let place = entry.start + place.start..entry.start + place.end;
    Some((
        replaced(text, place, &raised),
        from.trim().to_owned(),
        raised.trim().to_owned(),
    ))
}

/// Asks for a package that nobody else here asks for by name.
pub(super) fn add(text: &str, rewrite: &Rewrite<'_>) -> String {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{text}{end}{}>={}\n", rewrite.name, rewrite.to.version)
}

fn name_of<'entry>(entry: &'entry Entry<'_>) -> &'entry str {
    let text = entry.requirement();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
}

/// Where the versions of a plain requirement on one line stand, behind its extras.
pub(super) fn versions_of(raw: &str) -> Option<std::ops::Range<usize>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let lead = raw.len() - raw.trim_start().len();
    let name = lead
        + raw[lead..]
            .find(|c| !is_part(c))
            .unwrap_or(raw.len() - lead);
    let rest = raw[name..].trim_start();
    let start = if rest.starts_with('[') {
        name + raw[name..].find(']')? + 1
    } else {
        name
    };
    let behind = &raw[start..];
    let end = behind
        .find(|c: char| !(c.is_ascii_alphanumeric() || "<>=!~,.*+- _".contains(c)))
        .unwrap_or(behind.len());
    // An option stands behind a space and two dashes.
    let end = behind[..end].find(" --").unwrap_or(end);
    let end = behind[..end].trim_end().len();
    let rest = behind[end..].trim_start();
    let is_plain = rest.is_empty() || rest.starts_with([';', '#']) || rest.starts_with("--");
    (is_plain && !raw.contains('\n')).then_some(start..start + end)
}

/// Versions with a lower bound in the place of a lower one.
pub(super) fn with_lower_bound(versions: &str, to: &str) -> Option<String> {
    let version: Version = to.parse().ok()?;
    let mut parts: Vec<String> = versions
        .split(',')
        .filter(|part| !part.trim().is_empty())
        .map(str::to_owned)
        .collect();
    let low = parts.iter_mut().find(|part| {
        let part = part.trim_start();
        part.starts_with('>')
    });
    match low {
        Some(low) => {
            let space = low.len() - low.trim_start().len();
            *low = format!("{}>={to}", &low[..space]);
        }
        None => parts.push(format!(">={to}")),
    }
    let raised = parts.join(",");
    let range = Range::parse(raised.trim())?;
    range.admits(&version).then_some(raised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_bound_goes_up_and_everything_else_stays() {
        for (from, to) in [
            ("", Some(">=1.5")),
            (">=1.0", Some(">=1.5")),
            (" >= 1.0, <2", Some(" >=1.5, <2")),
            (">1,!=1.4", Some(">=1.5,!=1.4")),
            ("~=1.2", Some("~=1.2,>=1.5")),
            ("<1.5", None),
        ] {
            assert_eq!(with_lower_bound(from, "1.5").as_deref(), to, "{from}");
        }
    }

    #[test]
    fn versions_are_found_behind_extras_and_before_markers() {
        for (raw, versions) in [
            ("a", Some("")),
            ("a[x, y] >=1,<2 ; python_version > '3'", Some(" >=1,<2")),
            ("a>=1 # why", Some(">=1")),
            ("a>=1 --hash=sha256:00", Some(">=1")),
            ("a (>=1)", None),
            ("a @ https://example.org/a.whl", None),
        ] {
            let found = versions_of(raw).map(|place| &raw[place]);
            assert_eq!(found, versions, "{raw}");
        }
    }
}
