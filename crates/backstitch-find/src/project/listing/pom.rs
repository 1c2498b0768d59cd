//! Reads one `pom.xml`: what it says itself, with the place of each version. Pure; what a
//! parent adds and what expressions stand for is `maven`'s business.
//!
//! Format: <https://maven.apache.org/pom.html>.

use std::collections::BTreeMap;
use std::ops::Range;

use roxmltree::{Document, Node, ParsingOptions};

/// How many elements, texts and attributes one file may have.
const NODES_MAX: u32 = 500_000;

/// How many dependencies one file may name, and how many it may manage.
const DEPENDENCIES_MAX: usize = 10_000;

/// What one `pom.xml` says.
#[derive(Debug, Default)]
pub(super) struct Pom {
    pub(super) group: Option<String>,
    pub(super) artifact: String,
    pub(super) version: Option<String>,
    pub(super) parent: Option<Parent>,
    pub(super) modules: Vec<String>,
    pub(super) properties: BTreeMap<String, Said>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) managed: Vec<Dependency>,
}

/// A text, and where it stands in the file where it stands there letter by letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) place: Option<Range<usize>>,
}

/// What a pom inherits from.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
    /// Where it may lie in the same tree; empty where it says that it does not.
    pub(super) relative: String,
}

/// One dependency, as written.
#[derive(Debug, Clone)]
pub(super) struct Dependency {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: Option<Said>,
    pub(super) scope: String,
    /// Is it of a profile, which may be off?
    pub(super) in_profile: bool,
}

/// Reads a file's text.
pub(super) fn parse(text: &str) -> Result<Pom, String> {
    let options = ParsingOptions {
        // Entities of a file's own can grow without end.
        allow_dtd: false,
        nodes_limit: NODES_MAX,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| format!("it is no XML that can be read: {error}"))?;
    let root = document.root_element();
    if root.tag_name().name() != "project" {
        return Err("it is no `project`".to_owned());
    }
    let mut pom = Pom {
        group: word(root, "groupId"),
        artifact: word(root, "artifactId").unwrap_or_default(),
        version: word(root, "version"),
        parent: child(root, "parent").map(parent),
        ..Pom::default()
    };
    pom.take(root, text, false);
    let profiles = child(root, "profiles").into_iter();
    for profile in profiles.flat_map(|all| children(all, "profile")) {
        pom.take(profile, text, true);
    }
    if pom.dependencies.len().max(pom.managed.len()) > DEPENDENCIES_MAX {
        return Err(format!(
            "it names more than {DEPENDENCIES_MAX} dependencies"
        ));
    }
    Ok(pom)
}

impl Pom {
    /// Takes what a project or one of its profiles says.
    fn take(&mut self, from: Node<'_, '_>, text: &str, in_profile: bool) {
        let modules = child(from, "modules").into_iter();
        let modules = modules.flat_map(|all| children(all, "module"));
        self.modules.extend(modules.filter_map(|one| own_text(one)));
        if let Some(properties) = child(from, "properties") {
            for property in properties.children().filter(Node::is_element) {
                let name = property.tag_name().name().to_owned();
                if let Some(said) = said(property, text) {
                    self.properties.entry(name).or_insert(said);
                }
            }
        }
        let dependencies = |of: Option<Node<'_, '_>>| -> Vec<Dependency> {
            let all = of.and_then(|of| child(of, "dependencies")).into_iter();
            all.flat_map(|all| children(all, "dependency"))
                .filter_map(|one| dependency(one, text, in_profile))
                .collect()
        };
        self.dependencies.extend(dependencies(Some(from)));
        let managed = child(from, "dependencyManagement");
        self.managed.extend(dependencies(managed));
    }
}

fn parent(node: Node<'_, '_>) -> Parent {
    let relative = child(node, "relativePath").map(|path| own_text(path).unwrap_or_default());
    Parent {
        group: word(node, "groupId").unwrap_or_default(),
        artifact: word(node, "artifactId").unwrap_or_default(),
        version: word(node, "version").unwrap_or_default(),
        relative: relative.unwrap_or_else(|| "../pom.xml".to_owned()),
    }
}

fn dependency(node: Node<'_, '_>, text: &str, in_profile: bool) -> Option<Dependency> {
    Some(Dependency {
        group: word(node, "groupId")?,
        artifact: word(node, "artifactId")?,
        version: child(node, "version").and_then(|version| said(version, text)),
        scope: word(node, "scope").unwrap_or_default(),
        in_profile,
    })
}

fn children<'doc, 'input>(
    node: Node<'doc, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'doc, 'input>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn child<'doc, 'input>(node: Node<'doc, 'input>, name: &'static str) -> Option<Node<'doc, 'input>> {
    children(node, name).next()
}

fn word(node: Node<'_, '_>, name: &'static str) -> Option<String> {
    child(node, name).and_then(own_text)
}

fn own_text(node: Node<'_, '_>) -> Option<String> {
    let text: String = node
        .children()
        .filter(Node::is_text)
        .filter_map(|part| part.text())
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn said(node: Node<'_, '_>, text: &str) -> Option<Said> {
    let own = own_text(node)?;
    let mut parts = node.children();
    let only = match (parts.next(), parts.next()) {
        (Some(only), None) if only.is_text() => Some(only.range()),
        (_, _) => None,
    };
    let place = only.and_then(|range| {
        let raw = text.get(range.clone())?;
        let start = range.start + (raw.len() - raw.trim_start().len());
        let place = start..start + own.len();
        // With an entity in it the two differ.
        (text.get(place.clone())? == own && raw.trim() == own).then_some(place)
    });
    Some(Said { text: own, place })
}
