//! Puts together what an engine is told of a finding: the manifests, the files that use the
//! package or hold the flaw, and what earlier attempts came to. Reads the project and runs nothing
//! of it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};
use backstitch_engine::Brief;
use backstitch_engine::brief::{
    AdvisoryFacts, Attempt, Excerpt, FORMAT_VERSION, FindingFacts, Role,
};
use backstitch_engine::redact::is_secret_file;
use backstitch_model::candidate::SourceEdit;
use backstitch_model::evidence::Evidence;
use backstitch_model::package::Ecosystem;
use backstitch_model::verdict::Conclusion;
use backstitch_model::{Finding, Project, RelPath};
use backstitch_verify::scope::source as rules;

use crate::mend::Task;
use crate::report::words;
use crate::source;

/// How many files are told of where a weakness is of the project's own code.
const FILES_MAX: usize = 40;

/// How much of a failed check's log is told, from its end, in bytes.
const LOG_BYTES_MAX: u64 = 12 << 10;

/// How many manifests are told of: the root's, and those that name the package.
const MANIFESTS_MAX: usize = 8;

/// How many files that use a package are told of.
const CALLERS_MAX: usize = 24;

/// How many lines are told around each that names it.
const LINES_AROUND: usize = 12;

/// What files of source code are called at their end.
const SOURCE_ENDS: &[&str] = &[
    ".rs", ".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx", ".py",
];

/// Makes the brief for one finding of a project in `root`.
pub fn brief(
    root: &Path,
    project: &Project,
    finding: &Finding,
    happened: &[String],
) -> Result<Brief> {
    let dependency = words::dependency(finding);
    let name = import_name(&dependency.package.ecosystem, &dependency.package.name);
    let mut brief = Brief::of(finding);
    let manifests: Vec<&RelPath> = project
        .manifests
        .iter()
        .map(|manifest| &manifest.path)
        .collect();
    let mut callers = Vec::new();
    let mut shown = Vec::new();
    source::each_text(root, &mut |path, text| {
        if manifests.contains(&path) {
            let tells =
                manifests.first() == Some(&path) || has_word(text, &dependency.package.name);
            if tells && shown.len() < MANIFESTS_MAX {
                shown.push(Excerpt::whole(path, Role::Manifest, text));
            }
        } else if is_source(path) && callers.len() < CALLERS_MAX {
            callers.extend(around(path, text, &name));
        }
    })?;
    // Those that name it more often tell more.
    callers.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    brief.excerpts.extend(shown);
    brief
        .excerpts
        .extend(callers.into_iter().map(|(_, excerpt)| excerpt));
    if !happened.is_empty() {
        brief.earlier.push(Attempt {
            change: "what the newest run did about it".into(),
            evidence: happened.join("\n"),
        });
    }
    Ok(brief)
}

/// Makes the brief for a weakness of the code in `root`: the file that has it first, then what is
/// near it.
pub fn weakness_brief(root: &Path, task: &Task) -> Result<Brief> {
    let mut found = Vec::new();
    source::each_text(root, &mut |path, text| {
        let role = match rules::role(path, None) {
            _ if task.location.as_ref() == Some(path) => Role::Flaw,
            rules::Role::Source | rules::Role::Aside | rules::Role::Other => Role::Caller,
            rules::Role::Test => Role::Test,
            rules::Role::Build | rules::Role::Manifest => Role::Manifest,
            rules::Role::TestData
            | rules::Role::Harness
            | rules::Role::Ci
            | rules::Role::Lockfile
            | rules::Role::Generated
            | rules::Role::Vendored
            | rules::Role::Documents
            | rules::Role::ToolSettings
            | rules::Role::OwnSettings => return,
        };
        let far = match role {
            Role::Flaw => 0,
            Role::Caller => 1 + distance(path, task.location.as_ref()),
            Role::Test | Role::Manifest => 100 + distance(path, task.location.as_ref()),
        };
        // Only what is nearest is kept, so that a large project costs no more than a small one.
        let at = found.partition_point(|(known, _): &(usize, Excerpt)| *known <= far);
        if at < FILES_MAX {
            found.insert(at, (far, Excerpt::whole(path, role, text)));
            found.truncate(FILES_MAX);
        }
    })?;
    let location = task.location.as_ref().map(ToString::to_string);
    Ok(Brief {
        format: FORMAT_VERSION,
        finding: FindingFacts {
            id: task.finding.to_string(),
            location: location.unwrap_or_else(|| "not known".into()),
            what: task.what.clone(),
            severity: None,
            chain: Vec::new(),
        },
        advisory: AdvisoryFacts::default(),
        excerpts: found.into_iter().map(|(_, excerpt)| excerpt).collect(),
        earlier: Vec::new(),
        left_out: Vec::new(),
    })
}

