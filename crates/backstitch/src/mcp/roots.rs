//! Which folders a client may name: those that the server was started for, and what is in them.
//!
//! A path is compared by its words before anything is looked up, so that an answer does not tell
//! what is there elsewhere, and once more after links were followed.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::source::Source;

/// The longest path that is taken, in bytes.
const PATH_BYTES_MAX: usize = 4096;
/// The most folders that a server may be started for.
const ROOTS_MAX: usize = 64;
/// The largest file that says where a worktree is, in bytes.
const LINK_BYTES_MAX: u64 = 64 << 10;
/// The most files of a repository that are looked at for links.
const STORE_ENTRIES_MAX: usize = 1_000_000;

/// The folders that a client may name.
#[derive(Debug, Clone)]
pub struct Roots {
    /// Each with all links followed; at least one.
    folders: Vec<PathBuf>,
}

impl Roots {
    /// Opens the folders that the user names.
    pub fn open(named: &[PathBuf]) -> Result<Self> {
        ensure!(
            !named.is_empty() && named.len() <= ROOTS_MAX,
            "serve projects: name one to {ROOTS_MAX} folders"
        );
        let mut folders = Vec::new();
        for folder in named {
            let about = || format!("serve the projects in `{}`", folder.display());
            let real = folder.canonicalize().with_context(about)?;
            ensure!(real.is_dir(), "{}: it is no folder", about());
            if !folders.contains(&real) {
                folders.push(real);
            }
        }
        Ok(Self { folders })
    }

    /// The folders, in words.
    pub fn words(&self) -> Vec<String> {
        let told = |folder: &PathBuf| folder.display().to_string();
        self.folders.iter().map(told).collect()
    }

    /// The folder or file that a client means. Without a path it is the only folder.
    pub fn resolve(&self, asked: Option<&str>) -> Result<PathBuf> {
        let asked = match (asked, self.folders.as_slice()) {
            (None | Some("" | "."), [only]) => return Ok(only.clone()),
            (None, _) => bail!("name the project by `path`: {}", self.choice()),
            (Some(asked), _) => asked,
        };
        ensure!(
            asked.len() <= PATH_BYTES_MAX && !asked.contains('\0'),
            "`path` is no path: it is longer than {PATH_BYTES_MAX} bytes, or holds a zero byte"
        );
        let path = Path::new(asked);
        ensure!(
            !path.components().any(|part| part == Component::ParentDir),
            "`{asked}` holds `..`: name the folder itself"
        );
        let path = match self.folders.as_slice() {
            _ if path.is_absolute() => path.to_owned(),
            [only] => only.join(path),
            _ => bail!(
                "`{asked}` could be in several folders: give the whole path; {}",
                self.choice()
            ),
        };
        ensure!(self.hold(&path), "{}", self.outside(asked));
        let real = path
            .canonicalize()
            .with_context(|| format!("open `{asked}`"))?;
        ensure!(self.hold(&real), "{}", self.outside(asked));
        Ok(real)
    }

    /// Opens the project that a client means, and refuses one whose repository is not inside: all
    /// of it would be copied.
    pub fn open_project(&self, asked: Option<&str>) -> Result<Source> {
        let path = self.resolve(asked)?;
        let source = Source::open(&path)?;
        if let Source::Git(repository) = &source {
            let root = repository.root();
            ensure!(
                self.hold(root),
                "`{}` is part of a repository that begins above the folders that this server was \
                 started for, and all of it would be judged: start the server for the whole one",
                path.display()
            );
            let real = |store: &Path| {
                let about = || format!("open the repository of `{}`", path.display());
                store.canonicalize().with_context(about)
            };
            let (store, own) = (real(repository.store())?, real(repository.own_store())?);
            let is_inside = self.hold(&store) && self.hold(&own);
            ensure!(
                is_inside || is_worktree(root, &store, &own),
                "the repository of `{}` is outside the folders that this server was started for",
                path.display()
            );
            if is_inside {
                self.check_borrowing(&store)?;
            }
        }
        Ok(source)
    }

