//! What a patch is as a set of files, before what they say: its size, the kinds of its entries,
//! where they are, and how much of it is looks alone. Pure.

use backstitch_model::RelPath;

use super::objection::{Objection, Place, Sightings, Weight};
use super::pair::{Pair, is_in, text_of};
use super::roles::{Role, role};
use super::silencing::squeezed;
use super::syntax::Code;
use super::{About, Changed, File, FileKind};

/// Fewer lines that change in looks alone are not told.
const LOOKS_LINES: usize = 40;

/// Looks at the entries of the trees.
pub fn entries(changes: &[Changed], about: &About, seen: &mut Sightings) {
    let real = changes
        .iter()
        .filter(|changed| changed.before != changed.after);
    let files = real.clone().count();
    if files == 0 {
        seen.object(Objection::NoCode, None, "the patch changes nothing".into());
    }
    if files > about.limits.files_max {
        let what = format!("{files} files change, and {} may", about.limits.files_max);
        seen.object(Objection::Huge, None, what);
    }
    for changed in real {
        let place = Some(Place {
            path: changed.path.clone(),
            line: None,
        });
        entry(changed, place.as_ref(), seen);
        bytes(changed, place.as_ref(), seen);
        if about.reproducer_files.contains(&changed.path) {
            let what = "the reproducer differs".to_owned();
            seen.object(Objection::Oracle, place, what);
        }
    }
}

fn entry(changed: &Changed, place: Option<&Place>, seen: &mut Sightings) {
    let kind = |file: &Option<File>| file.as_ref().map(|file| file.kind);
    let (was, is) = (kind(&changed.before), kind(&changed.after));
    let either = |kind: FileKind| was == Some(kind) || is == Some(kind);
    if either(FileKind::Link) {
        let what = "a symbolic link comes, goes or leads elsewhere".to_owned();
        seen.object(Objection::Link, place.cloned(), what);
    } else if either(FileKind::Submodule) || changed.path.file_name() == ".gitmodules" {
        let what = "a submodule comes, goes or points elsewhere".to_owned();
        seen.object(Objection::Submodule, place.cloned(), what);
    } else if is == Some(FileKind::Executable) && was == Some(FileKind::Plain) {
        let what = "the file may be run now".to_owned();
        seen.object(Objection::Executable, place.cloned(), what);
    } else if is == Some(FileKind::Executable) && was.is_none() {
        let tests = matches!(role(&changed.path, None), Role::Test | Role::TestData);
        let weight = if tests {
            Weight::Notes
        } else {
            Weight::Objects
        };
        let what = "a new file may be run".to_owned();
        seen.add(weight, Objection::Executable, place.cloned(), what);
    }
}

fn bytes(changed: &Changed, place: Option<&Place>, seen: &mut Sightings) {
    let is_bytes = |file: &Option<File>| {
        file.as_ref()
            .is_some_and(|file| text_of(&file.bytes).is_none())
    };
    if !is_bytes(&changed.before) && !is_bytes(&changed.after) {
        return;
    }
    let for_tests = matches!(role(&changed.path, None), Role::Test | Role::TestData);
    let weight = if for_tests && changed.before.is_none() {
        Weight::Notes
    } else {
        Weight::Objects
    };
    let objection = if for_tests && changed.before.is_some() {
        Objection::Oracle
    } else {
        Objection::Binary
    };
    seen.add(
        weight,
        objection,
        place.cloned(),
        "a file that is no text differs".into(),
    );
}

/// Looks at the patch as a whole, and tells whether it changes any code.
pub fn whole(pairs: &[Pair<'_>], about: &About, seen: &mut Sightings) -> bool {
    let counted = |pair: &&Pair<'_>| {
        !pair.role.measures() && !matches!(pair.role, Role::Documents | Role::Lockfile)
    };
    let lines = |pair: &Pair<'_>| pair.added().count() + pair.removed().count();
    let total: usize = pairs.iter().filter(counted).map(lines).sum();
    if total > about.limits.lines_max {
        let what = format!(
            "{total} lines come or go, and {} may",
            about.limits.lines_max
        );
        seen.object(Objection::Huge, None, what);
    }
    let has_code = pairs.iter().any(changes_code);
    if !pairs.is_empty() && !has_code {
        // A patch that is said to mend nothing may be about tests or words alone.
        let weight = if about.claims_nothing {
            Weight::Notes
        } else {
            Weight::Objects
        };
        let what = "the patch changes no code".to_owned();
        seen.add(weight, Objection::NoCode, None, what);
    }
    if let Some(component) = &about.component {
        let outside: Vec<&Pair<'_>> = pairs
            .iter()
            .filter(|pair| pair.role == Role::Source && !is_near(pair.path, component))
            .collect();
        let total: usize = outside.iter().map(|pair| lines(pair)).sum();
        if let Some(first) = outside.first() {
            let heavy = total > about.limits.outside_lines_max;
            let weight = if heavy {
                Weight::Objects
            } else {
                Weight::Notes
            };
            let what = format!(
                "{total} lines come or go outside of `{}`",
                component.as_str().escape_debug()
            );
            seen.add(weight, Objection::Elsewhere, first.whole(), what);
        }
    }
    has_code
}

