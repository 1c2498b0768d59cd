//! Owns finding inputs of a project's own that a reproducer's command could be given, and words that
//! its sources know. Reads plain files only.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use backstitch_model::RelPath;
use backstitch_model::TreeReproducer;
use backstitch_model::tree_reproducer::Input;

use crate::workbench::files;
use crate::workbench::session::{Tree, workspace_in};

/// The most samples.
const SAMPLES_MAX: usize = 12;
/// The largest sample, in bytes.
const BYTES_MAX: u64 = 64 << 10;
/// The most entries looked at.
const ENTRIES_MAX: usize = 2000;
/// How deep folders are entered.
const DEPTH_MAX: usize = 3;

/// The most sources that are read for their words.
const SOURCES_MAX: usize = 40;
/// The most words.
const WORDS_MAX: usize = 64;

/// Folders that hold samples.
const FOLDERS: [&str; 12] = [
    "tests",
    "test",
    "testdata",
    "test-data",
    "samples",
    "sample",
    "examples",
    "example",
    "data",
    "fixtures",
    "corpus",
    "t",
];

/// Files of the tree that are like the reproducer's inputs, each named by its path, in order.
pub(super) fn samples(tree: &Tree, reproducer: &TreeReproducer) -> Vec<Input> {
    let Some(like) = reproducer.inputs.first() else {
        return Vec::new();
    };
    let root = workspace_in(&tree.root, &tree.lockfile);
    let mut waiting: Vec<_> = FOLDERS
        .iter()
        .rev()
        .map(|it| ((*it).to_owned(), 0))
        .collect();
    let (mut found, mut seen) = (Vec::new(), 0);
    while let Some((folder, depth)) = waiting.pop() {
        let mut names = entries(&root.join(&folder));
        names.sort();
        for (name, is_folder) in names {
            seen += 1;
            if seen > ENTRIES_MAX || found.len() >= SAMPLES_MAX {
                return found;
            }
            let path = format!("{folder}/{name}");
            if is_folder {
                if depth < DEPTH_MAX && !name.starts_with('.') {
                    waiting.push((path, depth + 1));
                }
            } else if let Some(bytes) = sample(&root, &path, like) {
                found.push(Input { name: path, bytes });
            }
        }
    }
    found
}

/// Short words that stand in quotes in the sources: what a program compares its input with. First
/// those of sources that know words of the reproducer's inputs: its siblings.
pub(super) fn words(tree: &Tree, reproducer: &TreeReproducer) -> Vec<String> {
    let inputs = reproducer.inputs.iter().chain(&reproducer.benign);
    let inputs: Vec<_> = inputs
        .filter(|input| input.bytes.len() as u64 <= BYTES_MAX)
        .map(|input| String::from_utf8_lossy(&input.bytes).into_owned())
        .collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let own: BTreeSet<&str> = inputs
        .iter()
        .flat_map(|input| input.split(|c| !is_part(c)))
        .filter(|word| is_word(word))
        .collect();
    let root = workspace_in(&tree.root, &tree.lockfile);
    let mut waiting = vec![(String::new(), 0)];
    let mut files_read = 0;
    let (mut siblings, mut others) = (BTreeSet::new(), BTreeSet::new());
    while let Some((folder, depth)) = waiting.pop() {
        let mut names = entries(&root.join(&folder));
        names.sort();
        for (name, is_folder) in names {
            let path = format!("{folder}{name}");
            if is_folder {
                let is_own = !name.starts_with('.') && !FOLDERS.contains(&name.as_str());
                if is_own && depth < DEPTH_MAX {
                    waiting.push((format!("{path}/"), depth + 1));
                }
                continue;
            }
            if !is_source(&name) || files_read >= SOURCES_MAX {
                continue;
            }
            files_read += 1;
            let bytes = RelPath::new(path).ok();
            let bytes = bytes.and_then(|path| files::bytes(&root, &path, BYTES_MAX).ok()?);
            let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
            let found: BTreeSet<&str> = text
                .lines()
                .flat_map(|line| line.split(['"', '\'']).skip(1).step_by(2))
                .filter(|word| is_word(word))
                .collect();
            let place = if found.is_disjoint(&own) {
                &mut others
            } else {
                &mut siblings
            };
            place.extend(found.into_iter().map(str::to_owned));
        }
    }
    others.retain(|word| !siblings.contains(word));
    siblings.into_iter().chain(others).take(WORDS_MAX).collect()
}

fn is_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    (2..=16).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_plain)
}

fn is_source(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ["c", "cc", "cpp", "cxx", "py", "js", "mjs", "cjs", "rs"].contains(&ending)
}

/// A file's content where it is of the same kind: by its name's ending, or where that says nothing
/// by its first bytes.
fn sample(root: &Path, path: &str, like: &Input) -> Option<Vec<u8>> {
    let ending = |name: &str| {
        let (stem, ending) = name.rsplit('/').next()?.rsplit_once('.')?;
        (!stem.is_empty()).then(|| ending.to_lowercase())
    };
    let wanted = ending(&like.name);
    if wanted != ending(path) {
        return None;
    }
    let bytes = files::bytes(root, &RelPath::new(path).ok()?, BYTES_MAX).ok()??;
    let says_nothing = wanted.is_none_or(|ending| ["bin", "dat", "raw"].contains(&ending.as_str()));
    let begins_alike = like
        .bytes
        .get(..4)
        .is_some_and(|first| bytes.starts_with(first));
    (!says_nothing || begins_alike).then_some(bytes)
}

fn entries(folder: &Path) -> Vec<(String, bool)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .take(ENTRIES_MAX)
        .flatten()
        .filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            let name = entry.file_name().into_string().ok()?;
            (kind.is_dir() || kind.is_file()).then(|| (name, kind.is_dir()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_same_kind_are_found_where_samples_lie_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("tests/data/a.csv", "1,2\n"),
            ("tests/a.c", "int x;\n"),
            ("examples/b.CSV", "3\n"),
            ("src/c.csv", "4\n"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("tests/x.csv")).unwrap();
        let tree = Tree {
            root: folder.path().into(),
            lockfile: RelPath::new("Makefile").unwrap(),
        };
        let input = Input {
            name: "crash.csv".into(),
            bytes: b"\"".to_vec(),
        };
        let reproducer = TreeReproducer {
            name: "r".into(),
            argv: vec!["./t".into(), "{input}".into()],
            inputs: vec![input],
            files: Vec::new(),
            benign: Vec::new(),
            oracle: None,
            time_limit_s: 1,
            build: None,
        };
        let found = samples(&tree, &reproducer);
        let source = "if (!strcmp(a, \"clear\") || x == '\\n') f(\"no word\", \"b\");\n";
        fs::write(folder.path().join("src/a.c"), source).unwrap();
        assert_eq!(words(&tree, &reproducer), ["clear"]);
        let names: Vec<_> = found.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["tests/data/a.csv", "examples/b.CSV"]);
    }
}
