//! Reads a `yarn.lock`, of yarn 1 and of the later ones
//! (<https://yarnpkg.com/configuration/manifest>).
//!
//! A block's head lists the descriptors, `name@range`, that it answers. Yarn 1 does not
//! list the project's own packages; what those ask for stands in their manifests.

use std::collections::BTreeMap;

use backstitch_model::project::{Installation, Requirement};

use super::gather::{Entry, Gathering, identity};
use super::source::{Origin, asked, split_at_version};
use super::yaml::Yaml;
use super::yarn_classic;
use super::{ENTRIES_MAX, Linked, LockError, Own};
use crate::lockfile::{Problems, quote};

/// What only the later ones write at the top.
const METADATA: &str = "__metadata";

/// The blocks of a lockfile.
#[derive(Debug)]
pub(crate) struct YarnLock {
    blocks: Vec<Block>,
    problems: Problems,
}

#[derive(Debug)]
struct Block {
    descriptors: Vec<String>,
    /// The folder, where it is one of the project's own packages.
    folder: Option<String>,
    entry: Entry,
    asks: Vec<(String, String)>,
}

impl YarnLock {
    pub(super) fn parse(text: &str) -> Result<Self, LockError> {
        let is_later = text.lines().any(|line| line.starts_with(METADATA));
        let document = if is_later {
            Yaml::parse(text)?
        } else {
            yarn_classic::parse(text)?
        };
        let blocks = document.entries();
        if blocks.len() > ENTRIES_MAX {
            return Err(LockError::TooMany);
        }
        let mut lock = Self {
            blocks: Vec::new(),
            problems: Problems::default(),
        };
        for (head, block) in blocks.iter().filter(|(head, _)| head != METADATA) {
            let read = if is_later {
                later_block(head, block)
            } else {
                classic_block(head, block)
            };
            match read {
                Some(block) => lock.blocks.push(block),
                None => lock
                    .problems
                    .tell(|| format!("block `{}` cannot be read", quote(head))),
            }
        }
        Ok(lock)
    }

    pub(super) fn folders(&self) -> Vec<&str> {
        let folders = self.blocks.iter();
        folders
            .filter_map(|block| block.folder.as_deref())
            .collect()
    }

    pub(super) fn link(&self, own: &[Own]) -> Linked {
        let mut linking = Linking {
            gathering: Gathering::new(&self.problems),
            by_descriptor: BTreeMap::new(),
            by_name: BTreeMap::new(),
        };
        let own_nodes = linking.add_own(own);
        let nodes = linking.add_blocks(self, &own_nodes);
        for (block, &from) in self.blocks.iter().zip(&nodes) {
            for (name, range) in &block.asks {
                linking.depend(from, name, range);
            }
        }
        for package in own {
            let is_listed = self.blocks.iter().any(|block| {
                let folder = block.folder.as_deref();
                folder == Some(package.folder.as_str())
            });
            if !is_listed && let Some(manifest) = &package.manifest {
                let from = own_nodes[package.folder.as_str()];
                let asks = manifest.requirements.iter();
                for requirement in asks.filter(|requirement| !requirement.peer) {
                    linking.depend(from, &requirement.key, &as_written(requirement));
                }
            }
        }
        linking.gathering.finish()
    }
}

struct Linking<'lock> {
    gathering: Gathering,
    by_descriptor: BTreeMap<&'lock str, usize>,
    /// The packages of each name, the project's own among them.
    by_name: BTreeMap<String, Vec<usize>>,
}

impl<'lock> Linking<'lock> {
    fn add_own<'own>(&mut self, own: &'own [Own]) -> BTreeMap<&'own str, usize> {
        let mut nodes = BTreeMap::new();
        for package in own {
            let node = self.gathering.add_own(package, None);
            let (name, _) = identity(package, None);
            self.by_name.entry(name).or_default().push(node);
            nodes.insert(package.folder.as_str(), node);
        }
        nodes
    }

    fn add_blocks(&mut self, lock: &'lock YarnLock, own: &BTreeMap<&str, usize>) -> Vec<usize> {
        let mut nodes = Vec::with_capacity(lock.blocks.len());
        for block in &lock.blocks {
            let folder = block.folder.as_deref();
            let node = match folder.and_then(|folder| own.get(folder)) {
                Some(&node) => node,
                None => self.gathering.add(block.entry.clone()),
            };
            for descriptor in &block.descriptors {
                self.by_descriptor.insert(descriptor, node);
                let name =
                    split_at_version(descriptor).map_or(descriptor.as_str(), |(name, _)| name);
                let named = self.by_name.entry(name.to_owned()).or_default();
                if !named.contains(&node) {
                    named.push(node);
                }
            }
            nodes.push(node);
        }
        nodes
    }

    fn depend(&mut self, from: usize, name: &str, range: &str) {
        let spelled = [format!("{name}@{range}"), format!("{name}@npm:{range}")];
        let exact = spelled
            .iter()
            .find_map(|descriptor| self.by_descriptor.get(descriptor.as_str()));
        // `resolutions` answer a range with what it does not name.
        let only = || match self.by_name.get(name).map(Vec::as_slice) {
            Some([only]) => Some(only),
            Some(_) | None => None,
        };
        if let Some(&to) = exact.or_else(only) {
            self.gathering.depend(from, to);
        }
    }
}

