//! Which parts of a project a change touches, and with which package manager each is built and
//! tested: pure.
//!
//! A folder may hold the files of several: a C library with a JavaScript documentation, a Python
//! package with a Rust core. So a changed file counts for the nearest project of its own language,
//! and where there is none, for the nearest of any.

use std::collections::BTreeSet;

use backstitch_find::Discovery;
use backstitch_model::package::Ecosystem;
use backstitch_model::python;
use backstitch_model::{LockFormat, Project, RelPath};

/// A part of the project that is built and tested by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// The lockfile, or where it would be; for a project without a package manager, the file that
    /// says how it is built.
    pub anchor: RelPath,
    /// Who locks its packages; `None` where nobody does.
    pub format: Option<LockFormat>,
    /// Must a lockfile be made first?
    pub unlocked: bool,
}

/// What a file is written in, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    JavaScript,
    Python,
    C,
    /// Read by no compiler.
    None,
}

/// The manifests that a package manager can lock by itself, and the lockfile it would write.
const MANIFESTS: [(&str, &str, LockFormat); 2] = [
    ("Cargo.toml", "Cargo.lock", LockFormat::Cargo),
    ("package.json", "package-lock.json", LockFormat::Npm),
];

/// The files that say how a project without a package manager is built, best first.
const BUILD_FILES: [&str; 7] = [
    "CMakeLists.txt",
    "meson.build",
    "configure",
    "configure.ac",
    "GNUmakefile",
    "Makefile",
    "makefile",
];
/// The same of what packages Python.
const PYTHON_BUILD_FILES: [&str; 2] = ["pyproject.toml", "setup.py"];
/// Folders whose requirements are for building documents, and no use to code.
const DOCUMENT_FOLDERS: [&str; 2] = ["docs", "doc"];

/// What the untouched tree holds.
pub struct Ground<'ground> {
    /// Its lockfiles' projects.
    pub discovery: &'ground Discovery,
    /// Is there a file at this path?
    pub has_file: &'ground dyn Fn(&RelPath) -> bool,
    /// The part of the project that was asked for.
    pub part: Option<&'ground RelPath>,
}

impl Ground<'_> {
    /// The components that a change of these files touches, in the order of their paths; at least
    /// one. Files that no compiler reads count only where nothing else changes.
    pub fn touched(&self, changed: &[RelPath]) -> Vec<Component> {
        let of = |path: &RelPath| self.component(path);
        let code = changed
            .iter()
            .filter(|path| language(path) != Language::None || self.of_file(path).is_some());
        let mut components: BTreeSet<Component> = code.map(of).collect();
        if components.is_empty() {
            components = changed.iter().take(1).map(of).collect();
        }
        if components.is_empty() {
            components.insert(self.plain());
        }
        components.into_iter().collect()
    }

    /// The project whose lockfile or manifest this is.
    fn of_file(&self, path: &RelPath) -> Option<Component> {
        let mut projects = self.discovery.projects.iter();
        let project = projects.find(|project| {
            let mut manifests = project.manifests.iter();
            project.lockfile == *path || manifests.any(|manifest| manifest.path == *path)
        });
        project.map(locked)
    }

    /// The component that a file belongs to.
    fn component(&self, path: &RelPath) -> Component {
        if let Some(component) = self.of_file(path) {
            return component;
        }
        let language = language(path);
        let mut folder = path.parent();
        let mut any = None;
        loop {
            let here = self.here(folder.as_ref(), language);
            if let Some(fits) = here.iter().find(|component| fits(component, language)) {
                return fits.clone();
            }
            any = any.or_else(|| here.into_iter().next());
            let at_the_end = folder.is_none() || folder.as_ref() == self.part;
            if at_the_end {
                break;
            }
            folder = folder.and_then(|folder| folder.parent());
        }
        any.unwrap_or_else(|| self.plain())
    }

    /// The components whose folder this is, those with a lockfile first.
    fn here(&self, folder: Option<&RelPath>, language: Language) -> Vec<Component> {
        let mut here: Vec<Component> = self
            .discovery
            .projects
            .iter()
            .filter(|project| {
                // A requirements file may lie in a folder of its own; a package's is its own.
                let of = project.lockfile.parent();
                let name = of.as_ref().map_or("", RelPath::file_name);
                of.as_ref() == folder
                    || project.format == LockFormat::Requirements
                        && project.lockfile.file_name() != python::MANIFEST
                        && !DOCUMENT_FOLDERS.contains(&name)
                        && of.as_ref().and_then(RelPath::parent).as_ref() == folder
            })
            .map(locked)
            .collect();
        for (manifest, lockfile, format) in MANIFESTS {
            let locked = here
                .iter()
                .any(|component| ecosystem(component) == Some(format.ecosystem()));
            let (Ok(manifest), Ok(anchor)) = (
                RelPath::below(folder, manifest),
                RelPath::below(folder, lockfile),
            ) else {
                continue;
            };
            if !locked && (self.has_file)(&manifest) {
                here.push(Component {
                    anchor,
                    format: Some(format),
                    unlocked: true,
                });
            }
        }
        // What packages Python knows its tests; a makefile beside it is for its people.
        let (first, then) = if language == Language::Python {
            (&PYTHON_BUILD_FILES[..], &BUILD_FILES[..])
        } else {
            (&BUILD_FILES[..], &PYTHON_BUILD_FILES[..])
        };
        let build = first.iter().chain(then).filter_map(|name| {
            let anchor = RelPath::below(folder, name).ok()?;
            (self.has_file)(&anchor).then_some(anchor)
        });
        here.extend(build.take(1).map(|anchor| Component {
            anchor,
            format: None,
            unlocked: false,
        }));
        here
    }

    /// A component without anything that says how it is built: the settings must.
    fn plain(&self) -> Component {
        let anchor = RelPath::below(self.part, "Makefile");
        Component {
            anchor: anchor.unwrap_or_else(|_| unreachable!("a folder of the project and a name")),
            format: None,
            unlocked: false,
        }
    }
}

