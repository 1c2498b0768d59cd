//! The Markdown report, fit for a pull request, and the messages of commits.
//!
//! Text from outside is put in so that it cannot become markup: mentions, links, HTML.

use std::fmt::Write as _;

use backstitch_model::evidence::{Evidence, Phase};
use backstitch_model::record::Attempt;
use backstitch_model::{Check, CheckRun, Record, RelPath};

use super::{escape, weaknesses, words};
use crate::deliver::diff;
use crate::story::{ChangedFile, Delivery, Fix, Offer, Story};

/// The longest diff put into a report, in lines; the branch holds the whole.
const DIFF_LINES_MAX: usize = 400;

/// Writes the report of a run.
pub fn report(story: &Story) -> String {
    let mut text = String::new();
    let total = story.vulnerabilities().count();
    let left = story.left().count();
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        text,
        "# Backstitch: {} of {total} known vulnerabilities fixed\n",
        total - left
    );
    summary(&mut text, story);
    for (number, fix) in story.fixes.iter().enumerate() {
        match fix.weakness().and_then(|at| story.weaknesses.get(at)) {
            Some(mending) => weaknesses::fix_section(&mut text, number + 1, fix, mending),
            None => fix_section(&mut text, story, number + 1, fix),
        }
    }
    left_section(&mut text, story);
    weaknesses::left_section(&mut text, story);
    offer_section(&mut text, &story.offers);
    ask_section(&mut text, story);
    notice_section(&mut text, story);
    whole_sections(&mut text, story);
    if !story.notes.is_empty() {
        text.push_str("## To know\n\n");
        story
            .notes
            .iter()
            .for_each(|note| bullet(&mut text, &inline(note)));
    }
    text
}

fn summary(text: &mut String, story: &Story) {
    text.push_str("| finding | package | severity | verdict | change |\n|---|---|---|---|---|\n");
    for record in story.vulnerabilities() {
        let dependency = words::dependency(&record.finding);
        let (verdict, change) = match record.settled_by() {
            Some(attempt) => (
                attempt.evidence.verdict().to_string(),
                words::change(&attempt.candidate),
            ),
            None => ("—".to_owned(), words::outcome(record)),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            inline(&ids(record)),
            inline(&dependency.package.to_string()),
            words::severity(&record.finding),
            inline(&verdict),
            inline(&change)
        );
    }
    let _ = writeln!(
        text,
        "\nJudged at `{}` with {}, against {}.\n",
        inline(&story.base),
        inline(&story.toolchain),
        inline(&story.advisories)
    );
    if let Some(Delivery::Branch { name, .. }) = &story.delivery {
        let _ = writeln!(text, "Branch: `{}`, one commit a fix.\n", inline(name));
    }
}

fn fix_section(text: &mut String, story: &Story, number: usize, fix: &Fix) {
    let Some((attempt, records)) = settling(story, fix) else {
        return;
    };
    let _ = writeln!(
        text,
        "## Fix {number}: {}\n",
        inline(&words::change(&attempt.candidate))
    );
    for record in &records {
        let dependency = words::dependency(&record.finding);
        bullet(
            text,
            &format!(
                "**{}** in {}: {} ({})",
                inline(&ids(record)),
                inline(&dependency.package.to_string()),
                inline(&dependency.summary),
                inline(&words::reach(&dependency.reach))
            ),
        );
    }
    let _ = writeln!(text, "\nVerdict: **{}**\n", inline(&verdicts(&records)));
    evidence_table(text, &rows(&records));
    diff_block(text, &fix.files);
}

/// The attempt behind a fix, and the records it settles.
fn settling<'story>(
    story: &'story Story,
    fix: &Fix,
) -> Option<(&'story Attempt, Vec<&'story Record>)> {
    let records: Vec<_> = fix
        .findings()
        .iter()
        .filter_map(|&index| story.records.get(index))
        .collect();
    let attempt = records.first()?.settled_by()?;
    Some((attempt, records))
}

