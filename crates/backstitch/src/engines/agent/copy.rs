//! The throwaway copy that an agent works in: the project's texts, without secrets. What it
//! differs by afterwards becomes edits of the project's own texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use backstitch_engine::Redactor;
use backstitch_engine::proposal::{EDITS_MAX, Edit, Explanation, NewFile, Proposal};
use backstitch_engine::redact::is_secret_file;
use backstitch_model::RelPath;
use similar::TextDiff;

use super::make_folder;
use crate::source;

/// How much text a copy holds, in bytes; further files are left out.
const BYTES_MAX: usize = 64 << 20;

/// How long two texts are compared before the difference is told more coarsely.
const DIFF_TIME_MAX: Duration = Duration::from_secs(2);

/// How many lines around a difference are tried, until what is searched for stands there once.
const CONTEXTS: &[usize] = &[1, 3, 8, 20, 60, usize::MAX / 4];

/// A copy, and what it was made from.
#[derive(Debug)]
pub struct Copy {
    root: PathBuf,
    files: BTreeMap<RelPath, Texts>,
}

/// One file as it was.
#[derive(Debug)]
struct Texts {
    /// What the agent got.
    shown: String,
    /// What the project has, where that is not the same.
    original: Option<String>,
}

/// What was left behind.
#[derive(Debug)]
pub enum Left {
    /// What it differs by.
    Changes(Proposal),
    /// It differs by something that no proposal can say; what.
    Unusable(String),
}

