//! One changed file, read on both sides, and which lines went and came. Pure; a pair that is
//! too different to be compared line by line counts as rewritten.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use backstitch_model::RelPath;
use similar::{Algorithm, DiffOp};

use super::language::Language;
use super::lexer::Token;
use super::objection::Place;
use super::roles::{Role, role};
use super::silencing::squeezed;
use super::syntax::Code;
use super::{Changed, FileKind};

/// The most lines that are compared with each other; more count as rewritten.
const LINES_MAX: usize = 100_000;
/// How long two files are compared exactly; after that, roughly.
const PATIENCE: Duration = Duration::from_secs(3);
/// How much of a file without an end of text is looked at to tell text from bytes.
const HEAD_BYTES: usize = 8192;

/// Lines that go together.
#[derive(Debug, Clone)]
pub struct Hunk {
    /// Which of the lines before, counted from nought.
    pub before: Range<usize>,
    /// Which of the lines after.
    pub after: Range<usize>,
}

/// A file on one side.
#[derive(Debug)]
pub struct Side<'t> {
    /// What it holds.
    pub text: &'t str,
    /// Its lines.
    pub lines: Vec<&'t str>,
    /// Read as code, where it is in a language that is known.
    pub code: Option<Code<'t>>,
}

/// A changed file that is text on each side on which it is.
#[derive(Debug)]
pub struct Pair<'t> {
    /// Where it is.
    pub path: &'t RelPath,
    /// What it is for.
    pub role: Role,
    /// It is what the finding is about.
    pub is_component: bool,
    /// Before the patch.
    pub before: Option<Side<'t>>,
    /// After it.
    pub after: Option<Side<'t>>,
    /// What differs.
    pub hunks: Vec<Hunk>,
    /// The lines that came and those that went, without their spaces.
    squeezed: [Vec<(u32, String)>; 2],
}

/// Text, where a file is text.
pub fn text_of(bytes: &[u8]) -> Option<&str> {
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    if head.contains(&0) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

impl<'t> Pair<'t> {
    /// Reads both sides; `None` where one is not text or is no plain file.
    pub fn read(changed: &'t Changed, component: Option<&RelPath>) -> Option<Self> {
        let side = |file: &'t Option<super::File>| match file {
            None => Some(None),
            Some(file) if matches!(file.kind, FileKind::Plain | FileKind::Executable) => {
                let text = text_of(&file.bytes)?;
                let language = Language::of(&changed.path, text);
                let code = language.map(|language| Code::read(text, language));
                let lines = text.lines().collect();
                Some(Some(Side { text, lines, code }))
            }
            Some(_) => None,
        };
        let (before, after) = (side(&changed.before)?, side(&changed.after)?);
        let told = before.as_ref().or(after.as_ref()).map(|side| side.text);
        let lines = |side: &Option<Side<'t>>| side.as_ref().map_or(Vec::new(), |s| s.lines.clone());
        let mut pair = Self {
            squeezed: [Vec::new(), Vec::new()],
            path: &changed.path,
            role: role(&changed.path, told),
            is_component: component.is_some_and(|component| is_in(&changed.path, component)),
            hunks: hunks(&lines(&before), &lines(&after)),
            before,
            after,
        };
        let tight = |(at, line): (u32, &str)| (at, squeezed(line));
        pair.squeezed = [
            pair.added().map(tight).collect(),
            pair.removed().map(tight).collect(),
        ];
        Some(pair)
    }

    /// A place in the file, as objections take it.
    #[expect(clippy::unnecessary_wraps, reason = "an objection's place may be none")]
    pub fn at(&self, line: u32) -> Option<Place> {
        let path = self.path.clone();
        let line = Some(line);
        Some(Place { path, line })
    }

    /// The file as a place.
    #[expect(clippy::unnecessary_wraps, reason = "an objection's place may be none")]
    pub fn whole(&self) -> Option<Place> {
        let (path, line) = (self.path.clone(), None);
        Some(Place { path, line })
    }

    /// The lines that came, with their numbers.
    pub fn added(&self) -> impl Iterator<Item = (u32, &'t str)> {
        lines_in(
            self.after.as_ref(),
            self.hunks.iter().map(|hunk| &hunk.after),
        )
    }

    /// The lines that went, with their numbers.
    pub fn removed(&self) -> impl Iterator<Item = (u32, &'t str)> {
        lines_in(
            self.before.as_ref(),
            self.hunks.iter().map(|hunk| &hunk.before),
        )
    }

    /// Whether a line after the patch, counted from one, was not there before.
    pub fn is_added(&self, line: u32) -> bool {
        within(&self.hunks, line, |hunk| &hunk.after).is_some()
    }

    /// Whether a line before the patch, counted from one, is there no longer.
    pub fn is_removed(&self, line: u32) -> bool {
        self.hunk_removed(line).is_some()
    }

    /// What a line before the patch went with.
    pub fn hunk_removed(&self, line: u32) -> Option<&Hunk> {
        within(&self.hunks, line, |hunk| &hunk.before)
    }

    /// The lines that came, without their spaces.
    pub fn added_squeezed(&self) -> &[(u32, String)] {
        &self.squeezed[0]
    }

    /// The lines that went, without their spaces.
    pub fn removed_squeezed(&self) -> &[(u32, String)] {
        &self.squeezed[1]
    }

    /// The code before.
    pub fn code_before(&self) -> Option<&Code<'t>> {
        self.before.as_ref().and_then(|side| side.code.as_ref())
    }

    /// The code after.
    pub fn code_after(&self) -> Option<&Code<'t>> {
        self.after.as_ref().and_then(|side| side.code.as_ref())
    }

    /// The code's tokens on lines that came.
    pub fn added_tokens(&self) -> Vec<(usize, Token<'t>)> {
        let tokens = self.code_after().map_or(&[][..], |code| &code.tokens);
        let all = tokens.iter().copied().enumerate();
        all.filter(|(_, token)| self.is_added(token.line)).collect()
    }

    /// Whether both sides hold the same tokens.
    pub fn same_tokens(&self) -> bool {
        let (Some(before), Some(after)) = (self.code_before(), self.code_after()) else {
            return false;
        };
        let texts = |code: &Code<'t>| {
            code.tokens
                .iter()
                .map(|token| token.text)
                .collect::<Vec<_>>()
        };
        texts(before) == texts(after)
    }
}