/// The verdict of a fix: one where all its findings have the same, else each with its findings.
fn verdicts(records: &[&Record]) -> String {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for record in records {
        let Some(verdict) = record.verdict().map(|verdict| verdict.to_string()) else {
            continue;
        };
        let id = words::main_id(&record.finding);
        match all.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, ids)) => ids.push(id),
            None => all.push((verdict, vec![id])),
        }
    }
    match all.as_slice() {
        [(only, _)] => only.clone(),
        several => several
            .iter()
            .map(|(verdict, ids)| format!("{verdict} for {}", ids.join(", ")))
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// One line of a fix's evidence: a rung before and after, and whose it is where each finding
/// has its own answer.
pub(super) struct Row<'story> {
    label: String,
    before: Option<&'story CheckRun>,
    after: Option<&'story CheckRun>,
}

fn rows<'story>(records: &[&'story Record]) -> Vec<Row<'story>> {
    let settled = records.iter().filter_map(|record| {
        let attempt = record.settled_by()?;
        Some((words::main_id(&record.finding), &attempt.evidence))
    });
    rows_of(&settled.collect::<Vec<_>>())
}

/// The rows of evidence, each with what it is about.
pub(super) fn rows_of<'story>(settled: &[(String, &'story Evidence)]) -> Vec<Row<'story>> {
    let mut rows = Vec::new();
    for check in Check::LADDER {
        let is_own = matches!(check, Check::Reproduce | Check::ReAttack) && settled.len() > 1;
        let shown = if is_own { settled.len() } else { 1 };
        for (about, evidence) in settled.iter().take(shown) {
            let whose = if is_own {
                format!(" {about}")
            } else {
                String::new()
            };
            rows.push(Row {
                label: format!("{check}{whose}"),
                before: evidence.before.get(check),
                after: evidence.after.get(check),
            });
        }
    }
    rows
}

pub(super) fn evidence_table(text: &mut String, rows: &[Row<'_>]) {
    text.push_str("| check | untouched | changed | time |\n|---|---|---|---|\n");
    for row in rows {
        let outcome = |run: Option<&CheckRun>| {
            run.map_or_else(|| "—".to_owned(), |run| inline(&run.outcome.to_string()))
        };
        let elapsed = row
            .after
            .map_or_else(String::new, |run| words::elapsed(run.elapsed));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {elapsed} |",
            inline(&row.label),
            outcome(row.before),
            outcome(row.after)
        );
    }
    text.push('\n');
    for row in rows {
        for note in row.after.iter().flat_map(|run| &run.notes) {
            bullet(text, &format!("{}: {}", inline(&row.label), inline(note)));
        }
    }
}

pub(super) fn diff_block(text: &mut String, files: &[ChangedFile]) {
    let whole: String = files.iter().map(diff).collect();
    let lines: Vec<_> = whole.lines().collect();
    let shown = lines
        .iter()
        .take(DIFF_LINES_MAX)
        .map(|line| escape(line))
        .collect::<Vec<_>>()
        .join("\n");
    let fence = fence(&shown);
    let _ = writeln!(
        text,
        "\n<details><summary>diff</summary>\n\n{fence}diff\n{shown}\n{fence}\n"
    );
    if lines.len() > DIFF_LINES_MAX {
        let _ = writeln!(text, "and {} more lines\n", lines.len() - DIFF_LINES_MAX);
    }
    text.push_str("</details>\n\n");
}

