//! Says what package managers that install all that they lock make of a package: no
//! features, and nothing left out but what is for another platform.

use std::collections::HashMap;

use backstitch_model::finding::Compiled;
use backstitch_model::project::{
    DependencyGraph, DependencyKind, Installation, Manifest, Node, Project, Source,
};

use super::Platform;

/// The strongest use of each package that something of the project's leads to: a chain is
/// as weak as its first part, since what a package brings along it needs.
pub(super) fn kinds(project: &Project) -> Vec<Option<DependencyKind>> {
    let graph = &project.graph;
    let named = project.manifests.iter().filter_map(|manifest| {
        let (name, _) = manifest.package.as_ref()?;
        Some((name.as_str(), manifest))
    });
    let manifests: HashMap<&str, &Manifest> = named.collect();
    let mut kinds = vec![None; graph.packages().len()];
    for level in [
        DependencyKind::Normal,
        DependencyKind::Build,
        DependencyKind::Dev,
    ] {
        for (node, package) in graph.nodes() {
            if package.source != Source::Local {
                continue;
            }
            kinds[node.0].get_or_insert(level);
            let manifest = manifests.get(package.id.name.as_str()).copied();
            for &child in &package.dependencies {
                if declared(graph, manifest, child) <= level {
                    spread(graph, child, level, &mut kinds);
                }
            }
        }
    }
    kinds
}

/// What a manifest asks for a package for; a use that it does not state is the strongest.
fn declared(graph: &DependencyGraph, manifest: Option<&Manifest>, child: Node) -> DependencyKind {
    let name = &graph.package(child).id.name;
    let requirements = manifest.into_iter().flat_map(|of| &of.requirements);
    requirements
        .filter(|requirement| requirement.package == *name && !requirement.peer)
        .map(|requirement| requirement.kind)
        .min()
        .unwrap_or(DependencyKind::Normal)
}

fn spread(
    graph: &DependencyGraph,
    from: Node,
    level: DependencyKind,
    kinds: &mut [Option<DependencyKind>],
) {
    let mut stack = vec![from];
    while let Some(node) = stack.pop() {
        if kinds[node.0].is_some() {
            continue;
        }
        kinds[node.0] = Some(level);
        stack.extend(&graph.package(node).dependencies);
    }
}

/// Is each package installed on `platform`?
pub(super) fn compiled(graph: &DependencyGraph, platform: Platform) -> Vec<Option<Compiled>> {
    let here = |installation: &Installation| {
        admits(&installation.os, platform.node_os())
            && admits(&installation.cpu, platform.node_cpu())
    };
    let packages = graph.packages().iter();
    packages
        .map(|package| {
            Some(if here(&package.installation) {
                Compiled::Yes
            } else {
                Compiled::OtherPlatform
            })
        })
        .collect()
}

/// Is `word` on the list, or the list empty, or one of words that it is not for?
/// (<https://docs.npmjs.com/cli/configuring-npm/package-json#os>)
fn admits(list: &[String], word: &str) -> bool {
    let is_refused = list.iter().any(|one| one.strip_prefix('!') == Some(word));
    let mut wanted = list.iter().filter(|one| !one.starts_with('!')).peekable();
    !is_refused && (wanted.peek().is_none() || wanted.any(|one| one == word || one == "any"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_platforms_may_name_those_it_is_not_for() {
        let list =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        for (text, expected) in [
            ("", true),
            ("linux", true),
            ("darwin linux", true),
            ("darwin", false),
            ("!win32", true),
            ("!linux", false),
        ] {
            assert_eq!(admits(&list(text), "linux"), expected, "{text}");
        }
    }
}
