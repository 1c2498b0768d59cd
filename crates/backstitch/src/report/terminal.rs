//! Text for people: tables and what needs a human.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use backstitch_model::evidence::Confinement;
use backstitch_model::finding::{Class, Compiled};
use backstitch_model::verdict::{Conclusion, Verdict};
use backstitch_model::{Finding, Record};

use super::table::{Cell, Table};
use super::{escape, words};
use crate::story::{Delivery, Mending, Story};
use crate::wire;

/// The width of tables where standard output is no terminal, in columns.
const WIDTH: usize = 120;

/// Lists findings.
pub fn findings(findings: &[Finding], notes: &[String]) -> String {
    let (vulnerabilities, notices): (Vec<_>, Vec<_>) = findings
        .iter()
        .partition(|finding| finding.is_vulnerability());
    let mut text = String::new();
    if vulnerabilities.is_empty() {
        text.push_str("No known vulnerability was found.\n");
    } else {
        text.push_str(&finding_table(&vulnerabilities));
    }
    text.push_str(&notice_lines(&notices));
    text.push_str(&note_lines(notes));
    text.push_str(&format!(
        "\n{}, {}\n",
        counted(vulnerabilities.len(), "vulnerability", "vulnerabilities"),
        counted(notices.len(), "notice", "notices")
    ));
    text
}

fn finding_table(findings: &[&Finding]) -> String {
    let mut table = table(&[
        "Advisory",
        "Package",
        "Severity",
        "Fixed in",
        "How it got here",
    ]);
    for finding in findings {
        let dependency = words::dependency(finding);
        table.add_row([
            escape(&words::main_id(finding)),
            escape(&dependency.package.to_string()),
            words::severity(finding),
            escape(&fixed_in(&dependency.fixed_versions)),
            escape(&format!(
                "{}\n{}",
                words::reach(&dependency.reach),
                words::chain(&dependency.reach)
            )),
        ]);
    }
    table.text()
}

fn fixed_in(versions: &[String]) -> String {
    match versions {
        [] => "no release".into(),
        [first, _, _, .., last] => format!("{first} … {last}"),
        few => few.join(", "),
    }
}

/// Tells a whole run.
pub fn story(story: &Story) -> String {
    let mut text = String::new();
    let vulnerabilities: Vec<_> = story.vulnerabilities().collect();
    if vulnerabilities.is_empty() {
        text.push_str("No known vulnerability was found.\n");
    } else {
        text.push_str(&record_table(&vulnerabilities));
    }
    let notices: Vec<_> = story
        .records
        .iter()
        .map(|record| &record.finding)
        .filter(|finding| !finding.is_vulnerability())
        .collect();
    text.push_str(&weakness_table(&story.weaknesses));
    text.push_str(&notice_lines(&notices));
    text.push_str(&human_lines(story));
    text.push_str(&ask_lines(story));
    text.push_str(&note_lines(&story.notes));
    text.push_str(&places(story));
    text
}

fn record_table(records: &[&Record]) -> String {
    let mut table = table(&[
        "Advisory",
        "Package",
        "Severity",
        "Verdict",
        "Change, or why there is none",
    ]);
    for record in records {
        let dependency = words::dependency(&record.finding);
        table.add_row([
            escape(&words::main_id(&record.finding)).into(),
            escape(&dependency.package.to_string()).into(),
            words::severity(&record.finding).into(),
            verdict_cell(record.verdict().as_ref()),
            escape(&change_or_reason(record)).into(),
        ]);
    }
    table.text()
}

/// The weaknesses of the project's own code that were named.
fn weakness_table(weaknesses: &[Mending]) -> String {
    if weaknesses.is_empty() {
        return String::new();
    }
    let mut table = table(&[
        "Weakness",
        "Where",
        "Reported by",
        "Verdict",
        "Change, or why there is none",
    ]);
    for mending in weaknesses {
        let weakness = &mending.weakness;
        let settled = mending.mended.settled_by().map(words::proposal);
        let told = settled.or_else(|| mending.why_left());
        table.add_row([
            escape(&weakness.rule).into(),
            escape(&words::place(weakness)).into(),
            escape(&weakness.scanner).into(),
            verdict_cell(mending.mended.verdict().as_ref()),
            escape(&told.unwrap_or_default()).into(),
        ]);
    }
    format!("\n{}", table.text())
}

fn verdict_cell(verdict: Option<&Verdict>) -> Cell {
    let Some(verdict) = verdict else {
        return Cell::styled("no fix", shown(AnsiColor::Yellow.on_default()));
    };
    let color = match verdict.conclusion {
        Conclusion::Proven | Conclusion::Tested | Conclusion::Clean => AnsiColor::Green,
        Conclusion::ProvenDiffers(_) | Conclusion::Resolved | Conclusion::Inconclusive(_) => {
            AnsiColor::Yellow
        }
        Conclusion::Rejected(..) => AnsiColor::Red,
    };
    let mut words = verdict.conclusion.name().to_owned();
    if let Conclusion::Rejected(check, _) = &verdict.conclusion {
        words = format!("Rejected({check})");
    }
    if verdict.confinement == Confinement::Unconfined {
        words.push_str("\n(no sandbox)");
    }
    Cell::styled(words, shown(color.on_default().bold()))
}