/// A fence longer than any run of backticks inside.
fn fence(text: &str) -> String {
    let longest = text
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

fn left_section(text: &mut String, story: &Story) {
    let left: Vec<_> = story.left().collect();
    if left.is_empty() {
        return;
    }
    text.push_str("## Not fixed\n\n");
    for record in left {
        let dependency = words::dependency(&record.finding);
        bullet(
            text,
            &format!(
                "**{}** in {}: {}",
                inline(&ids(record)),
                inline(&dependency.package.to_string()),
                inline(&words::outcome(record))
            ),
        );
        for attempt in &record.attempts {
            let _ = writeln!(
                text,
                "  - tried {}: {}",
                inline(&words::change(&attempt.candidate)),
                inline(&attempt.evidence.verdict().to_string())
            );
        }
    }
    text.push('\n');
}

fn offer_section(text: &mut String, offers: &[Offer]) {
    if offers.is_empty() {
        return;
    }
    text.push_str(
        "## Offered, unproven\n\nNothing was built or tested with these, and none is delivered.\n\n",
    );
    for offer in offers {
        bullet(
            text,
            &format!(
                "**{}**: {}",
                inline(&words::change(&offer.candidate)),
                inline(&offer.why)
            ),
        );
        for command in &offer.commands {
            let _ = writeln!(text, "  - {}", inline(command));
        }
        if !offer.files.is_empty() {
            diff_block(text, &offer.files);
        }
    }
    text.push('\n');
}

fn ask_section(text: &mut String, story: &Story) {
    if story.asks.is_empty() {
        return;
    }
    text.push_str("## Engines\n\nWhat engines said was data: the checks alone decided.\n\n");
    text.push_str("| finding | engine | answer | cost |\n|---|---|---|---|\n");
    for ask in &story.asks {
        let about = words::asked_about(story, ask);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            inline(&about),
            inline(&ask.engine),
            inline(&ask.words),
            words::spent(ask)
        );
    }
    let _ = writeln!(text, "\nAll of it: {}.\n", words::spent_on_all(&story.asks));
}

/// The text before an offer's patch.
pub fn offer_message(offer: &Offer) -> String {
    let change = words::change(&offer.candidate);
    let mut message = format!("Offered, unproven: {}\n\n", plain(&change));
    let _ = writeln!(
        message,
        "Nothing was built or tested with it: {}.",
        plain(&offer.why)
    );
    for command in &offer.commands {
        let _ = writeln!(message, "- {}", plain(command));
    }
    message
}

fn notice_section(text: &mut String, story: &Story) {
    let notices: Vec<_> = story
        .records
        .iter()
        .filter(|record| !record.finding.is_vulnerability())
        .collect();
    if notices.is_empty() {
        return;
    }
    text.push_str("## Notices\n\nNo vulnerabilities; nothing was changed for them.\n\n");
    for record in notices {
        let dependency = words::dependency(&record.finding);
        bullet(
            text,
            &format!(
                "{} in {}: {}",
                inline(&ids(record)),
                inline(&dependency.package.to_string()),
                inline(&dependency.summary)
            ),
        );
    }
    text.push('\n');
}

fn whole_sections(text: &mut String, story: &Story) {
    if !story.delivered.is_empty() {
        text.push_str("## The project as it is delivered\n\n");
        text.push_str("Every fix together, from a clean checkout and built from nothing.\n\n");
        phases(text, &story.delivered);
    }
    text.push_str("## The untouched project\n\n");
    phases(text, &story.baselines);
}

fn phases(text: &mut String, all: &[(RelPath, Phase)]) {
    for (lockfile, phase) in all {
        for run in phase.runs() {
            bullet(
                text,
                &format!(
                    "`{}`, {}: {} in {}",
                    inline(lockfile.as_str()),
                    run.check,
                    inline(&run.outcome.to_string()),
                    words::elapsed(run.elapsed)
                ),
            );
            for note in &run.notes {
                let _ = writeln!(text, "  - {}", inline(note));
            }
        }
    }
    text.push('\n');
}

/// The message of a fix's commit.
pub fn commit_message(story: &Story, fix: &Fix) -> String {
    if let Some(mending) = fix.weakness().and_then(|at| story.weaknesses.get(at)) {
        let mut message = weaknesses::message(mending);
        trailers(&mut message, story, fix);
        return message;
    }
    let Some((attempt, records)) = settling(story, fix) else {
        return "Upgrade dependencies\n".into();
    };
    let mut message = format!("{}\n\n", title(attempt, &records));
    let _ = writeln!(message, "{}.\n", escape(&words::change(&attempt.candidate)));
    for record in &records {
        let dependency = words::dependency(&record.finding);
        let line = format!("- {}: {}", ids(record), dependency.summary);
        let _ = writeln!(message, "{}", plain(&line));
    }
    evidence_lines(&mut message, &verdicts(&records), &rows(&records));
    trailers(&mut message, story, fix);
    message
}

