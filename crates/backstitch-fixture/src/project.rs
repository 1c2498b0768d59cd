//! Owns the making of a project from files, for tests: real manifests, and a lockfile
//! either real or in short. Reads only what tests need; real projects are read by
//! `backstitch-find`.

use std::collections::BTreeMap;

use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::project::{
    DependencyGraph, DependencyKind, Installation, LockedPackage, Manifest, Node, Requirement,
    Source,
};
use backstitch_model::{Project, RelPath};
use toml_edit::{Document, Item, TableLike};

use crate::files::Files;

/// A project from its files: every `Cargo.toml`, and a lockfile that is either a real
/// `Cargo.lock` or one in short, called `lock`, with one line a package:
///
/// ```text
/// app 0.1.0 local > tokio 1.8.1, bytes 1.0.1
/// tokio 1.8.1 > bytes 1.0.1
/// bytes 1.0.1
/// ```
///
/// After the version may stand `local`, `git` or `other` (another registry).
///
/// # Panics
/// Where the files are no such project.
pub fn project(files: &Files) -> Project {
    let packages = match files.get("Cargo.lock") {
        Some(text) => parse_lockfile(text),
        None => parse_short(
            files
                .get("lock")
                .expect("a lockfile, `Cargo.lock` or `lock`"),
        ),
    };
    let manifests = || {
        files
            .iter()
            .filter(|(path, _)| path.file_name() == "Cargo.toml")
    };
    let root = manifests()
        .map(|(_, text)| text)
        .find(|text| text.contains("[workspace"));
    let root = Document::parse(root.unwrap_or_default()).expect("a manifest is TOML");
    let mut manifests: Vec<_> = manifests()
        .map(|(path, text)| parse_manifest(path, text, root.as_item()))
        .collect();
    manifests.sort_by_key(|manifest| manifest.path.as_str().len());
    Project {
        lockfile: RelPath::new("Cargo.lock").expect("a path below the root"),
        format: backstitch_model::LockFormat::Cargo,
        graph: link(&packages, &Ecosystem::CratesIo),
        manifests,
        problems: Vec::new(),
    }
}

pub(crate) struct Line {
    name: String,
    version: String,
    source: Source,
    bundled: bool,
    dependencies: Vec<(String, Option<String>)>,
}

pub(crate) fn link(lines: &[Line], ecosystem: &Ecosystem) -> DependencyGraph {
    let find = |name: &str, version: Option<&str>| {
        let found = lines.iter().position(|line| {
            line.name == name && version.is_none_or(|version| line.version == version)
        });
        Node(found.unwrap_or_else(|| panic!("{name} {version:?} is not locked")))
    };
    let dependencies = |line: &Line| {
        let names = line.dependencies.iter();
        names
            .map(|(name, version)| find(name, version.as_deref()))
            .collect()
    };
    let packages = lines.iter().map(|line| LockedPackage {
        id: PackageVersion {
            ecosystem: ecosystem.clone(),
            name: line.name.clone(),
            version: line.version.clone(),
        },
        source: line.source.clone(),
        checksum: None,
        dependencies: dependencies(line),
        installation: Installation {
            bundled: line.bundled,
            ..Installation::default()
        },
    });
    DependencyGraph::new(packages.collect())
}

pub(crate) fn parse_short(text: &str) -> Vec<Line> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(parse_short_line).collect()
}

fn parse_short_line(line: &str) -> Line {
    let (head, dependencies) = line.split_once('>').unwrap_or((line, ""));
    let words: Vec<_> = head.split_whitespace().collect();
    let dependencies = dependencies
        .split(',')
        .filter(|text| !text.trim().is_empty());
    Line {
        name: words[0].to_owned(),
        version: words[1].to_owned(),
        source: match words.get(2) {
            None | Some(&"bundled") => Source::PublicRegistry,
            Some(&"local") => Source::Local,
            Some(&"git") => Source::Git("https://git.invalid/repository".into()),
            Some(&"other") => Source::OtherRegistry("https://registry.invalid".into()),
            Some(word) => panic!("in {line:?}: what is {word:?}?"),
        },
        bundled: words.get(2) == Some(&"bundled"),
        dependencies: dependencies.map(parse_reference).collect(),
    }
}

/// `name`, or `name version`, or that with a source after it.
fn parse_reference(text: &str) -> (String, Option<String>) {
    let mut words = text.split_whitespace().map(str::to_owned);
    (words.next().expect("a name"), words.next())
}

