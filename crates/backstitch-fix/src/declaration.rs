//! Owns the places in manifests where requirements are written: which requirement is
//! written where, and how one is rewritten without touching anything else of the text.

use backstitch_model::project::{DependencyKind, Manifest, Requirement};
use toml_edit::{Document, Item, TableLike};

use crate::catalogue::Need;

/// A requirement's place, an index into all of a project's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Declaration(pub(crate) usize);

/// Every requirement of the project's manifests, with its place.
pub(crate) struct Declarations<'given> {
    manifests: &'given [Manifest],
    places: Vec<Place>,
    by_manifest: Vec<Vec<Declared>>,
}

/// One requirement of a manifest and where it is written.
pub(crate) struct Declared {
    pub(crate) need: Need,
    pub(crate) id: Declaration,
}

/// Where a requirement's text stands: requirements inherited from a workspace share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) manifest: usize,
    pub(crate) key: String,
    pub(crate) text: String,
    /// The bytes between the quotes; `None` where the text is not to be found.
    span: Option<std::ops::Range<usize>>,
}

impl<'given> Declarations<'given> {
    pub(crate) fn new(manifests: &'given [Manifest]) -> Self {
        let mut declarations = Self {
            manifests,
            places: Vec::new(),
            by_manifest: Vec::new(),
        };
        let documents: Vec<_> = manifests
            .iter()
            .map(|manifest| Document::parse(manifest.text.as_str()).ok())
            .collect();
        for (index, manifest) in manifests.iter().enumerate() {
            let declared = manifest
                .requirements
                .iter()
                .filter_map(|requirement| declarations.declare(&documents, index, requirement))
                .collect();
            declarations.by_manifest.push(declared);
        }
        declarations
    }

    /// The requirements of one manifest.
    pub(crate) fn of(&self, manifest: usize) -> &[Declared] {
        &self.by_manifest[manifest]
    }

    pub(crate) fn place(&self, id: Declaration) -> &Place {
        &self.places[id.0]
    }

    /// Can it be rewritten?
    pub(crate) fn is_editable(&self, id: Declaration) -> bool {
        self.places[id.0].span.is_some()
    }

    /// A manifest's text with some of its requirements rewritten.
    pub(crate) fn rewrite(&self, manifest: usize, edits: &[(Declaration, String)]) -> String {
        let mut splices: Vec<_> = edits
            .iter()
            .map(|(id, text)| (&self.places[id.0], text))
            .filter(|(place, _)| place.manifest == manifest)
            .filter_map(|(place, text)| Some((place.span.clone()?, text)))
            .collect();
        splices.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut text = self.manifests[manifest].text.clone();
        for (span, replacement) in splices {
            text.replace_range(span, replacement);
        }
        text
    }

    fn declare(
        &mut self,
        documents: &[Option<Document<&str>>],
        manifest: usize,
        requirement: &Requirement,
    ) -> Option<Declared> {
        let need = Need::new(requirement)?;
        let place = locate(self.manifests, documents, manifest, requirement);
        let known = self.places.iter().position(|known| *known == place);
        let id = Declaration(known.unwrap_or(self.places.len()));
        if known.is_none() {
            self.places.push(place);
        }
        Some(Declared { need, id })
    }
}

fn locate(
    manifests: &[Manifest],
    documents: &[Option<Document<&str>>],
    manifest: usize,
    requirement: &Requirement,
) -> Place {
    let nowhere = Place {
        manifest,
        key: requirement.key.clone(),
        text: requirement.version.clone(),
        span: None,
    };
    let Some(item) = documents[manifest]
        .as_ref()
        .and_then(|document| entry(document.as_item(), requirement))
    else {
        return nowhere;
    };
    let (manifest, item) = if is_inherited(item) {
        match workspace_entry(documents, &requirement.key) {
            Some(found) => found,
            None => return nowhere,
        }
    } else {
        (manifest, item)
    };
    Place {
        manifest,
        span: version_span(item, &manifests[manifest].text, &requirement.version),
        ..nowhere
    }
}

/// The entry of a manifest that a requirement was read from.
fn entry<'text>(root: &'text Item, requirement: &Requirement) -> Option<&'text Item> {
    let root = match &requirement.target {
        None => root,
        Some(target) => root.get("target")?.get(target)?,
    };
    // Cargo takes the names with `_` too, where the ones with `-` are not there.
    let tables: &[&str] = match requirement.kind {
        DependencyKind::Normal => &["dependencies"],
        DependencyKind::Build => &["build-dependencies", "build_dependencies"],
        DependencyKind::Dev => &["dev-dependencies", "dev_dependencies"],
    };
    tables
        .iter()
        .find_map(|table| root.get(table)?.get(&requirement.key))
}

fn is_inherited(item: &Item) -> bool {
    item.get("workspace").and_then(Item::as_bool) == Some(true)
}

/// The entry of `[workspace.dependencies]`, with its manifest.
fn workspace_entry<'text>(
    documents: &'text [Option<Document<&str>>],
    key: &str,
) -> Option<(usize, &'text Item)> {
    documents.iter().enumerate().find_map(|(index, document)| {
        let workspace = document.as_ref()?.get("workspace")?;
        Some((index, workspace.get("dependencies")?.get(key)?))
    })
}

/// The bytes of the requirement between its quotes, where the text there is what was read.
fn version_span(item: &Item, text: &str, version: &str) -> Option<std::ops::Range<usize>> {
    let value = if item.is_str() {
        item
    } else {
        item.as_table_like()
            .and_then(|table: &dyn TableLike| table.get("version"))?
    };
    let quoted = value.span()?;
    let inner = text.get(quoted.clone())?.find(version)? + quoted.start;
    let quote = quoted.start..inner;
    let is_quote = |text: &str| !text.is_empty() && text.chars().all(|c| c == '"' || c == '\'');
    let span = inner..inner + version.len();
    (is_quote(text.get(quote)?) && is_quote(text.get(span.end..quoted.end)?)).then_some(span)
}