    /// Refuses a repository that has parts of it elsewhere: by links, or by the objects of another
    /// (gitrepository-layout(5), `objects/info/alternates`).
    fn check_borrowing(&self, store: &Path) -> Result<()> {
        let mut folders = vec![store.to_owned()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            let about = || format!("look into `{}`", folder.display());
            for entry in std::fs::read_dir(&folder).with_context(about)? {
                seen += 1;
                ensure!(
                    seen <= STORE_ENTRIES_MAX,
                    "the repository `{}` has more than {STORE_ENTRIES_MAX} files; `git gc` packs them",
                    store.display()
                );
                let entry = entry.with_context(about)?;
                let kind = entry.file_type().with_context(about)?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_symlink() {
                    let inside = entry.path().canonicalize().is_ok_and(|to| self.hold(&to));
                    ensure!(inside, "{}", borrows(&entry.path()));
                } else if entry.path().ends_with("info/alternates") {
                    let size = entry.metadata().with_context(about)?.len();
                    ensure!(size == 0, "{}", borrows(&entry.path()));
                }
            }
        }
        Ok(())
    }

    fn hold(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| path.starts_with(folder))
    }

    fn outside(&self, asked: &str) -> String {
        format!(
            "`{asked}` is outside the folders that this server was started for; {}",
            self.choice()
        )
    }

    fn choice(&self) -> String {
        let named: Vec<_> = self.words().iter().map(|it| format!("`{it}`")).collect();
        format!("they are {}", named.join(", "))
    }
}

fn borrows(path: &Path) -> String {
    format!(
        "`{}` leads out of the folders that this server was started for: a repository that has parts \
         of it elsewhere is not opened",
        path.display()
    )
}