fn parse_lockfile(text: &str) -> Vec<Line> {
    let document = Document::parse(text).expect("a lockfile is TOML");
    let packages = document.get("package").and_then(Item::as_array_of_tables);
    let packages = packages.into_iter().flatten();
    packages.map(|table| parse_locked(table)).collect()
}

fn parse_locked(table: &dyn TableLike) -> Line {
    let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
    let dependencies = table.get("dependencies").and_then(Item::as_array);
    let dependencies = dependencies.into_iter().flatten();
    Line {
        name: text("name").expect("a locked package has a name"),
        version: text("version").expect("a locked package has a version"),
        source: match text("source").as_deref() {
            None => Source::Local,
            Some(source) if source.contains("crates.io-index") => Source::PublicRegistry,
            Some(source) if source.starts_with("git+") => Source::Git(source.to_owned()),
            Some(source) => Source::OtherRegistry(source.to_owned()),
        },
        bundled: false,
        dependencies: dependencies
            .map(|value| parse_reference(value.as_str().expect("a dependency is text")))
            .collect(),
    }
}

fn parse_manifest(path: &RelPath, text: &str, root: &Item) -> Manifest {
    let document = Document::parse(text).expect("a manifest is TOML");
    let manifest = document.as_item();
    let stated = |key: &str| {
        let own = manifest.get("package")?.get(key)?;
        let inherited = || root.get("workspace")?.get("package")?.get(key)?.as_str();
        own.as_str().or_else(inherited).map(str::to_owned)
    };
    let mut requirements = read_tables(manifest, None, root);
    let targets = manifest.get("target").and_then(Item::as_table_like);
    for (target, tables) in targets.into_iter().flat_map(TableLike::iter) {
        requirements.extend(read_tables(tables, Some(target), root));
    }
    let features = manifest.get("features").and_then(Item::as_table_like);
    Manifest {
        path: path.clone(),
        text: text.to_owned(),
        package: stated("name").zip(stated("version")),
        requirements,
        features: features
            .into_iter()
            .flat_map(TableLike::iter)
            .map(read_feature)
            .collect(),
        rust_version: stated("rust-version"),
        resolver: None,
    }
}

fn read_feature((name, entries): (&str, &Item)) -> (String, Vec<String>) {
    (name.to_owned(), texts(Some(entries)))
}

fn texts(item: Option<&Item>) -> Vec<String> {
    let values = item.and_then(Item::as_array).into_iter().flatten();
    values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

fn read_tables(item: &Item, target: Option<&str>, root: &Item) -> Vec<Requirement> {
    let kinds = BTreeMap::from([
        ("dependencies", DependencyKind::Normal),
        ("build-dependencies", DependencyKind::Build),
        ("dev-dependencies", DependencyKind::Dev),
    ]);
    let mut requirements = Vec::new();
    for (table, kind) in kinds {
        let entries = item.get(table).and_then(Item::as_table_like);
        for (key, entry) in entries.into_iter().flat_map(TableLike::iter) {
            requirements.push(read_requirement(key, entry, kind, target, root));
        }
    }
    requirements
}

fn read_requirement(
    key: &str,
    entry: &Item,
    kind: DependencyKind,
    target: Option<&str>,
    root: &Item,
) -> Requirement {
    let shared = || root.get("workspace")?.get("dependencies")?.get(key);
    let inherited = entry.get("workspace").and_then(Item::as_bool) == Some(true);
    let stated = if inherited {
        shared().expect("the workspace states it")
    } else {
        entry
    };
    let text = |name: &str| stated.get(name).and_then(Item::as_str);
    let flag = |name: &str| {
        let own = entry.get(name).and_then(Item::as_bool);
        own.or_else(|| stated.get(name).and_then(Item::as_bool))
    };
    let mut features = texts(stated.get("features"));
    if inherited {
        features.extend(texts(entry.get("features")));
    }
    Requirement {
        key: key.to_owned(),
        package: text("package").unwrap_or(key).to_owned(),
        version: stated
            .as_str()
            .or_else(|| text("version"))
            .unwrap_or("*")
            .to_owned(),
        kind,
        target: target.map(str::to_owned),
        optional: flag("optional").unwrap_or(false),
        peer: false,
        default_features: flag("default-features").unwrap_or(true),
        place: None,
        features,
    }
}
