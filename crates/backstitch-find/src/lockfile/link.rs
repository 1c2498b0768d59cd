//! Links a lockfile's names: each dependency to the package that it means.

use std::collections::{HashMap, HashSet};

use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::project::{DependencyGraph, Installation, LockedPackage, Node, Source};
use foldhash::quality::RandomState;

use super::{Lockfile, Raw, RawPackage};

/// How many problems are told one by one.
const PROBLEMS_MAX: usize = 50;

/// The longest text quoted in a problem, in characters.
const QUOTE_CHARS_MAX: usize = 80;

/// How many packages of one name and version are told apart by their source; a lockfile
/// with more is nobody's, and trying each would take quadratic time.
const SOURCES_MAX: usize = 16;

/// The addresses under which Cargo knows the public registry.
const PUBLIC_REGISTRIES: [&str; 2] = [
    "registry+https://github.com/rust-lang/crates.io-index",
    "sparse+https://index.crates.io/",
];

/// Builds the graph. Packages that are there twice keep their place, once.
pub(super) fn link(raw: &Raw<'_>) -> Lockfile {
    let mut problems = Problems::default();
    let mut packages: Vec<_> = raw.packages.iter().collect();
    let mut by_name_of_all = by_name(&packages);
    if by_name_of_all.len() < packages.len() {
        packages = distinct(&packages, &by_name_of_all, &mut problems);
        by_name_of_all = by_name(&packages);
    }
    tell_odd(&packages, &mut problems);
    let names = Names::new(&packages, by_name_of_all);
    let checksums = checksums(raw);
    let locked = packages
        .iter()
        .enumerate()
        .map(|(position, package)| LockedPackage {
            id: PackageVersion {
                ecosystem: Ecosystem::CratesIo,
                name: package.name.to_owned(),
                version: package.version.to_owned(),
            },
            source: source(package.source),
            checksum: checksum(package, &checksums),
            dependencies: names.dependencies(position, package, raw, &mut problems),
            installation: Installation::default(),
        })
        .collect();
    Lockfile {
        graph: DependencyGraph::new(locked),
        unused_patches: raw
            .unused_patches
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        problems: problems.finish(),
    }
}

fn source(address: Option<&str>) -> Source {
    match address {
        None => Source::Local,
        Some(address) if PUBLIC_REGISTRIES.contains(&address) => Source::PublicRegistry,
        Some(address) if address.starts_with("git+") => Source::Git(address.to_owned()),
        Some(address) => Source::OtherRegistry(address.to_owned()),
    }
}

/// The packages of each name. The standard library's hashes took an eighth of reading a
/// large lockfile; these have a seed of their own at each start, too.
type ByName<'raw> = HashMap<&'raw str, Named, RandomState>;

/// Where the packages of one name are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    One(usize),
    Several,
}

fn by_name<'raw>(packages: &[&'raw RawPackage<'raw>]) -> ByName<'raw> {
    let mut by_name = ByName::with_capacity_and_hasher(packages.len(), RandomState::default());
    for (position, package) in packages.iter().enumerate() {
        by_name
            .entry(package.name)
            .and_modify(|named| *named = Named::Several)
            .or_insert(Named::One(position));
    }
    by_name
}

/// The packages without repetitions; only those whose name is there more than once have
/// to be looked at whole.
fn distinct<'raw>(
    packages: &[&'raw RawPackage<'raw>],
    by_name: &ByName<'raw>,
    problems: &mut Problems,
) -> Vec<&'raw RawPackage<'raw>> {
    let mut seen = HashSet::new();
    let mut kept = Vec::with_capacity(packages.len());
    for package in packages {
        let key = (package.name, package.version, package.source);
        let is_repeated = by_name.get(package.name) == Some(&Named::Several);
        if is_repeated && !seen.insert(key) {
            problems.tell(|| format!("package `{}` is there twice", title(package)));
        } else {
            kept.push(*package);
        }
    }
    kept
}

/// Odd names are told and kept, since they are data.
fn tell_odd(packages: &[&RawPackage<'_>], problems: &mut Problems) {
    for package in packages {
        if has_control(package.name) || has_control(package.version) {
            problems.tell(|| format!("package `{}` has control characters", title(package)));
        }
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn title(package: &RawPackage<'_>) -> String {
    quote(&format!("{} {}", package.name, package.version))
}

/// Text from the lockfile, fit for a sentence: escaped and cut.
pub(crate) fn quote(text: &str) -> String {
    let cut: String = text.chars().take(QUOTE_CHARS_MAX).collect();
    cut.escape_debug().to_string()
}

/// Version 1 keeps checksums apart, by the package's full name.
fn checksums<'raw>(raw: &'raw Raw<'_>) -> HashMap<&'raw str, &'raw str> {
    raw.metadata
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("checksum ")?, *value)))
        .collect()
}

