//! Rewrites one package of `uv.lock`: its version, its source archive and its wheels, with as
//! much said of each file as was said before.

use backstitch_model::candidate::RequirementEdit;
use backstitch_model::registry::ReleaseFile;

use super::super::catalogue::plain;
use super::{Rewrite, replaced};

/// The text with one package rewritten; `None` where it is not as uv writes it.
pub(super) fn rewrite(text: &str, rewrite: &Rewrite<'_>) -> Option<String> {
    let block = block_of(text, rewrite)?;
    let before = &text[block.clone()];
    let tells = |what: &str| before.contains(what);
    let form = Form {
        bytes: tells(", size = "),
        uploaded: tells(", upload-time = "),
    };
    let hashed = rewrite.hashed()?;
    let is_wheel = |file: &ReleaseFile| file.name.strip_suffix(".whl").is_some();
    let mut wheels: Vec<_> = hashed.iter().filter(|(file, _)| is_wheel(file)).collect();
    wheels.sort_by(|(left, _), (right, _)| left.name.cmp(&right.name));
    let sdist = hashed.iter().find(|(file, _)| !is_wheel(file));
    let mut lines = Vec::new();
    let mut rest = before.lines();
    while let Some(line) = rest.next() {
        if line.starts_with("version = ") {
            lines.push(format!("version = \"{}\"", safe(&rewrite.to.version)));
        } else if line.starts_with("sdist = ") {
            lines.extend(sdist.map(|(file, hash)| format!("sdist = {}", form.file(file, hash))));
        } else if line == "wheels = [" {
            lines.push(line.to_owned());
            rest.find(|line| *line == "]")?;
            let all = wheels.iter();
            lines.extend(all.map(|(file, hash)| format!("    {},", form.file(file, hash))));
            lines.push("]".to_owned());
        } else {
            lines.push(line.to_owned());
        }
    }
    let mut new = lines.join("\n");
    if before.ends_with('\n') {
        new.push('\n');
    }
    Some(referring(&replaced(text, block, &new), rewrite))
}

/// What the lockfile says that the project's own packages require follows their manifest.
pub(super) fn require(text: &str, edit: &RequirementEdit) -> Option<String> {
    let name = safe(&plain(&edit.key));
    let lines = text.split_inclusive('\n').map(|line| {
        let is_meant = line.contains(&format!("{{ name = \"{name}\","));
        let specifier = |text: &str| format!("specifier = \"{}\"", safe(text));
        if is_meant {
            line.replace(&specifier(&edit.from), &specifier(&edit.to))
        } else {
            line.to_owned()
        }
    });
    let new: String = lines.collect();
    (new != text).then_some(new)
}

/// Where several versions of a package are locked, others name the one they mean.
fn referring(text: &str, rewrite: &Rewrite<'_>) -> String {
    let (name, from) = (safe(rewrite.name), safe(rewrite.from));
    let old = format!("{{ name = \"{name}\", version = \"{from}\"");
    let new = format!(
        "{{ name = \"{name}\", version = \"{}\"",
        safe(&rewrite.to.version)
    );
    text.replace(&old, &new)
}

fn block_of(text: &str, rewrite: &Rewrite<'_>) -> Option<std::ops::Range<usize>> {
    const HEAD: &str = "[[package]]\n";
    let starts: Vec<usize> = text
        .match_indices(HEAD)
        .map(|(at, _)| at)
        .filter(|&at| at == 0 || text[..at].ends_with('\n'))
        .collect();
    starts.iter().enumerate().find_map(|(index, &start)| {
        let block = start..starts.get(index + 1).copied().unwrap_or(text.len());
        let value = |key: &str| {
            let mut lines = text[block.clone()].lines();
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
        };
        let name = value("name")?.trim_matches('"');
        let version = value("version")?.trim_matches('"');
        rewrite.is_of(name, version).then_some(block)
    })
}

/// What a lockfile says of each file; earlier revisions say less.
struct Form {
    bytes: bool,
    uploaded: bool,
}

impl Form {
    fn file(&self, file: &ReleaseFile, hash: &str) -> String {
        let mut text = format!(
            "{{ url = \"{}\", hash = \"sha256:{}\"",
            safe(&file.url),
            safe(hash)
        );
        if let Some(bytes) = file.bytes.filter(|_| self.bytes) {
            text.push_str(&format!(", size = {bytes}"));
        }
        if let Some(uploaded) = file.uploaded.as_deref().filter(|_| self.uploaded) {
            text.push_str(&format!(
                ", upload-time = \"{}\"",
                safe(&milliseconds(uploaded))
            ));
        }
        text.push_str(" }");
        text
    }
}

/// uv writes a time to the millisecond: `2024-04-11T03:34:41.447Z`.
fn milliseconds(time: &str) -> String {
    match time.trim_end_matches('Z').split_once('.') {
        Some((seconds, fraction)) => {
            let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
            match fraction.trim_end_matches('0') {
                "" => format!("{seconds}Z"),
                fraction => format!("{seconds}.{fraction}Z"),
            }
        }
        None => time.to_owned(),
    }
}

/// What comes from an index may hold anything, and must not end the quotes.
fn safe(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(c, '"' | '\\'))
        .collect()
}