/// In the component, in its folder, or the same file of another ending, such as its header.
fn is_near(path: &RelPath, component: &RelPath) -> bool {
    let stem = |path: &RelPath| {
        path.file_name()
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let folder = component.parent();
    let is_file = component.file_name().contains('.');
    is_in(path, component)
        || is_file
            && (folder.is_some_and(|folder| is_in(path, &folder)) || stem(path) == stem(component))
}

/// Whether the file says something else than before to a machine that runs or builds it.
fn changes_code(pair: &Pair<'_>) -> bool {
    match pair.role {
        Role::Documents
        | Role::Test
        | Role::TestData
        | Role::Harness
        | Role::Ci
        | Role::ToolSettings
        | Role::OwnSettings => pair.is_component,
        Role::Source | Role::Aside | Role::Generated | Role::Vendored | Role::Build
            if pair.code_before().is_some() || pair.code_after().is_some() =>
        {
            !pair.same_tokens() && !only_tests_within(pair)
        }
        Role::Source
        | Role::Aside
        | Role::Build
        | Role::Manifest
        | Role::Lockfile
        | Role::Generated
        | Role::Vendored
        | Role::Other => {
            let tight = |lines: &mut dyn Iterator<Item = (u32, &str)>| {
                lines.map(|(_, line)| squeezed(line)).collect::<String>()
            };
            tight(&mut pair.added()) != tight(&mut pair.removed())
        }
    }
}

/// Whether both sides say the same but for their tests.
fn only_tests_within(pair: &Pair<'_>) -> bool {
    let (Some(before), Some(after)) = (pair.code_before(), pair.code_after()) else {
        return false;
    };
    outside_tests(before) == outside_tests(after)
}

/// A program's tokens without its tests and the attributes that make them tests.
fn outside_tests<'t>(code: &Code<'t>) -> Vec<&'t str> {
    const MARKS: &[&[&str]] = &[
        &["#", "[", "test", "]"],
        &["#", "[", "cfg", "(", "test", ")", "]"],
    ];
    let all = code.tokens.iter().enumerate();
    let mut kept = Vec::new();
    for (_, token) in all.filter(|(at, _)| !code.is_of_tests(*at)) {
        kept.push(token.text);
        if let Some(mark) = MARKS.iter().find(|mark| kept.ends_with(mark)) {
            kept.truncate(kept.len() - mark.len());
        }
    }
    kept
}

/// Does a patch change code that is written by hand?
pub fn changes_source(pairs: &[Pair<'_>]) -> bool {
    let mut sources = pairs.iter().filter(|pair| pair.role == Role::Source);
    sources.any(changes_code)
}

/// Looks at one file's place and its looks. `has_source` tells whether the patch changes what is
/// written by hand, too.
pub fn one(pair: &Pair<'_>, has_source: bool, seen: &mut Sightings) {
    if matches!(pair.role, Role::Generated | Role::Vendored) && !pair.is_component {
        let whose = if pair.role == Role::Generated {
            "what a tool wrote differs"
        } else {
            "a copy of somebody else's code differs"
        };
        // What was made again from a source that the patch changes comes with it; whether it was
        // made from that, only who makes it can tell.
        let weight = if pair.role == Role::Generated && has_source {
            Weight::Doubts
        } else {
            Weight::Objects
        };
        seen.add(weight, Objection::NotOurs, pair.whole(), whose.into());
        return;
    }
    let unread = [pair.code_before(), pair.code_after()];
    if unread.into_iter().flatten().any(|code| !code.parsed) {
        let what = "the file could not be read as a program".to_owned();
        seen.note(Objection::Unread, pair.whole(), what);
    }
    reformatted(pair, seen);
}

fn reformatted(pair: &Pair<'_>, seen: &mut Sightings) {
    let (Some(before), Some(after)) = (&pair.before, &pair.after) else {
        return;
    };
    let (mut looks, mut real, mut first) = (0, 0, None);
    for hunk in &pair.hunks {
        let went = before.lines.get(hunk.before.clone()).unwrap_or_default();
        let came = after.lines.get(hunk.after.clone()).unwrap_or_default();
        let went_tight: String = went.iter().map(|line| tight(line)).collect();
        let came_tight: String = came.iter().map(|line| tight(line)).collect();
        let lines = went
            .iter()
            .chain(came)
            .filter(|line| !line.trim().is_empty())
            .count();
        if went_tight == came_tight {
            looks += lines;
            first = first.or(Some(hunk.after.start + 1));
        } else {
            real += came.len().max(went.len()).min(lines);
        }
    }
    let all = before.lines.len().max(1);
    let endings = after
        .text
        .matches("\r\n")
        .count()
        .abs_diff(before.text.matches("\r\n").count());
    if endings * 2 > all && all > LOOKS_LINES {
        let what = "the ends of the lines are others".to_owned();
        seen.object(Objection::Reformatted, pair.whole(), what);
    }
    if looks >= LOOKS_LINES && looks > real {
        let line = u32::try_from(first.unwrap_or(1)).unwrap_or(1);
        let what = format!("{looks} lines change in looks alone, and {real} in what they say");
        seen.object(Objection::Reformatted, pair.at(line), what);
    }
}

/// A line without what formatters put in and take out.
fn tight(line: &str) -> String {
    let kept = line
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, ',' | ';' | '(' | ')'));
    kept.map(|letter| if letter == '\'' { '"' } else { letter })
        .collect()
}
