//! Rewrites one package of `poetry.lock`, of lock versions 1 and 2: its version, the Pythons it
//! runs with, what it requires, and its files.

use super::super::catalogue::{Need, plain};
use super::{Rewrite, replaced};

/// The text with one package rewritten; `None` where it is not as Poetry writes it.
pub(super) fn rewrite(text: &str, rewrite: &Rewrite<'_>) -> Option<String> {
    let block = block_of(text, rewrite)?;
    let mut lines: Vec<String> = text[block.clone()].lines().map(str::to_owned).collect();
    set(&mut lines, "version", &rewrite.to.version)?;
    let python = rewrite.to.runtime.as_deref().unwrap_or("*");
    set(&mut lines, "python-versions", &spaced(python));
    if let Some(needs) = &rewrite.needs {
        require(&mut lines, needs);
    }
    let files = files(rewrite)?;
    let own = lines.iter().position(|line| line == "files = [");
    if let Some(start) = own {
        replace_list(&mut lines, start, &files)?;
    }
    let mut block_text = lines.join("\n");
    if text[block.clone()].ends_with('\n') {
        block_text.push('\n');
    }
    let new = replaced(text, block, &block_text);
    if own.is_some() {
        return Some(new);
    }
    // Lock version 1 has the files of all packages in one table at the end.
    let mut lines: Vec<String> = new.split('\n').map(str::to_owned).collect();
    let table = lines.iter().position(|line| line == "[metadata.files]")?;
    let is_meant = |line: &String| {
        let name = line.strip_suffix(" = [")?.trim_matches('"');
        (plain(name) == plain(rewrite.name)).then_some(())
    };
    let start = (table..lines.len()).find(|at| is_meant(&lines[*at]).is_some())?;
    replace_list(&mut lines, start, &files)?;
    Some(lines.join("\n"))
}

/// Where the package's block stands: from its `[[package]]` to the next one or to the end.
fn block_of(text: &str, rewrite: &Rewrite<'_>) -> Option<std::ops::Range<usize>> {
    const HEAD: &str = "[[package]]\n";
    let starts: Vec<usize> = text
        .match_indices(HEAD)
        .map(|(at, _)| at)
        .filter(|&at| at == 0 || text[..at].ends_with('\n'))
        .collect();
    let end_of = |index: usize, start: usize| {
        let next = starts.get(index + 1).copied();
        let after = &text[start..next.unwrap_or(text.len())];
        let metadata = ["\n[metadata", "\n[extras]"]
            .iter()
            .filter_map(|table| after.find(table))
            .min();
        metadata.map_or(start + after.len(), |found| start + found + 1)
    };
    starts.iter().enumerate().find_map(|(index, &start)| {
        let block = start..end_of(index, start);
        let value = |key: &str| {
            let mut lines = text[block.clone()].lines();
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
        };
        let name = value("name")?.trim_matches('"');
        let version = value("version")?.trim_matches('"');
        rewrite.is_of(name, version).then_some(block)
    })
}

/// Sets a text among the block's own keys, before any table of it.
fn set(lines: &mut [String], key: &str, value: &str) -> Option<()> {
    let head = format!("{key} = ");
    let own = lines.iter().skip(1).position(|line| line.starts_with('['));
    let end = own.map_or(lines.len(), |at| at + 1);
    let line = lines[..end]
        .iter_mut()
        .find(|line| line.starts_with(&head))?;
    *line = format!("{head}{}", quoted(value));
    Some(())
}

/// Brings `[package.dependencies]` in line with the new release, where a line is plain: lists of
/// several requirements on one package stay as they are.
fn require(lines: &mut [String], needs: &[Need]) {
    let Some(start) = lines
        .iter()
        .position(|line| line == "[package.dependencies]")
    else {
        return;
    };
    let mut depth = 0_usize;
    for line in &mut lines[start + 1..] {
        if line.is_empty() || line.starts_with('[') && depth == 0 {
            return;
        }
        if depth == 0
            && let Some((key, value)) = line.split_once(" = ")
        {
            let name = plain(key.trim_matches('"'));
            let mut about = needs.iter().filter(|need| need.package == name);
            if let (Some(need), None) = (about.next(), about.next())
                && let Some(value) = required(value, need)
            {
                *line = format!("{key} = {value}");
            }
        }
        depth += line.matches('[').count();
        depth = depth.saturating_sub(line.matches(']').count());
    }
}

/// A requirement's new text: `">=1,<2"`, or the same in `{version = …}`.
fn required(value: &str, need: &Need) -> Option<String> {
    let version = quoted(&ordered(&need.text));
    if value.starts_with('"') {
        return Some(version);
    }
    let rest = value.strip_prefix("{version = \"")?;
    let (_, rest) = rest.split_once('"')?;
    Some(format!("{{version = {version}{rest}"))
}

/// Poetry writes lower ends first, and no spaces.
fn ordered(text: &str) -> String {
    let mut parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let rank = |part: &str| match part.chars().next() {
        Some('!') => 1,
        Some('<') => 2,
        _ => 0,
    };
    parts.sort_by_key(|part| rank(part));
    parts.join(",")
}

/// Python ranges are written with spaces.
fn spaced(range: &str) -> String {
    let parts: Vec<_> = range.split(',').map(str::trim).collect();
    parts.join(", ")
}

/// The lines of a package's files, in the order of their names.
fn files(rewrite: &Rewrite<'_>) -> Option<Vec<String>> {
    let mut hashed = rewrite.hashed()?;
    hashed.sort_by(|(left, _), (right, _)| left.name.cmp(&right.name));
    let line = |name: &str, hash: &str| {
        format!("    {{file = {}, hash = \"sha256:{hash}\"}},", quoted(name))
    };
    let lines = hashed.iter().map(|(file, hash)| line(&file.name, hash));
    Some(lines.collect())
}

/// Replaces what stands between `… = [` and `]`.
fn replace_list(lines: &mut Vec<String>, start: usize, new: &[String]) -> Option<()> {
    let length = lines[start + 1..].iter().position(|line| line == "]")?;
    lines.splice(start + 1..start + 1 + length, new.iter().cloned());
    Some(())
}

/// A text in quotes. What comes from an index may hold anything, and must not end the quotes.
fn quoted(text: &str) -> String {
    let safe: String = text
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '"' | '\\'))
        .collect();
    format!("\"{safe}\"")
}
