//! Reads the repository's own documents, for the tests that hold them to the program.

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize()
        .expect("the repository is where it was built")
}

/// The text of one of the repository's files.
pub fn text(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands under one heading of a Markdown page, up to the next heading.
#[derive(Debug, Default)]
pub struct Section {
    /// The heading, without its marks.
    pub heading: String,
    /// The lines below it that are no code.
    pub lines: Vec<String>,
}

/// Cuts a page at its headings; what stands before the first has an empty one.
pub fn sections(page: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut in_code = false;
    for line in page.lines() {
        in_code ^= line.trim_start().starts_with("```");
        if in_code {
            continue;
        }
        match line.strip_prefix('#') {
            Some(heading) => sections.push(Section {
                heading: heading.trim_start_matches('#').trim().to_owned(),
                lines: Vec::new(),
            }),
            None => sections
                .last_mut()
                .expect("there is always one")
                .lines
                .push(line.to_owned()),
        }
    }
    sections
}

impl Section {
    /// The cells of its table's rows, where the table has this header.
    pub fn rows(&self, header: &[&str]) -> Vec<Vec<String>> {
        let cells = |line: &String| -> Option<Vec<String>> {
            let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
            Some(
                inner
                    .split('|')
                    .map(|cell| cell.trim().to_owned())
                    .collect(),
            )
        };
        self.lines
            .iter()
            .map(cells)
            .skip_while(|row| row.as_ref().is_none_or(|row| row != header))
            .skip(2)
            .map_while(|row| row)
            .collect()
    }
}