impl Copy {
    /// Copies the texts of a project into a new folder. Files of secrets are left out, and other
    /// secrets are taken out of their texts.
    pub fn make(original: &Path, into: &Path, redactor: &Redactor) -> Result<Self> {
        make_folder(into).with_context(|| format!("create `{}`", into.display()))?;
        let mut files = BTreeMap::new();
        let mut bytes = 0;
        source::each_text(original, &mut |path, text| {
            if is_secret_file(path.file_name()) || bytes + text.len() > BYTES_MAX {
                return;
            }
            bytes += text.len();
            let shown = redactor.redact(text).text;
            let original = (shown != text).then(|| text.to_owned());
            files.insert(path.clone(), Texts { shown, original });
        })?;
        let mut made = BTreeSet::new();
        for (path, texts) in &files {
            write(into, path, &texts.shown, &mut made)
                .with_context(|| format!("copy `{path}` for an agent"))?;
        }
        Ok(Self {
            root: into.to_owned(),
            files,
        })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What an agent left, once it is not running any more.
    pub fn left(&self) -> Result<Left> {
        let mut after = BTreeMap::new();
        let mut bytes = 0;
        source::each_text(&self.root, &mut |path, text| {
            let before = self.files.get(path);
            let differs = before.is_none_or(|before| before.shown != text);
            bytes += if differs { text.len() } else { 0 };
            if bytes <= BYTES_MAX {
                after.insert(path.clone(), differs.then(|| text.to_owned()));
            }
        })?;
        Ok(match self.changes(&after) {
            Ok(changes) => Left::Changes(changes),
            Err(why) => Left::Unusable(why),
        })
    }

    /// The changes, from all texts that are there now; nothing stands for one that is as it was.
    fn changes(&self, after: &BTreeMap<RelPath, Option<String>>) -> Result<Proposal, String> {
        let mut edits = Vec::new();
        let mut new = Vec::new();
        let differing = after
            .iter()
            .filter_map(|(path, text)| Some((path, text.as_ref()?)));
        for (path, text) in differing {
            match self.files.get(path) {
                Some(before) => edits.extend(before.edits(path, text)?),
                None => new.push(NewFile {
                    path: path.clone(),
                    text: text.clone(),
                }),
            }
            if edits.len() > EDITS_MAX {
                return Err(format!("it changed more than {EDITS_MAX} places"));
            }
        }
        if let Some(path) = self.files.keys().find(|path| !after.contains_key(*path)) {
            return Err(format!(
                "it removed `{path}`, or made it no text; no proposal can say that"
            ));
        }
        if let [first, second, ..] = new.as_slice() {
            return Err(format!(
                "it made several new files, such as `{}` and `{}`; one is taken, the test",
                first.path, second.path
            ));
        }
        Ok(Proposal {
            edits,
            explanation: Explanation {
                wrong: String::new(),
                fix: String::new(),
            },
            regression_test: new.pop(),
        })
    }
}

impl Texts {
    /// What turns this text into the other, each search text standing once in the project's.
    fn edits(&self, path: &RelPath, after: &str) -> Result<Vec<Edit>, String> {
        let original = self.original.as_ref().unwrap_or(&self.shown);
        let mut config = TextDiff::configure();
        config.timeout(DIFF_TIME_MAX);
        let difference = config.diff_lines(self.shown.as_str(), after);
        let (before, now): (Vec<&str>, Vec<&str>) = (
            self.shown.split_inclusive('\n').collect(),
            after.split_inclusive('\n').collect(),
        );
        for context in CONTEXTS {
            let groups = difference.grouped_ops(*context);
            let edits = groups.iter().filter_map(|group| {
                let (first, last) = (group.first()?, group.last()?);
                let old = first.old_range().start..last.old_range().end;
                let new = first.new_range().start..last.new_range().end;
                Some(Edit {
                    path: path.clone(),
                    search: before.get(old)?.concat(),
                    replace: now.get(new)?.concat(),
                })
            });
            let edits: Vec<_> = edits.collect();
            let fits = |edit: &Edit| {
                !edit.search.is_empty() && original.matches(edit.search.as_str()).count() == 1
            };
            if edits.iter().all(fits) {
                return Ok(edits);
            }
        }
        Err(if self.shown.is_empty() {
            format!("it wrote into `{path}`, which was empty; no proposal can say that")
        } else {
            format!("it changed `{path}` beside a secret that it is not shown")
        })
    }
}

/// Writes one file, and the folders that it is in.
fn write(
    into: &Path,
    path: &RelPath,
    text: &str,
    made: &mut BTreeSet<PathBuf>,
) -> std::io::Result<()> {
    let place = into.join(path.as_str());
    let parents: Vec<_> = place
        .ancestors()
        .skip(1)
        .take_while(|parent| *parent != into)
        .collect();
    for parent in parents.into_iter().rev() {
        if made.insert(parent.to_owned()) {
            make_folder(parent)?;
        }
    }
    fs::write(&place, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_engine::proposal::apply;

    const SECRET: &str = "hunter2-is-mine-1";

    fn made(files: &[(&str, &str)]) -> (tempfile::TempDir, Copy) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let place = folder.path().join("project").join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        let into = folder.path().join("copy");
        let copy = Copy::make(&folder.path().join("project"), &into, &Redactor::default());
        (folder, copy.unwrap())
    }

    fn changes(copy: &Copy) -> Proposal {
        match copy.left().unwrap() {
            Left::Changes(changes) => changes,
            Left::Unusable(why) => panic!("{why}"),
        }
    }

    #[test]
    fn what_an_agent_left_turns_the_project_into_the_same() {
        let lines: Vec<_> = (0..200).map(|n| format!("{}\n", n % 7)).collect();
        let before = lines.concat();
        let (_folder, copy) = made(&[("src/a.c", &before), ("src/b.c", "b\r\nc\r\n")]);
        assert!(changes(&copy).edits.is_empty());
        let mut now = lines.clone();
        now[3] = "three\n".into();
        now.remove(90);
        now.push("the end".into());
        fs::write(copy.root().join("src/a.c"), now.concat()).unwrap();
        fs::write(copy.root().join("src/b.c"), "b\r\nd\r\n").unwrap();
        fs::write(copy.root().join("src/test.c"), "new").unwrap();
        let proposal = changes(&copy);
        let files = BTreeMap::from([
            (RelPath::new("src/a.c").unwrap(), before),
            (RelPath::new("src/b.c").unwrap(), "b\r\nc\r\n".to_owned()),
        ]);
        let changed = apply(&proposal.edits, &files).unwrap();
        assert_eq!(changed[&RelPath::new("src/a.c").unwrap()], now.concat());
        assert_eq!(changed[&RelPath::new("src/b.c").unwrap()], "b\r\nd\r\n");
        assert_eq!(proposal.regression_test.unwrap().text, "new");
    }

    #[test]
    fn the_copy_holds_no_secret_and_the_project_s_own_stays() {
        let text = format!("int a;\npassword = \"{SECRET}\";\nint b;\nint c;\nint d;\nint e;\n");
        let (_folder, copy) = made(&[("a.c", &text), (".env", SECRET), ("keys/id_rsa", SECRET)]);
        let shown = fs::read_to_string(copy.root().join("a.c")).unwrap();
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(!copy.root().join(".env").exists() && !copy.root().join("keys").exists());
        fs::write(copy.root().join("a.c"), shown.replace("int e", "int f")).unwrap();
        let path = RelPath::new("a.c").unwrap();
        let files = BTreeMap::from([(path.clone(), text.clone())]);
        let changed = apply(&changes(&copy).edits, &files).unwrap();
        assert_eq!(changed[&path], text.replace("int e", "int f"));
        fs::write(copy.root().join("a.c"), shown.replace("redacted", "x")).unwrap();
        assert!(matches!(copy.left().unwrap(), Left::Unusable(why) if why.contains("secret")));
    }

    #[test]
    fn what_no_proposal_can_say_is_told() {
        for (act, wanted) in [
            ("remove", "removed"),
            ("link", "removed"),
            ("several", "several new files"),
            ("hide", "removed"),
        ] {
            let (_folder, copy) = made(&[("src/a.c", "a\n"), ("b.c", "b\n")]);
            let place = copy.root().join("src/a.c");
            match act {
                "remove" => fs::remove_file(place).unwrap(),
                "link" => {
                    fs::remove_file(&place).unwrap();
                    std::os::unix::fs::symlink("/etc/passwd", place).unwrap();
                }
                "several" => {
                    fs::write(copy.root().join("1"), "1").unwrap();
                    fs::write(copy.root().join("2"), "2").unwrap();
                }
                _ => fs::rename(copy.root().join("src"), copy.root().join("target")).unwrap(),
            }
            let Left::Unusable(why) = copy.left().unwrap() else {
                panic!("{act} is no proposal");
            };
            assert!(why.contains(wanted), "{act}: {why}");
        }
    }
}