fn change_or_reason(record: &Record) -> String {
    if let Some(attempt) = record.settled_by() {
        let change = words::change(&attempt.candidate);
        return match words::dependency(&record.finding).reach.compiled {
            Compiled::OptIn | Compiled::OtherPlatform => {
                format!("{change} (not built here: the tests say nothing of it)")
            }
            Compiled::Yes | Compiled::Unknown(_) => change,
        };
    }
    let reason = record
        .verdict()
        .and_then(|verdict| match verdict.conclusion {
            Conclusion::Rejected(_, why)
            | Conclusion::Inconclusive(why)
            | Conclusion::ProvenDiffers(why) => Some(why),
            Conclusion::Proven | Conclusion::Tested | Conclusion::Resolved | Conclusion::Clean => {
                None
            }
        });
    let obstacle = record.obstacle.as_ref().map(ToString::to_string);
    let parts: Vec<_> = reason.into_iter().chain(obstacle).collect();
    if parts.is_empty() {
        "not tried".into()
    } else {
        parts.join("; ")
    }
}

fn notice_lines(notices: &[&Finding]) -> String {
    if notices.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nNotices (no vulnerabilities, nothing is changed for them):\n");
    for finding in notices {
        let dependency = words::dependency(finding);
        let class = match dependency.class {
            Class::Vulnerability => continue,
            class @ (Class::Notice(_) | Class::Yanked) => crate::wire::class_name(class),
        };
        let line = format!(
            "  {class:12} {}  {}\n",
            dependency.package,
            words::main_id(finding)
        );
        text.push_str(&escape(&line));
    }
    text
}

fn human_lines(story: &Story) -> String {
    let records = story.records.iter().filter(|record| record.needs_human());
    let packages = records.map(|record| {
        format!(
            "{} in {}: {}",
            words::main_id(&record.finding),
            words::dependency(&record.finding).package,
            words::outcome(record)
        )
    });
    let weaknesses = story.weaknesses.iter();
    let own = weaknesses
        .filter(|mending| mending.needs_human())
        .map(|mending| {
            let why = mending.why_left();
            let told = why.unwrap_or_else(|| words::mending(mending));
            format!("{}: {told}", mending.weakness)
        });
    let lines: Vec<_> = packages
        .chain(own)
        .map(|line| format!("  {}\n", escape(&line)))
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("\nNeeds a human:\n{}", lines.concat())
}

fn ask_lines(story: &Story) -> String {
    if story.asks.is_empty() {
        return String::new();
    }
    let line = |ask: &wire::Ask| {
        let about = words::asked_about(story, ask);
        let line = format!("{} about {about}: {}", ask.engine, ask.words);
        format!("  {}\n", escape(&line).replace('\n', " "))
    };
    let lines: String = story.asks.iter().map(line).collect();
    let all = words::spent_on_all(&story.asks);
    format!("\nEngines:\n{lines}  all of it: {all}\n")
}

fn note_lines(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let lines: String = notes
        .iter()
        .map(|note| format!("  {}\n", escape(note)))
        .collect();
    format!("\nTo know:\n{lines}")
}

fn places(story: &Story) -> String {
    let total = story.vulnerabilities().count();
    let left = story.left().count();
    let mut text = format!(
        "\n{} of {} fixed, {left} left\n",
        total - left,
        counted(total, "vulnerability", "vulnerabilities")
    );
    if !story.weaknesses.is_empty() {
        let weaknesses = story.weaknesses.iter();
        let mended = weaknesses
            .filter(|mending| mending.mended.settled_by().is_some())
            .count();
        text.push_str(&format!(
            "{mended} of {} of the project's own code mended\n",
            counted(story.weaknesses.len(), "weakness", "weaknesses")
        ));
    }
    if story.unasked > 0 {
        text.push_str(&format!("{} more that nobody asked about\n", story.unasked));
    }
    match &story.delivery {
        None => text.push_str("branch    none: no fix was accepted\n"),
        Some(Delivery::Branch { name, commits }) => text.push_str(&format!(
            "branch    {name} ({})\n",
            counted(commits.len(), "commit", "commits")
        )),
        Some(Delivery::Patches { folder, files }) => text.push_str(&format!(
            "patches   {} ({})\n",
            folder.display(),
            counted(files.len(), "file", "files")
        )),
    }
    if !story.offers.is_empty() {
        text.push_str(&format!(
            "offered   {} unproven, in the report\n",
            counted(story.offers.len(), "candidate", "candidates")
        ));
    }
    let report = story.evidence.join("report.md");
    text.push_str(&format!(
        "report    {}\n",
        escape(&report.display().to_string())
    ));
    text.push_str(&format!(
        "evidence  {}\n",
        escape(&story.evidence.display().to_string())
    ));
    text
}

/// A table for where standard output goes.
pub(super) fn table(header: &[&str]) -> Table {
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    let width = terminal.map_or(WIDTH, |(width, _)| usize::from(width.0));
    Table::new(header, shown(Style::new().bold()), width)
}

/// The style, where there are colours: on a terminal, unless the user wants none
/// (<https://no-color.org>).
fn shown(style: Style) -> Style {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stdout().is_terminal() && !is_unwanted {
        style
    } else {
        Style::new()
    }
}

pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}
