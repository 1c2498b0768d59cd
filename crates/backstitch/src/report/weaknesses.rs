//! The Markdown of weaknesses of the project's own code, and the messages of the commits that mend
//! them.

use std::fmt::Write as _;

use super::markdown::{
    bullet, diff_block, evidence_lines, evidence_table, inline, plain, rows_of, shortened,
};
use super::words;
use crate::mend::Tried;
use crate::story::{Fix, Mending, Story};

/// A mended weakness: what it was, the verdict, every check and the diff.
pub(super) fn fix_section(text: &mut String, number: usize, fix: &Fix, mending: &Mending) {
    let Some(tried) = mending.mended.settled_by() else {
        return;
    };
    let evidence = &tried.judged.evidence;
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        text,
        "## Fix {number}: {}\n",
        inline(&words::proposal(tried))
    );
    bullet(text, &about(mending));
    let verdict = inline(&evidence.verdict().to_string());
    let _ = writeln!(text, "\nVerdict: **{verdict}**\n");
    evidence_table(text, &rows_of(&[(String::new(), evidence)]));
    diff_block(text, &fix.files);
}

/// What is left for a human, with what was tried.
pub(super) fn left_section(text: &mut String, story: &Story) {
    let weaknesses = story.weaknesses.iter();
    let left: Vec<_> = weaknesses
        .filter_map(|mending| Some((mending, mending.why_left()?)))
        .collect();
    if left.is_empty() {
        return;
    }
    text.push_str("## Weaknesses that need a human\n\n");
    for (mending, why) in left {
        bullet(text, &format!("{}: {}", about(mending), inline(&why)));
        for tried in &mending.mended.tried {
            let _ = writeln!(
                text,
                "  - tried {}: {}",
                inline(&words::proposal(tried)),
                inline(&tried.judged.evidence.verdict().to_string())
            );
        }
    }
    text.push('\n');
}

fn about(mending: &Mending) -> String {
    let weakness = &mending.weakness;
    format!(
        "**{}**: {}",
        inline(&weakness.to_string()),
        inline(&weakness.message)
    )
}

/// The message of the commit that mends a weakness, but for what says where its evidence is.
pub(super) fn message(mending: &Mending) -> String {
    let weakness = &mending.weakness;
    let Some(tried) = mending.mended.settled_by() else {
        return "Mend the project's own code\n".into();
    };
    let title = match (&weakness.location, weakness.is_reported()) {
        (Some(location), _) => format!("Mend {} in {location}", weakness.rule),
        (None, true) => format!("Mend {}", weakness.rule),
        (None, false) => format!("Mend what {} shows", weakness.rule),
    };
    let mut message = format!("{}\n\n", shortened(&plain(&title)));
    let _ = writeln!(message, "{}.\n", plain(&words::proposal(tried)));
    let line = format!("- {weakness}: {}", weakness.message);
    let _ = writeln!(message, "{}", plain(&line));
    let _ = writeln!(message, "- fingerprint {}", plain(&weakness.id.0));
    said(&mut message, tried);
    let evidence = &tried.judged.evidence;
    let rows = rows_of(&[(String::new(), evidence)]);
    evidence_lines(&mut message, &evidence.verdict().to_string(), &rows);
    message
}

/// What the engine says of its change, as its own words.
fn said(message: &mut String, tried: &Tried) {
    if !tried.words.is_empty() {
        let engine = &tried.engine;
        let line = format!("- engine {engine} says: {}", tried.words);
        let _ = writeln!(message, "{}", plain(&line));
    }
}