fn checksum(package: &RawPackage<'_>, checksums: &HashMap<&str, &str>) -> Option<String> {
    if let Some(checksum) = package.checksum {
        return Some(checksum.to_owned());
    }
    if checksums.is_empty() {
        return None;
    }
    let source = package.source?;
    let full = format!("{} {} ({source})", package.name, package.version);
    checksums
        .get(full.as_str())
        // Cargo writes this word for a package that has none.
        .filter(|checksum| **checksum != "<none>")
        .map(|checksum| (*checksum).to_owned())
}

/// Packages by name, for dependencies that are written `name`, `name version` or
/// `name version (source)`.
struct Names<'raw> {
    packages: &'raw [&'raw RawPackage<'raw>],
    by_name: ByName<'raw>,
    /// Only of names that are there more than once.
    by_version: HashMap<(&'raw str, &'raw str), Vec<usize>>,
}

impl<'raw> Names<'raw> {
    fn new(packages: &'raw [&'raw RawPackage<'raw>], by_name: ByName<'raw>) -> Self {
        let mut by_version: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        // Where each name is there once, as in many lockfiles, there is nothing to look for.
        let doubtful = if by_name.len() < packages.len() {
            packages
        } else {
            &[]
        };
        for (position, package) in doubtful.iter().enumerate() {
            if by_name.get(package.name) == Some(&Named::Several) {
                let key = (package.name, package.version);
                by_version.entry(key).or_default().push(position);
            }
        }
        Self {
            packages,
            by_name,
            by_version,
        }
    }

    fn dependencies(
        &self,
        position: usize,
        package: &RawPackage<'_>,
        raw: &Raw<'_>,
        problems: &mut Problems,
    ) -> Vec<Node> {
        let dependencies = raw.dependencies_of(package);
        let mut nodes = Vec::with_capacity(dependencies.len());
        for dependency in dependencies {
            let told = |what| {
                format!(
                    "package `{}` depends on `{}`, {what}",
                    title(package),
                    quote(dependency)
                )
            };
            match self.find(dependency) {
                Found::One(found) if found == position => {
                    problems.tell(|| told("which is itself"));
                }
                Found::One(found) => nodes.push(Node(found)),
                Found::None => problems.tell(|| told("which is not in the lockfile")),
                Found::Several => problems.tell(|| told("which could be several packages")),
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    fn find(&self, dependency: &str) -> Found {
        let (name, rest) = cut(dependency);
        let (version, source) = cut(rest);
        match self.by_name.get(name) {
            Some(Named::One(only)) if self.is_version(*only, version) => Found::One(*only),
            Some(Named::One(_)) | None => Found::None,
            // A name alone can only mean one of several if the lockfile is broken.
            Some(Named::Several) if version.is_empty() => Found::Several,
            Some(Named::Several) => {
                let source = source
                    .strip_prefix('(')
                    .and_then(|rest| rest.strip_suffix(')'));
                match self.by_version.get(&(name, version)).map(Vec::as_slice) {
                    None | Some([]) => Found::None,
                    Some([only]) => Found::One(*only),
                    Some(several) if several.len() > SOURCES_MAX => Found::Several,
                    Some(several) => self.of_source(several, source),
                }
            }
        }
    }

    fn is_version(&self, position: usize, version: &str) -> bool {
        version.is_empty() || self.packages[position].version == version
    }

    /// A name that is there twice is told apart by its source; a dependency on a
    /// repository names it without the commit. Without a source it is the project's own.
    fn of_source(&self, several: &[usize], source: Option<&str>) -> Found {
        let matches = |position: &&usize| {
            let own = self.packages[**position].source;
            own == source || own.map(without_commit) == source
        };
        match several
            .iter()
            .filter(matches)
            .collect::<Vec<_>>()
            .as_slice()
        {
            [only] => Found::One(**only),
            [] => Found::None,
            _ => Found::Several,
        }
    }
}

/// The text before and behind the first space.
fn cut(text: &str) -> (&str, &str) {
    // Most names are short and have none; the search for a `char` costs several times as much.
    let Some(space) = text.bytes().position(|byte| byte == b' ') else {
        return (text, "");
    };
    text.split_at_checked(space)
        .and_then(|(before, rest)| Some((before, rest.strip_prefix(' ')?)))
        .unwrap_or((text, ""))
}

enum Found {
    One(usize),
    None,
    Several,
}

fn without_commit(source: &str) -> &str {
    source.split_once('#').map_or(source, |(before, _)| before)
}

/// The first problems, and how many there were.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    told: Vec<String>,
    count: usize,
}

impl Problems {
    /// Builds the sentence only while there is room for it.
    pub(crate) fn tell(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.told.len() < PROBLEMS_MAX {
            self.told.push(what());
        }
    }

    pub(crate) fn finish(mut self) -> Vec<String> {
        let untold = self.count - self.told.len();
        if untold > 0 {
            self.told.push(format!("and {untold} more problems"));
        }
        self.told
    }
}
