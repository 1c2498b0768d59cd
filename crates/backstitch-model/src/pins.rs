//! How the text of pip's requirements file falls into entries, and where in it a pin and its
//! hashes stand. Lexical only: reads no file, and what a specifier means is not decided here.
//!
//! Format: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>.

use std::ops::Range;

/// One entry: an option or a requirement, on one line or on several that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'text> {
    /// The number of its first line, from 1.
    pub line: usize,
    /// Where it begins in the file's text, in bytes.
    pub start: usize,
    /// Its lines as they are in the file, comments after it left out.
    pub raw: &'text str,
    /// What it says: lines joined, comments left out.
    pub text: String,
    /// The comments on its lines and on those that follow, without the `#`.
    pub comments: Vec<&'text str>,
}

/// A release that pip would install, though no file pins it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The package.
    pub name: String,
    /// The release that would be installed now.
    pub version: String,
    /// What it requires, as its metadata says.
    pub requires: Vec<String>,
}

/// An exact version, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin<'text> {
    /// The package, as written.
    pub name: &'text str,
    /// The version, as written.
    pub version: &'text str,
    /// Where the version stands in the file's text, in bytes.
    pub place: Range<usize>,
}

/// The entries of a requirements file, in its order.
pub fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut open = false;
    let mut start = 0;
    for (number, raw) in text.split_inclusive('\n').enumerate() {
        let line = raw.trim_end_matches(['\n', '\r']);
        let end = start + line.len();
        let (said, comment) = split_comment(line);
        let (said, continues) = match said.strip_suffix('\\') {
            Some(said) if comment.is_none() => (said, true),
            Some(_) | None => (said, false),
        };
        if open || !said.trim().is_empty() {
            if !open {
                entries.push(Entry {
                    line: number + 1,
                    start,
                    raw: "",
                    text: String::new(),
                    comments: Vec::new(),
                });
            }
            if let Some(entry) = entries.last_mut() {
                entry.raw = &text[entry.start..end];
                entry.text.push(' ');
                entry.text.push_str(said.trim());
            }
        }
        if let (Some(entry), Some(comment)) = (entries.last_mut(), comment) {
            entry.comments.push(comment);
        }
        open = continues;
        start += raw.len();
    }
    for entry in &mut entries {
        entry.text = entry.text.trim().to_owned();
    }
    entries
}

/// A comment begins at a `#` that stands first or after white space.
fn split_comment(line: &str) -> (&str, Option<&str>) {
    let starts = |at: usize| at == 0 || line[..at].ends_with([' ', '\t']);
    match line
        .match_indices('#')
        .map(|(at, _)| at)
        .find(|&at| starts(at))
    {
        Some(at) => (&line[..at], Some(line[at + 1..].trim())),
        None => (line, None),
    }
}

impl<'text> Entry<'text> {
    /// The option's name and value, such as `-r` and `base.txt`; `None` for a requirement.
    pub fn option(&self) -> Option<(&str, &str)> {
        if !self.text.starts_with('-') {
            return None;
        }
        if let Some(short) = self.text.get(..2).filter(|short| !short.starts_with("--")) {
            let value = self.text[2..].trim_start_matches('=').trim();
            return Some((short, value));
        }
        let end = self.text.find([' ', '=']).unwrap_or(self.text.len());
        let value = self.text[end..].trim_start_matches(['=', ' ']).trim();
        Some((&self.text[..end], value))
    }

    /// The requirement itself, without its options such as `--hash`; empty for an option.
    pub fn requirement(&self) -> &str {
        let end = self.text.find(" --").unwrap_or(self.text.len());
        if self.text.starts_with('-') {
            return "";
        }
        self.text[..end].trim()
    }

