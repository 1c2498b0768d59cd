//! A path inside a project: relative, forward slashes, never leaving the tree.

use std::fmt;

/// A path below a project's root. Holds no `..`, no `.`, no empty or absolute part,
/// no NUL and no backslash, so that joining it to a root stays below that root
/// (symbolic links are the opener's business).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(String);

/// Says why a text is no path inside a project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path `{}` {why}", path.escape_debug())]
pub struct InvalidPath {
    path: String,
    why: &'static str,
}

/// The longest path taken, in bytes: Linux's `PATH_MAX`.
const PATH_BYTES_MAX: usize = 4096;

impl RelPath {
    /// Checks `path`; errors say which rule it breaks.
    pub fn new(path: impl Into<String>) -> Result<Self, InvalidPath> {
        let path = path.into();
        match objection(&path) {
            None => Ok(Self(path)),
            Some(why) => Err(InvalidPath { path, why }),
        }
    }

    /// The path as text, with forward slashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder that holds it; `None` at the root.
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once('/')
            .map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// This path below `folder` (the root when `None`).
    pub fn below(folder: Option<&Self>, name: &str) -> Result<Self, InvalidPath> {
        match folder {
            None => Self::new(name),
            Some(folder) => Self::new(format!("{folder}/{name}")),
        }
    }
}

fn objection(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("is empty");
    }
    if path.len() > PATH_BYTES_MAX {
        return Some("is longer than 4096 bytes");
    }
    if path.contains(['\0', '\\']) {
        return Some("holds a NUL or a backslash");
    }
    if path.starts_with('/') {
        return Some("is absolute");
    }
    path.split('/')
        .any(|part| matches!(part, "" | "." | ".."))
        .then_some("has an empty, `.` or `..` part")
}

impl fmt::Display for RelPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_tree_cannot_be_built() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a\\b",
            "a\0b",
            "a/",
        ] {
            assert!(RelPath::new(path).is_err(), "{path:?}");
        }
        assert_eq!(RelPath::new("a/b.rs").unwrap().file_name(), "b.rs");
    }
}
