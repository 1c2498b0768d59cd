//! The first rung for a patch of any source: does it mend, or does it only look as if it did?
//! Pure: it is given the files that differ, on both sides, and runs nothing. What it cannot
//! tell it notes for a human; what it objects to, it says where and why.
//!
//! It knows no author. It reads C, C++, Rust, Python, JavaScript and TypeScript as code, and
//! anything else as lines.

mod build_files;
mod exports;
mod functions;
mod language;
mod layout;
mod lexer;
mod lockfile;
mod manifests;
mod markers;
mod naming;
mod objection;
mod pair;
mod removed;
mod rewritten;
mod roles;
mod run_at_build;
mod silencing;
mod special_case;
mod swallowing;
mod syntax;
mod tests_kept;
mod tests_skipped;

use std::collections::BTreeSet;

use backstitch_model::{Check, CheckRun, Outcome, RelPath};

pub use objection::{Objection, Place, Seen, Weight};
pub use roles::{Role, role};

use objection::Sightings;
use pair::Pair;

/// One file that differs between the untouched and the changed tree.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Where it is.
    pub path: RelPath,
    /// As it was; `None` where the patch adds it.
    pub before: Option<File>,
    /// As it is; `None` where the patch removes it.
    pub after: Option<File>,
}

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What it holds; of a link, where it leads; of a submodule, nothing that is used.
    pub bytes: Vec<u8>,
    /// What kind of entry it is.
    pub kind: FileKind,
}

/// What kind of entry a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file.
    Plain,
    /// A file that may be run.
    Executable,
    /// A symbolic link.
    Link,
    /// A commit of another repository.
    Submodule,
}

/// What is known of the flaw that the patch is said to mend.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The file or folder that the finding names.
    pub component: Option<RelPath>,
    /// The files that reproduce the flaw. A patch may not touch them, nor name them.
    pub reproducer_files: Vec<RelPath>,
    /// The inputs that reproduce it.
    pub inputs: Vec<Vec<u8>>,
    /// How much a patch may change.
    pub limits: Limits,
    /// The patch is said to mend nothing; it may do anything else.
    pub claims_nothing: bool,
}

/// How much a patch may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most files of any kind.
    pub files_max: usize,
    /// The most lines that come or go, tests and documents not counted.
    pub lines_max: usize,
    /// The most lines that come or go outside of the finding's component.
    pub outside_lines_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files_max: 100,
            lines_max: 3000,
            outside_lines_max: 400,
        }
    }
}

/// What the rung found.
#[derive(Debug, Clone)]
pub struct Judged {
    /// How it ended.
    pub run: CheckRun,
    /// Files to take from the untouched tree again before anything is built or run, and to
    /// remove where that tree has none.
    pub relay: Vec<RelPath>,
    /// The tests of the files in `relay` that the patch rewrites to expect something else. Where
    /// one of them fails as it was, only a human can say which is right.
    pub rewritten: BTreeSet<String>,
    /// Everything that was seen, what weighs most first.
    pub seen: Vec<Seen>,
}

/// How many reasons are told.
const REASONS_MAX: usize = 5;
/// How many notes are told.
const NOTES_MAX: usize = 20;
/// The most that is read of one patch, both sides together.
const BYTES_MAX: usize = 32 << 20;

/// Judges what a patch changes.
pub fn judge(changes: &[Changed], about: &About) -> Judged {
    let mut seen = Sightings::default();
    layout::entries(changes, about, &mut seen);
    let mut relay = BTreeSet::new();
    let mut rewritten = BTreeSet::new();
    let bytes: usize = changes.iter().map(bytes_of).sum();
    if bytes > BYTES_MAX {
        let what = format!("{bytes} bytes of files differ, and {BYTES_MAX} are read at most");
        seen.object(Objection::Huge, None, what);
    } else {
        let component = about.component.as_ref();
        let pairs: Vec<Pair<'_>> = changes
            .iter()
            .filter(|changed| changed.before != changed.after)
            .filter_map(|changed| Pair::read(changed, component))
            .collect();
        rewritten = look(&pairs, about, &mut seen, &mut relay);
    }
    for changed in changes {
        let own = about
            .component
            .as_ref()
            .is_some_and(|of| pair::is_in(&changed.path, of));
        let measures = role(&changed.path, None).measures() && changed.before.is_some();
        if about.reproducer_files.contains(&changed.path) || measures && !own {
            relay.insert(changed.path.clone());
        }
    }
    Judged {
        rewritten,
        ..concluded(seen.sorted(), relay.into_iter().collect())
    }
}

/// Answers the tests that are rewritten.
fn look(
    pairs: &[Pair<'_>],
    about: &About,
    seen: &mut Sightings,
    relay: &mut BTreeSet<RelPath>,
) -> BTreeSet<String> {
    let has_code = layout::whole(pairs, about, seen);
    let rewritten = tests_kept::look(pairs, has_code, seen);
    build_files::look(pairs, seen, relay);
    run_at_build::look(pairs, seen);
    removed::look(pairs, seen);
    exports::look(pairs, seen);
    let has_source = layout::changes_source(pairs);
    for pair in pairs {
        layout::one(pair, has_source, seen);
        functions::look(pair, seen);
        silencing::look(pair, seen);
        swallowing::look(pair, seen);
        special_case::look(pair, about, seen);
        markers::look(pair, seen);
    }
    rewritten
}

fn bytes_of(changed: &Changed) -> usize {
    let sides = [&changed.before, &changed.after];
    sides
        .into_iter()
        .flatten()
        .map(|file| file.bytes.len())
        .sum()
}

fn concluded(seen: Vec<Seen>, relay: Vec<RelPath>) -> Judged {
    let told = |weight: Weight, max: usize| {
        let all: Vec<String> = seen
            .iter()
            .filter(|seen| seen.weight == weight)
            .map(ToString::to_string)
            .collect();
        let more = all.len().saturating_sub(max);
        let mut first: Vec<String> = all.into_iter().take(max).collect();
        if more > 0 {
            first.push(format!("and {more} more"));
        }
        first
    };
    let objections = told(Weight::Objects, REASONS_MAX);
    let doubts = told(Weight::Doubts, REASONS_MAX);
    let outcome = if !objections.is_empty() {
        Outcome::Failed(objections.join("; "))
    } else if !doubts.is_empty() {
        Outcome::Differs(doubts.join("; "))
    } else {
        Outcome::Passed
    };
    let mut notes = told(Weight::Notes, NOTES_MAX);
    if !relay.is_empty() {
        let names: Vec<_> = relay
            .iter()
            .map(|path| format!("`{}`", path.as_str().escape_debug()))
            .take(REASONS_MAX)
            .collect();
        let more = relay.len().saturating_sub(names.len());
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        notes.push(format!(
            "judged with {}{more} as the untouched tree has it",
            names.join(", ")
        ));
    }
    let run = CheckRun {
        notes,
        ..CheckRun::instant(Check::Scope, outcome)
    };
    Judged {
        run,
        relay,
        rewritten: BTreeSet::new(),
        seen,
    }
}

#[cfg(test)]
mod tests;