/// Does a repository elsewhere say itself that `root` is one of its worktrees? What lies in a
/// project may claim that of any repository (gitrepository-layout(5), `worktrees/<id>/gitdir`).
fn is_worktree(root: &Path, store: &Path, own: &Path) -> bool {
    use std::io::Read;
    let mut text = String::new();
    if own.parent() != Some(&store.join("worktrees")) {
        return false;
    }
    let read = std::fs::File::open(own.join("gitdir"))
        .and_then(|file| file.take(LINK_BYTES_MAX).read_to_string(&mut text));
    let said = Path::new(text.trim_end());
    let followed = |path: &Path| path.canonicalize().ok();
    read.is_ok() && followed(said).is_some_and(|said| Some(said) == followed(&root.join(".git")))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn refusal(roots: &Roots, asked: Option<&str>) -> String {
        format!("{:#}", roots.resolve(asked).unwrap_err())
    }

    #[test]
    fn only_what_is_in_the_named_folders_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for name in ["mine/sub", "mine/..x", "other", "mine-too"] {
            fs::create_dir_all(at.join(name)).unwrap();
        }
        symlink(at.join("other"), at.join("mine/away")).unwrap();
        symlink(at.join("mine/sub"), at.join("mine/within")).unwrap();
        symlink(at.join("mine"), at.join("door")).unwrap();
        let roots = Roots::open(&[at.join("door")]).unwrap();
        let mine = at.join("mine");
        for (asked, found) in [
            (None, mine.clone()),
            (Some("."), mine.clone()),
            (Some("sub"), mine.join("sub")),
            (Some("..x"), mine.join("..x")),
            (Some("within"), mine.join("sub")),
            (mine.join("sub").to_str(), mine.join("sub")),
        ] {
            assert_eq!(roots.resolve(asked).unwrap(), found, "{asked:?}");
        }
        for asked in ["sub/../../other", "..", "sub/.."] {
            assert!(
                refusal(&roots, Some(asked)).contains("holds `..`"),
                "{asked}"
            );
        }
        let other = at.join("other").display().to_string();
        let near = at.join("mine-too").display().to_string();
        for asked in ["away", &other, &near, "/etc/passwd", "/no/such/file"] {
            assert!(
                refusal(&roots, Some(asked)).contains("is outside"),
                "{asked}"
            );
        }
        assert!(refusal(&roots, Some("missing")).contains("open `missing`"));
        assert!(refusal(&roots, Some("a\0b")).contains("zero byte"));
        assert!(refusal(&roots, Some(&"a/".repeat(3000))).contains("longer"));
    }

    #[test]
    fn with_several_folders_a_path_must_say_which() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for name in ["a/x", "b"] {
            fs::create_dir_all(at.join(name)).unwrap();
        }
        let roots = Roots::open(&[at.join("a"), at.join("b"), at.join("a")]).unwrap();
        assert_eq!(roots.words().len(), 2);
        assert!(refusal(&roots, None).contains("name the project"));
        assert!(refusal(&roots, Some("x")).contains("give the whole path"));
        let whole = at.join("a/x");
        assert_eq!(roots.resolve(whole.to_str()).unwrap(), whole);
        assert!(Roots::open(&[at.join("missing")]).is_err());
    }

    #[test]
    fn a_project_cannot_lead_to_a_repository_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for name in ["private", "mine/hostile", "whole/part"] {
            fs::create_dir_all(at.join(name)).unwrap();
            fs::write(at.join(name).join("file"), "x").unwrap();
        }
        crate::source::Repository::create(&at.join("private"), "Begin").unwrap();
        let link = format!("gitdir: {}\n", at.join("private/.git").display());
        fs::write(at.join("mine/hostile/.git"), link).unwrap();
        let mine = Roots::open(&[at.join("mine")]).unwrap();
        let refused = format!("{:#}", mine.open_project(Some("hostile")).unwrap_err());
        assert!(refused.contains("is outside"), "{refused}");
        // One that borrows the objects of another, and one that the other knows of.
        let own = at.join("private/.git/worktrees/hostile");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        fs::copy(at.join("private/.git/HEAD"), own.join("HEAD")).unwrap();
        let link = format!("gitdir: {}\n", own.display());
        fs::write(at.join("mine/hostile/.git"), link).unwrap();
        let refused = format!("{:#}", mine.open_project(Some("hostile")).unwrap_err());
        assert!(refused.contains("is outside"), "{refused}");
        let back = format!("{}\n", at.join("mine/hostile/.git").display());
        fs::write(own.join("gitdir"), back).unwrap();
        assert!(mine.open_project(Some("hostile")).is_ok());

        crate::source::Repository::create(&at.join("whole"), "Begin").unwrap();
        let part = Roots::open(&[at.join("whole/part")]).unwrap();
        let refused = format!("{:#}", part.open_project(None).unwrap_err());
        assert!(refused.contains("begins above"), "{refused}");
        let whole = Roots::open(&[at.join("whole")]).unwrap();
        assert!(whole.open_project(Some("part")).is_ok());
    }

    #[test]
    fn a_repository_with_parts_elsewhere_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for name in ["private", "mine/own"] {
            fs::create_dir_all(at.join(name)).unwrap();
            fs::write(at.join(name).join("file"), "x").unwrap();
            crate::source::Repository::create(&at.join(name), "Begin").unwrap();
        }
        let mine = Roots::open(&[at.join("mine")]).unwrap();
        let store = at.join("mine/own/.git");
        let refused = || format!("{:#}", mine.open_project(Some("own")).unwrap_err());
        assert!(mine.open_project(Some("own")).is_ok());
        let alternates = store.join("objects/info/alternates");
        fs::create_dir_all(store.join("objects/info")).unwrap();
        fs::write(
            &alternates,
            at.join("private/.git/objects").to_str().unwrap(),
        )
        .unwrap();
        assert!(refused().contains("leads out"), "{}", refused());
        fs::remove_file(&alternates).unwrap();
        fs::remove_file(store.join("HEAD")).unwrap();
        symlink(at.join("private/.git/HEAD"), store.join("HEAD")).unwrap();
        assert!(refused().contains("HEAD` leads out"), "{}", refused());
    }
}
