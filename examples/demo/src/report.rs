//! Words a scan's result and puts it into a file. Decides nothing about the log.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use crate::rules::Rulebook;
use crate::scan::Scan;

/// The number of line numbers that a report shows for one rule.
const LINES_SHOWN_MAX: usize = 5;

/// Names whoever runs the program, or their number when the system has no name for them.
pub fn author() -> String {
    users::get_current_username()
        .map(OsString::into_string)
        .and_then(Result::ok)
        .unwrap_or_else(|| format!("user {}", users::get_current_uid()))
}

/// Words the report: most urgent first, then most frequent, then in the rulebook's order.
pub fn render(book: &Rulebook, scan: &Scan, author: &str) -> String {
    let mut rows: Vec<_> = book
        .rules
        .iter()
        .zip(&scan.matched)
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    rows.sort_by_key(|(rule, lines)| std::cmp::Reverse((rule.severity, lines.len())));

    let mut text = format!(
        "{} of {} lines need a look\nprepared by {author}\n",
        scan.lines_matched(),
        scan.lines_read
    );
    for (rule, lines) in rows {
        let shown: Vec<String> = lines
            .iter()
            .take(LINES_SHOWN_MAX)
            .map(|line| line.to_string())
            .collect();
        let rest = if lines.len() > LINES_SHOWN_MAX {
            ", …"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "{:<6} {:<12} {:>4}  at {}{rest}",
            rule.severity,
            rule.name,
            lines.len(),
            shown.join(", ")
        );
    }
    text
}

/// Writes a report so that a reader sees the old one or the new one, never a half.
pub fn save(path: &Path, text: &str) -> io::Result<()> {
    let dir = path
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(dir)?;
    draft.write_all(text.as_bytes())?;
    draft.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::scan;

    #[test]
    fn urgent_rules_come_first_and_long_lists_are_cut() {
        let (book, _) = Rulebook::parse("chatter low tick\nfire high smoke\n");
        let lines = [
            "tick", "tick", "tick", "smoke", "tick", "tick", "tick", "quiet",
        ];
        let text = render(&book, &scan(&book, &lines, 2), "the desk");
        let expected = "7 of 8 lines need a look\n\
                        prepared by the desk\n\
                        high   fire            1  at 4\n\
                        low    chatter         6  at 1, 2, 3, 5, 6, …\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_quiet_log_gives_a_short_report() {
        let (book, _) = Rulebook::parse("fire high smoke\n");
        let text = render(&book, &scan(&book, &["fine", "fine"], 1), "the desk");
        assert_eq!(text, "0 of 2 lines need a look\nprepared by the desk\n");
    }

    #[test]
    fn saving_replaces_the_old_report_and_leaves_no_draft() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.txt");
        save(&path, "old").unwrap();
        save(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_author_is_never_empty() {
        assert!(!author().trim().is_empty());
    }
}
