//! Which package manager wrote a lockfile, told by its name alone.

use crate::package::Ecosystem;
use crate::path::RelPath;

/// A lockfile's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockFormat {
    /// `Cargo.lock`.
    Cargo,
    /// `package-lock.json` or `npm-shrinkwrap.json`.
    Npm,
    /// `pnpm-lock.yaml`.
    Pnpm,
    /// `yarn.lock`.
    Yarn,
    /// A requirements file of pip that pins what it lists, or a `pyproject.toml` that nothing locks.
    Requirements,
    /// `poetry.lock`.
    Poetry,
    /// `uv.lock`.
    Uv,
    /// `Pipfile.lock`.
    Pipenv,
    /// `go.mod`, which says which version of each module is used.
    GoMod,
    /// `Gemfile.lock` of Bundler.
    Gemfile,
    /// `composer.lock`.
    Composer,
    /// `pom.xml` of Maven, which has no lockfile beside it.
    Maven,
}

impl LockFormat {
    /// Every format, in the order in which several in one folder are looked at.
    pub const ALL: [Self; 12] = [
        Self::Cargo,
        Self::Npm,
        Self::Pnpm,
        Self::Yarn,
        Self::Poetry,
        Self::Uv,
        Self::Pipenv,
        Self::Requirements,
        Self::GoMod,
        Self::Gemfile,
        Self::Composer,
        Self::Maven,
    ];

    /// The format of the file at `path`; `None` where its name is no lockfile's. A requirements
    /// file may be called `requirements*.txt`, or lie in a folder `requirements`; whether it
    /// pins anything only its text tells.
    pub fn of(path: &RelPath) -> Option<Self> {
        let name = path.file_name();
        let named = Self::ALL
            .into_iter()
            .find(|format| format.file_names().contains(&name));
        named.or_else(|| is_requirements(path).then_some(Self::Requirements))
    }

    /// Did a tool of Python's write it that can be asked to write it again? Where that tool is not
    /// there, the text of such a lockfile can be edited for most fixes.
    pub fn has_tool_that_relocks(self) -> bool {
        matches!(self, Self::Poetry | Self::Uv | Self::Pipenv)
    }

    /// The names that its files always have; none for requirements files.
    pub fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Cargo => &["Cargo.lock"],
            Self::Npm => &["package-lock.json", "npm-shrinkwrap.json"],
            Self::Pnpm => &["pnpm-lock.yaml"],
            Self::Yarn => &["yarn.lock"],
            Self::Requirements => &[],
            Self::Poetry => &["poetry.lock"],
            Self::Uv => &["uv.lock"],
            Self::Pipenv => &["Pipfile.lock"],
            Self::GoMod => &["go.mod"],
            Self::Gemfile => &["Gemfile.lock"],
            Self::Composer => &["composer.lock"],
            Self::Maven => &["pom.xml"],
        }
    }

    /// The files beside it that its package manager writes along with it.
    pub fn companions(self) -> &'static [&'static str] {
        match self {
            Self::GoMod => &["go.sum"],
            Self::Cargo
            | Self::Npm
            | Self::Pnpm
            | Self::Yarn
            | Self::Requirements
            | Self::Poetry
            | Self::Uv
            | Self::Pipenv
            | Self::Gemfile
            | Self::Composer
            | Self::Maven => &[],
        }
    }

    /// The ecosystem of what it locks.
    pub fn ecosystem(self) -> Ecosystem {
        match self {
            Self::Cargo => Ecosystem::CratesIo,
            Self::Npm | Self::Pnpm | Self::Yarn => Ecosystem::Npm,
            Self::Requirements | Self::Poetry | Self::Uv | Self::Pipenv => Ecosystem::PyPi,
            Self::GoMod => Ecosystem::Go,
            Self::Gemfile => Ecosystem::RubyGems,
            Self::Composer => Ecosystem::Packagist,
            Self::Maven => Ecosystem::Maven,
        }
    }
}

/// Requirements files by their usual names, and the manifest that is read as one where nothing
/// locks what it asks for.
fn is_requirements(path: &RelPath) -> bool {
    let name = path.file_name();
    if name == crate::python::MANIFEST {
        return true;
    }
    let Some(stem) = name.strip_suffix(".txt") else {
        return false;
    };
    let in_folder = path
        .parent()
        .is_some_and(|folder| folder.file_name() == "requirements");
    in_folder || stem.starts_with("requirements") || stem.ends_with("requirements")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lockfile_is_known_by_its_name() {
        for (path, format) in [
            ("a/Cargo.lock", Some(LockFormat::Cargo)),
            ("npm-shrinkwrap.json", Some(LockFormat::Npm)),
            ("requirements.txt", Some(LockFormat::Requirements)),
            ("dev-requirements.txt", Some(LockFormat::Requirements)),
            ("requirements/dev.txt", Some(LockFormat::Requirements)),
            ("a/go.mod", Some(LockFormat::GoMod)),
            ("pom.xml", Some(LockFormat::Maven)),
            ("go.sum", None),
            ("docs/dev.txt", None),
            ("requirements.in", None),
            ("a/pyproject.toml", Some(LockFormat::Requirements)),
            ("package.json", None),
        ] {
            assert_eq!(
                LockFormat::of(&RelPath::new(path).unwrap()),
                format,
                "{path}"
            );
        }
    }
}