/// How many folders lie between a file and the flaw's.
fn distance(path: &RelPath, flaw: Option<&RelPath>) -> usize {
    let Some(flaw) = flaw else {
        return 0;
    };
    let folders = |path: &RelPath| path.as_str().split('/').count() - 1;
    let both = path.as_str().split('/').zip(flaw.as_str().split('/'));
    let shared = both.take_while(|(one, other)| one == other).count();
    folders(path) + folders(flaw) - 2 * shared.min(folders(path)).min(folders(flaw))
}

/// What an earlier attempt was and how it failed, with the end of the log of what failed.
pub fn earlier_attempt(
    mut change: String,
    edits: &[SourceEdit],
    evidence: &Evidence,
) -> Result<Attempt> {
    for edit in edits {
        change.push_str(&format!(
            "\n\nin {}, instead of:\n{}\nthis:\n{}",
            edit.path, edit.search, edit.replace
        ));
    }
    let verdict = evidence.verdict();
    let mut told = verdict.to_string();
    if let Conclusion::Rejected(check, _) = &verdict.conclusion
        && let Some(log) = evidence
            .after
            .get(*check)
            .and_then(|run| run.log.as_deref())
    {
        told.push_str("\n\n");
        told.push_str(&end_of(Path::new(log))?);
    }
    Ok(Attempt {
        change,
        evidence: told,
    })
}

/// The end of a log, from the beginning of a line.
fn end_of(log: &Path) -> Result<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().with_context(|| format!("read log `{}`", log.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let is_cut = bytes.len() as u64 == LOG_BYTES_MAX;
    let whole = text.split_once('\n').filter(|_| is_cut);
    Ok(whole.map_or(&*text, |(_, rest)| rest).to_owned())
}

fn is_source(path: &RelPath) -> bool {
    let name = path.file_name();
    SOURCE_ENDS.iter().any(|end| name.ends_with(end)) && !is_secret_file(name)
}

/// A package's name as code writes it.
fn import_name(ecosystem: &Ecosystem, name: &str) -> String {
    match ecosystem {
        Ecosystem::CratesIo | Ecosystem::PyPi => name.replace('-', "_"),
        _ => name.to_owned(),
    }
}

/// The part of a file from the first line that names a package to the last, with what is around,
/// and how many lines name it.
fn around(path: &RelPath, text: &str, name: &str) -> Option<(usize, Excerpt)> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let naming = |line: &str| has_word(line, name);
    let first = lines.iter().position(|line| naming(line))?;
    let last = lines.iter().rposition(|line| naming(line))?;
    let count = lines.iter().filter(|line| naming(line)).count();
    let from = first.saturating_sub(LINES_AROUND);
    let to = (last + LINES_AROUND + 1).min(lines.len());
    let excerpt = Excerpt {
        path: path.to_string(),
        role: Role::Caller,
        first_line: from + 1,
        text: lines[from..to].concat(),
    };
    Some((count, excerpt))
}

/// Does a text hold the name as a word of its own?
fn has_word(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(place, _)| {
        let before = text[..place].chars().next_back();
        let after = text[place + name.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_the_flaw_comes_first() {
        let path = |text: &str| RelPath::new(text).unwrap();
        let far = |one: &str| distance(&path(one), Some(&path("src/io/read.c")));
        assert_eq!(
            [
                "src/io/read.c",
                "src/io/write.c",
                "src/a.c",
                "a.c",
                "lib/io/b.c"
            ]
            .map(far),
            [0, 0, 1, 2, 4]
        );
        assert_eq!(distance(&path("a/b.c"), None), 0);
    }

    #[test]
    fn of_a_log_the_end_is_told_from_the_beginning_of_a_line() {
        let log = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(log.path(), "one\ntwo\n").unwrap();
        assert_eq!(end_of(log.path()).unwrap(), "one\ntwo\n");
        std::fs::write(log.path(), "a line of some length\n".repeat(2_000)).unwrap();
        let end = end_of(log.path()).unwrap();
        assert!(end.starts_with("a line") && end.len() > 10_000, "{end}");
        assert!(end.len() as u64 <= LOG_BYTES_MAX);
    }

    #[test]
    fn only_the_part_of_a_file_that_uses_the_package_is_told() {
        let mut lines = vec!["fn other() {}\n"; 100];
        lines[50] = "use left_pad::pad;\n";
        lines[51] = "use left_padding::pad;\n";
        let path = RelPath::new("src/a.rs").unwrap();
        let (count, excerpt) = around(&path, &lines.concat(), "left_pad").unwrap();
        assert_eq!((count, excerpt.first_line), (1, 39));
        assert_eq!(excerpt.text.lines().count(), 25);
        assert!(around(&path, "use left_padding::pad;\n", "left_pad").is_none());
    }
}