/// Whether `path` is `component` or in it.
pub fn is_in(path: &RelPath, component: &RelPath) -> bool {
    let rest = path.as_str().strip_prefix(component.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How often each text occurs.
pub fn counted<'t>(texts: impl Iterator<Item = &'t str>) -> BTreeMap<&'t str, usize> {
    let mut counted = BTreeMap::new();
    for text in texts {
        *counted.entry(text).or_insert(0) += 1;
    }
    counted
}

/// The hunk that holds a line, counted from one.
fn within(hunks: &[Hunk], line: u32, side: impl Fn(&Hunk) -> &Range<usize>) -> Option<&Hunk> {
    let at = (line as usize).checked_sub(1)?;
    let first = hunks.partition_point(|hunk| side(hunk).end <= at);
    hunks.get(first).filter(|hunk| side(hunk).contains(&at))
}

fn lines_in<'t, 'r>(
    side: Option<&Side<'t>>,
    ranges: impl Iterator<Item = &'r Range<usize>>,
) -> impl Iterator<Item = (u32, &'t str)> {
    let mut found = Vec::new();
    if let Some(side) = side {
        for at in ranges.flat_map(Clone::clone) {
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            found.extend(side.lines.get(at).map(|line| (number, *line)));
        }
    }
    found.into_iter()
}

fn hunks(before: &[&str], after: &[&str]) -> Vec<Hunk> {
    let same =
        |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut before.iter().zip(after));
    let (before, after) = (&before[head..], &after[head..]);
    let tail = same(&mut before.iter().rev().zip(after.iter().rev()));
    let (before, after) = (&before[..before.len() - tail], &after[..after.len() - tail]);
    if before.is_empty() && after.is_empty() {
        return Vec::new();
    }
    if before.len().max(after.len()) > LINES_MAX {
        let (before, after) = (head..head + before.len(), head..head + after.len());
        return vec![Hunk { before, after }];
    }
    let deadline = Some(Instant::now() + PATIENCE);
    let operations =
        similar::capture_diff_slices_deadline(Algorithm::Myers, before, after, deadline);
    let shifted = |range: Range<usize>| range.start + head..range.end + head;
    let mut hunks: Vec<Hunk> = Vec::new();
    for operation in operations {
        if matches!(operation, DiffOp::Equal { .. }) {
            continue;
        }
        let before = shifted(operation.old_range());
        let after = shifted(operation.new_range());
        match hunks.last_mut() {
            Some(last) if last.before.end == before.start && last.after.end == after.start => {
                last.before.end = before.end;
                last.after.end = after.end;
            }
            _ => hunks.push(Hunk { before, after }),
        }
    }
    hunks
}
