//! Finds the manifest of a locked package, and what the root's says of the whole build.

use std::collections::HashMap;

use backstitch_model::project::{LockedPackage, Manifest};

/// The project's manifests, by the package they describe.
pub(super) struct Manifests<'project> {
    by_name: HashMap<&'project str, &'project Manifest>,
    root: Option<&'project Manifest>,
    is_workspace: bool,
}

impl<'project> Manifests<'project> {
    pub(super) fn new(manifests: &'project [Manifest]) -> Self {
        let named = |manifest: &'project Manifest| {
            let (name, _) = manifest.package.as_ref()?;
            Some((name.as_str(), manifest))
        };
        let root = manifests.first();
        Self {
            by_name: manifests.iter().filter_map(named).collect(),
            root,
            is_workspace: root.is_some_and(|root| crate::project::declares_workspace(&root.text)),
        }
    }

    pub(super) fn of(&self, package: &LockedPackage) -> Option<&'project Manifest> {
        self.by_name.get(package.id.name.as_str()).copied()
    }

    /// Without a workspace only the root is a member; path dependencies beside it are
    /// built with the features that are asked of them.
    pub(super) fn is_member(&self, package: &LockedPackage) -> bool {
        let is_root = |root: &Manifest| {
            root.package
                .as_ref()
                .is_some_and(|(name, _)| *name == package.id.name)
        };
        self.is_workspace || self.root.is_none_or(is_root)
    }

    /// Resolver 1 knows one set of features for every use of a package.
    pub(super) fn unified(&self) -> bool {
        let resolver = self.root.and_then(|root| root.resolver.as_deref());
        !matches!(resolver, Some("2" | "3"))
    }
}