fn locked(project: &Project) -> Component {
    Component {
        anchor: project.lockfile.clone(),
        format: Some(project.format),
        unlocked: false,
    }
}

fn ecosystem(component: &Component) -> Option<Ecosystem> {
    component.format.map(LockFormat::ecosystem)
}

fn fits(component: &Component, language: Language) -> bool {
    let name = component.anchor.file_name();
    match (ecosystem(component), language) {
        (_, Language::None) => true,
        (Some(Ecosystem::CratesIo), language) => language == Language::Rust,
        (Some(Ecosystem::Npm), language) => language == Language::JavaScript,
        (Some(Ecosystem::PyPi), language) => language == Language::Python,
        (Some(_), _) => false,
        // A makefile may build anything; what packages Python builds Python.
        (None, language) => {
            language == Language::Python || !["pyproject.toml", "setup.py"].contains(&name)
        }
    }
}

fn language(path: &RelPath) -> Language {
    let name = path.file_name();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "rs" => Language::Rust,
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" => Language::JavaScript,
        "py" | "pyi" | "pyx" => Language::Python,
        "c" | "h" | "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "inl" | "inc" | "s"
        | "y" | "l" => Language::C,
        _ => Language::None,
    }
}

#[cfg(test)]
mod tests {
    use backstitch_model::project::DependencyGraph;

    use super::*;

    fn path(path: &str) -> RelPath {
        RelPath::new(path).unwrap()
    }

    fn touched(files: &[&str], changed: &[&str]) -> Vec<String> {
        let project = |lockfile: &&str| {
            let lockfile = path(lockfile);
            let format = LockFormat::of(&lockfile)?;
            Some(Project {
                lockfile,
                format,
                graph: DependencyGraph::new(Vec::new()),
                manifests: Vec::new(),
                problems: Vec::new(),
            })
        };
        let discovery = Discovery {
            projects: files.iter().filter_map(project).collect(),
            problems: Vec::new(),
        };
        let ground = Ground {
            discovery: &discovery,
            has_file: &|path| files.contains(&path.as_str()),
            part: None,
        };
        let changed: Vec<_> = changed.iter().map(|changed| path(changed)).collect();
        let told = |component: Component| {
            let made = if component.unlocked {
                " to be made"
            } else {
                ""
            };
            format!("{}{made}", component.anchor)
        };
        ground.touched(&changed).into_iter().map(told).collect()
    }

    #[test]
    fn a_file_counts_for_the_nearest_project_of_its_language() {
        let files = [
            "Cargo.lock",
            "Cargo.toml",
            "Makefile",
            "package-lock.json",
            "package.json",
            "tools/Cargo.lock",
            "py/pyproject.toml",
            "requirements/dev.txt",
            "py/Makefile",
            "py/docs/requirements.txt",
        ];
        for (changed, expected) in [
            (&["src/main.rs"][..], &["Cargo.lock"][..]),
            (&["src/x.c"], &["Makefile"]),
            (&["web/a.ts", "web/b.ts"], &["package-lock.json"]),
            (&["tools/src/main.rs"], &["tools/Cargo.lock"]),
            (&["tools/src/x.c"], &["Makefile"]),
            (&["py/a.py"], &["py/pyproject.toml"]),
            (&["a.py"], &["requirements/dev.txt"]),
            (&["requirements/dev.txt"], &["requirements/dev.txt"]),
            (&["README.md"], &["Cargo.lock"]),
            (&["README.md", "web/a.ts"], &["package-lock.json"]),
            (&["package-lock.json"], &["package-lock.json"]),
        ] {
            assert_eq!(touched(&files, changed), expected, "{changed:?}");
        }
    }

    #[test]
    fn a_manifest_without_a_lockfile_gets_one_and_nothing_at_all_is_still_a_component() {
        assert_eq!(
            touched(&["a/Cargo.toml"], &["a/src/lib.rs"]),
            ["a/Cargo.lock to be made"]
        );
        assert_eq!(touched(&["a/x.c"], &["a/x.c"]), ["Makefile"]);
        assert_eq!(touched(&[], &[]), ["Makefile"]);
        assert_eq!(touched(&["configure", "Makefile"], &["x.h"]), ["configure"]);
    }
}
