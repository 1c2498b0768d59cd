//! Rewrites a pin of a requirements file. Extras, markers, comments and the way lines are broken
//! stay; hashes become those of every file of the new release, where there were any.

use backstitch_model::pins::{self, Entry};

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