/// The verdict and every check, in lines of a commit's message.
pub(super) fn evidence_lines(message: &mut String, verdict: &str, rows: &[Row<'_>]) {
    let verdict = escape(verdict).replace('\n', " ");
    let _ = writeln!(message, "\nVerdict: {verdict}");
    for row in rows {
        let Some(run) = row.after else { continue };
        let before = row.before.map_or_else(String::new, |before| {
            format!(" (untouched: {})", before.outcome)
        });
        let line = format!("- {}: {}{before}", row.label, run.outcome);
        let _ = writeln!(message, "{}", escape(&line).replace('\n', " "));
        for note in &run.notes {
            let _ = writeln!(message, "  {}", escape(note).replace('\n', " "));
        }
    }
}

/// Where the evidence of a commit is.
fn trailers(message: &mut String, story: &Story, fix: &Fix) {
    let _ = writeln!(
        message,
        "\nBackstitch-Run: {}\nBackstitch-Attempt: {}",
        story.run, fix.attempt
    );
}

/// The longest title, in characters.
const TITLE_CHARACTERS_MAX: usize = 72;

/// A title that fits into the line of one.
pub(super) fn shortened(title: &str) -> String {
    let line = escape(title).replace('\n', " ");
    line.chars().take(TITLE_CHARACTERS_MAX).collect()
}

fn title(attempt: &Attempt, records: &[&Record]) -> String {
    let packages: std::collections::BTreeSet<_> = records
        .iter()
        .map(|record| words::dependency(&record.finding).package.name.as_str())
        .collect();
    let backstitch_model::Change::Upgrade(upgrade) = &attempt.candidate.change;
    let moved = match upgrade.moves.as_slice() {
        [only] => format!("Upgrade {} to {}", only.package.name, only.to),
        _ => format!(
            "Upgrade {}",
            packages.into_iter().collect::<Vec<_>>().join(", ")
        ),
    };
    let moved = match upgrade.rewrites.as_slice() {
        [] => moved,
        _ => format!("{moved} and adapt to it"),
    };
    let with_id = format!("{moved} ({})", words::main_id(&records[0].finding));
    shortened(if records.len() == 1 { &with_id } else { &moved })
}

fn ids(record: &Record) -> String {
    let ids = &words::dependency(&record.finding).ids;
    if ids.is_empty() {
        return words::main_id(&record.finding);
    }
    ids.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn bullet(text: &mut String, line: &str) {
    let _ = writeln!(text, "- {line}");
}

/// Makes text from outside safe inside a line of a commit message: hosting sites act on
/// `@name` and on `#number`.
pub(super) fn plain(text: &str) -> String {
    escape(text).replace(['\n', '#'], " ").replace('@', "(at)")
}

/// Makes text from outside safe inside a line of Markdown.
pub(super) fn inline(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in escape(text).chars() {
        match character {
            '\n' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '|' => safe.push_str("\\|"),
            '[' | ']' | '*' | '`' | '\\' => {
                safe.push('\\');
                safe.push(character);
            }
            // Entities, so that nobody is mentioned, nothing is referred to or linked.
            '@' => safe.push_str("&#64;"),
            '#' => safe.push_str("&#35;"),
            ':' => safe.push_str("&#58;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_become_markup() {
        assert_eq!(
            inline("<img src=x> @everyone [a](b) | `c` *d*\n# e\u{1b}"),
            "&lt;img src=x&gt; &#64;everyone \\[a\\](b) \\| \\`c\\` \\*d\\* &#35; e\\\\u{1b}"
        );
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert_eq!(fence("a ```` b"), "`````");
        assert_eq!(fence("a"), "```");
    }
}