    /// The one version it asks for, where it asks for exactly one.
    pub fn pin(&self) -> Option<Pin<'text>> {
        let mut lexer = Lexer {
            text: self.raw,
            at: 0,
        };
        lexer.skip_space();
        let name = lexer.take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if name.is_empty() || name.starts_with('-') {
            return None;
        }
        lexer.skip_space();
        if lexer.rest().starts_with('[') {
            lexer.at += lexer.rest().find(']')? + 1;
            lexer.skip_space();
        }
        let bracket = lexer.skip("(");
        lexer.skip_space();
        if !lexer.skip("===") && !lexer.skip("==") {
            return None;
        }
        lexer.skip_space();
        let from = lexer.at;
        let version = lexer.take_while(|c| c.is_ascii_alphanumeric() || ".+!-_".contains(c));
        let to = lexer.at;
        lexer.skip_space();
        if bracket && !lexer.skip(")") {
            return None;
        }
        lexer.skip_space();
        let ends = |next: char| matches!(next, ';' | '#' | '-');
        let is_alone = lexer.rest().chars().next().is_none_or(ends);
        (is_alone && !version.is_empty()).then(|| Pin {
            name,
            version,
            place: self.start + from..self.start + to,
        })
    }

    /// Where its hashes stand in the file's text, each from `--hash` to the end of its digest.
    pub fn hashes(&self) -> Vec<Range<usize>> {
        let is_end = |c: char| c.is_whitespace() || c == '\\';
        self.raw
            .match_indices("--hash")
            .filter_map(|(at, found)| {
                let rest = &self.raw[at + found.len()..];
                let value = rest.trim_start_matches(['=', ' ']);
                let skipped = rest.len() - value.len();
                let length = value.find(is_end).unwrap_or(value.len());
                let end = at + found.len() + skipped + length;
                (skipped > 0).then(|| self.start + at..self.start + end)
            })
            .collect()
    }
}

/// Reads an entry's lines; the end of a line that goes on counts as space.
struct Lexer<'text> {
    text: &'text str,
    at: usize,
}

impl<'text> Lexer<'text> {
    fn rest(&self) -> &'text str {
        &self.text[self.at..]
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let goes_on = ["\\\n", "\\\r\n"]
                .into_iter()
                .find(|end| rest.starts_with(end));
            let skipped = match goes_on {
                Some(end) => end.len(),
                None => rest.len() - rest.trim_start().len(),
            };
            if skipped == 0 {
                return;
            }
            self.at += skipped;
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'text str {
        let rest = self.rest();
        let length = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# made by hand\n\
        -r base.txt\n\
        --index-url=https://example.org/simple\n\
        Requests[socks, security] == 2.27.1 ; python_version >= \"3.7\"  # why\n\
        idna==3.3 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via requests\n    # via -r dev.in\n\
        urllib3>=1.26,<2\n\
        attrs==21.*\n\
        x @ https://example.org/x.whl#egg=x\n";

    #[test]
    fn a_file_falls_into_entries_with_their_comments() {
        let entries = entries(FILE);
        let texts: Vec<_> = entries.iter().map(Entry::requirement).collect();
        assert_eq!(
            texts,
            [
                "",
                "",
                "Requests[socks, security] == 2.27.1 ; python_version >= \"3.7\"",
                "idna==3.3",
                "urllib3>=1.26,<2",
                "attrs==21.*",
                "x @ https://example.org/x.whl#egg=x",
            ]
        );
        assert_eq!(entries[0].option(), Some(("-r", "base.txt")));
        assert_eq!(
            entries[1].option(),
            Some(("--index-url", "https://example.org/simple"))
        );
        assert_eq!(entries[3].comments, ["via requests", "via -r dev.in"]);
        assert_eq!((entries[3].line, entries[4].line), (5, 10));
    }

    #[test]
    fn only_one_exact_version_is_a_pin_and_its_place_is_known() {
        let entries = entries(FILE);
        let pins: Vec<_> = entries.iter().filter_map(Entry::pin).collect();
        let told: Vec<_> = pins.iter().map(|pin| (pin.name, pin.version)).collect();
        assert_eq!(told, [("Requests", "2.27.1"), ("idna", "3.3")]);
        assert_eq!(&FILE[pins[1].place.clone()], "3.3");
        let hashes: Vec<_> = entries[3]
            .hashes()
            .into_iter()
            .map(|place| &FILE[place])
            .collect();
        assert_eq!(hashes, ["--hash=sha256:aa", "--hash=sha256:bb"]);
    }

    #[test]
    fn text_of_any_kind_is_read_without_a_panic() {
        for text in [
            "\\",
            "\\\n\\\n",
            "a[\n",
            "é==1",
            "-",
            "--",
            "a==1\\",
            "# é\n\u{0}",
        ] {
            for entry in entries(text) {
                let _ = (
                    entry.option(),
                    entry.requirement(),
                    entry.pin(),
                    entry.hashes(),
                );
            }
        }
    }
}
