//! Puts together what an engine is told of a finding: the manifests, the files that use the
//! package, and what an earlier run had to say. Reads the project and runs nothing of it.

use std::path::Path;

use anyhow::Result;
use backstitch_engine::Brief;
use backstitch_engine::brief::{Attempt, Excerpt, Role};
use backstitch_engine::redact::is_secret_file;
use backstitch_model::package::Ecosystem;
use backstitch_model::{Finding, Project, RelPath};

use crate::report::words;
use crate::source;

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
