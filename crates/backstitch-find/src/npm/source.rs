//! Owns where a package comes from: what an address in a lockfile stands for, and what
//! the right side of a dependency asks for. Opens no address.

use backstitch_model::project::Source;

/// The hosts that serve the public registry, the second for yarn.
const PUBLIC_HOSTS: [&str; 2] = ["registry.npmjs.org", "registry.yarnpkg.com"];

/// Beginnings that name a repository (<https://docs.npmjs.com/cli/configuring-npm/package-json#git-urls-as-dependencies>).
const GIT_BEGINNINGS: [&str; 9] = [
    "git+",
    "git:",
    "git@",
    "ssh:",
    "github:",
    "gitlab:",
    "bitbucket:",
    "gist:",
    "https://codeload.github.com/",
];

/// What a lockfile says of a package's origin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Origin {
    /// Nothing: the registry, whose address npm can be told to leave out.
    #[default]
    Unsaid,
    /// An address.
    Address(String),
    /// A folder of the project's own.
    Own,
    /// Whatever comes inside another package's archive, or was patched by the project.
    Inside(String),
}

/// The source of the package called `name`, and the place to tell of where it is not the
/// public registry's.
pub(super) fn judge(origin: &Origin, name: &str) -> (Source, Option<String>) {
    match origin {
        Origin::Unsaid => (Source::PublicRegistry, None),
        Origin::Own => (Source::Local, None),
        Origin::Inside(what) => (Source::OtherRegistry(what.clone()), Some(what.clone())),
        Origin::Address(address) => at_address(address, name),
    }
}

fn at_address(address: &str, name: &str) -> (Source, Option<String>) {
    if is_git(address) {
        let place = "a repository".to_owned();
        return (Source::Git(address.to_owned()), Some(place));
    }
    if let Some(path) = address.strip_prefix("file:") {
        let place = leaves_tree(path).then(|| format!("outside the tree, {path}"));
        return (Source::Local, place);
    }
    let other = || Source::OtherRegistry(address.to_owned());
    let Some((host, path)) = split(address) else {
        return (other(), Some(address.to_owned()));
    };
    if !PUBLIC_HOSTS.contains(&host) {
        return (other(), Some(host.to_owned()));
    }
    if is_archive_of(path, name) {
        (Source::PublicRegistry, None)
    } else {
        // An address may lie about the package: this is what a poisoned lockfile looks like.
        let place = format!("the archive of another package, {address}");
        (other(), Some(place))
    }
}

/// Does the right side of a dependency name a repository?
pub(super) fn is_git(text: &str) -> bool {
    GIT_BEGINNINGS.iter().any(|start| text.starts_with(start))
        || text
            .strip_prefix("https://")
            .and_then(|rest| rest.split('#').next()?.rsplit('.').next())
            == Some("git")
}

/// Does a relative path lead above where it starts?
pub(super) fn leaves_tree(path: &str) -> bool {
    path.starts_with('/') || path.contains('\\') || path.split('/').any(|part| part == "..")
}

fn split(address: &str) -> Option<(&str, &str)> {
    let rest = address
        .strip_prefix("https://")
        .or_else(|| address.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    Some((host, path))
}

/// The registry serves archives at `NAME/-/FILE`, the slash of a scope escaped at times.
fn is_archive_of(path: &str, name: &str) -> bool {
    let escaped = name.replacen('/', "%2f", 1);
    [name, &escaped].iter().any(|name| {
        path.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
            && path[name.len()..].starts_with("/-/")
    })
}

/// The package and version range that the right side of a dependency called `key` asks
/// for: `npm:other@^1` is an alias. What is no range is kept as it is written.
pub(super) fn asked<'text>(key: &'text str, text: &'text str) -> (&'text str, &'text str) {
    let Some(rest) = text.strip_prefix("npm:") else {
        return (key, text);
    };
    match split_at_version(rest) {
        Some((name, range)) => (name, range),
        // Yarn writes `npm:^1` for the package itself.
        None if rest.starts_with(|first: char| !first.is_ascii_alphabetic() && first != '@') => {
            (key, rest)
        }
        None => (rest, "*"),
    }
}

/// Splits `name@rest`, where a name may begin with the `@` of a scope.
pub(super) fn split_at_version(text: &str) -> Option<(&str, &str)> {
    let skip = usize::from(text.starts_with('@'));
    let at = text.get(skip..)?.find('@')? + skip;
    Some((&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_asks_for_the_package_behind_it() {
        assert_eq!(asked("a", "^1"), ("a", "^1"));
        assert_eq!(asked("a", "npm:b@^1"), ("b", "^1"));
        assert_eq!(asked("a", "npm:@s/b@^1 || 2"), ("@s/b", "^1 || 2"));
        assert_eq!(asked("a", "npm:@s/b"), ("@s/b", "*"));
        assert_eq!(asked("a", "npm:^1.2"), ("a", "^1.2"));
    }

    #[test]
    fn an_address_of_the_registry_that_is_another_packages_is_not_believed() {
        let source = |address: &str| judge(&Origin::Address(address.into()), "@s/a").0;
        let public = [
            "https://registry.npmjs.org/@s/a/-/a-1.0.0.tgz",
            "https://registry.yarnpkg.com/@s%2Fa/-/a-1.0.0.tgz#abc",
        ];
        for address in public {
            assert_eq!(source(address), Source::PublicRegistry, "{address}");
        }
        for address in [
            "https://registry.npmjs.org/evil/-/evil-1.0.0.tgz",
            "https://registry.npmjs.org.example/@s/a/-/a-1.0.0.tgz",
            "https://user@registry.npmjs.org/@s/a/-/a-1.0.0.tgz",
            "ftp://registry.npmjs.org/@s/a/-/a-1.0.0.tgz",
        ] {
            let other = Source::OtherRegistry(address.to_owned());
            assert_eq!(source(address), other, "{address}");
        }
    }

    #[test]
    fn repositories_are_known_by_their_beginning_or_end() {
        for address in [
            "git+ssh://git@github.com/a/b.git#1",
            "github:a/b",
            "https://example.org/a.git#main",
        ] {
            assert!(is_git(address), "{address}");
        }
        assert!(!is_git("https://example.org/digit"));
    }
}