/// The right side of a dependency as a descriptor has it.
fn as_written(requirement: &Requirement) -> String {
    if requirement.package == requirement.key {
        requirement.version.clone()
    } else {
        format!("npm:{}@{}", requirement.package, requirement.version)
    }
}

fn descriptors(head: &str) -> Vec<String> {
    let parts = head.split(", ");
    parts
        .map(|descriptor| descriptor.trim_matches('"').to_owned())
        .collect()
}

fn asks(block: &Yaml<'_>) -> Vec<(String, String)> {
    let sections = ["dependencies", "optionalDependencies"];
    let entries = sections.iter().flat_map(|section| block.section(section));
    entries
        .filter_map(|(name, range)| Some((name.clone().into_owned(), range.as_text()?.to_owned())))
        .collect()
}

fn classic_block(head: &str, block: &Yaml<'_>) -> Option<Block> {
    let descriptors = descriptors(head);
    let (key, range) = split_at_version(descriptors.first()?)?;
    let (name, _) = asked(key, range);
    let is_folder = ["file:", "link:"]
        .iter()
        .any(|start| range.starts_with(start));
    let origin = match block.text("resolved") {
        Some(address) => Origin::Address(address.to_owned()),
        None if is_folder => Origin::Address(range.replacen("link:", "file:", 1)),
        None => Origin::Unsaid,
    };
    Some(Block {
        folder: None,
        entry: Entry {
            name: name.to_owned(),
            version: block.text("version")?.to_owned(),
            origin,
            checksum: block.text("integrity").map(str::to_owned),
            installation: Installation::default(),
        },
        asks: asks(block),
        descriptors,
    })
}

fn later_block(head: &str, block: &Yaml<'_>) -> Option<Block> {
    let (name, at) = split_at_version(block.text("resolution")?)?;
    let folder = at.strip_prefix("workspace:");
    Some(Block {
        descriptors: descriptors(head),
        folder: folder.map(|folder| if folder == "." { "" } else { folder }.to_owned()),
        entry: Entry {
            name: name.to_owned(),
            version: block.text("version")?.to_owned(),
            origin: later_origin(at),
            checksum: block.text("checksum").map(str::to_owned),
            installation: conditions(block.text("conditions").unwrap_or("")),
        },
        asks: asks(block),
    })
}

/// `npm:1.0.0` is the registry's, with another address behind `::` where it has one.
fn later_origin(at: &str) -> Origin {
    match at.split_once("::") {
        _ if at.starts_with("workspace:") => Origin::Own,
        Some((_, about)) if at.starts_with("npm:") => Origin::Inside(about.to_owned()),
        None if at.starts_with("npm:") => Origin::Unsaid,
        // Yarn's own patches, which make a package work with its loader, come with yarn.
        _ if at.starts_with("patch:") && at.contains("builtin<") => Origin::Unsaid,
        _ if at.starts_with("patch:") => Origin::Inside("a patch of the project's".to_owned()),
        Some(_) | None => Origin::Address(at.replacen("link:", "file:", 1)),
    }
}

/// Reads `os=linux & cpu=x64`; what is put differently is for every platform.
fn conditions(text: &str) -> Installation {
    let mut installation = Installation::default();
    for part in text.split('&').map(str::trim) {
        match part.split_once('=') {
            Some(("os", os)) => installation.os.push(os.to_owned()),
            Some(("cpu", cpu)) => installation.cpu.push(cpu.to_owned()),
            Some(_) | None => {}
        }
    }
    installation
}
