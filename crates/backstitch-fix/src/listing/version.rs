//! Owns how large a step between two versions is, and how a version is spelled where another
//! one of the package stands. Orders nothing: that is the model's.

use backstitch_model::package::Ecosystem;
use backstitch_model::policy::Bump;

/// Words that stand for something before a release.
const UNRELEASED: [&str; 14] = [
    "a",
    "alpha",
    "b",
    "beta",
    "cr",
    "dev",
    "ea",
    "m",
    "milestone",
    "pre",
    "preview",
    "rc",
    "snapshot",
    "test",
];

/// Words that stand for a release, where there are others.
const RELEASED: [&str; 4] = ["final", "ga", "release", "incompatible"];

/// How large the step between two versions is. Composer calls compatible what its `^` admits.
/// The others have no rule but what most packages keep to: a first number that stays. In Go
/// another first number usually is another module.
pub(super) fn bump(ecosystem: &Ecosystem, from: &str, to: &str) -> Bump {
    let (old, new) = (numbers(from), numbers(to));
    let by_caret = *ecosystem == Ecosystem::Packagist;
    let breaks = match old {
        [0, 0, _] if by_caret => old != new,
        [0, ..] if by_caret => old[..2] != new[..2],
        _ => old[0] != new[0],
    };
    if breaks {
        Bump::Breaking
    } else if old[..2] == new[..2] {
        Bump::Patch
    } else {
        Bump::Compatible
    }
}

/// The first three numbers of a version.
pub(super) fn numbers(version: &str) -> [u64; 3] {
    let plain = version.trim_start_matches(['v', 'V']);
    let end = plain.find(|c: char| !c.is_ascii_digit() && c != '.');
    let mut parts = plain[..end.unwrap_or(plain.len())].split('.');
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    [number(), number(), number()]
}

/// Is it something before a release?
pub(super) fn is_unreleased(ecosystem: &Ecosystem, version: &str) -> bool {
    let version = version.trim_start_matches(['v', 'V']);
    match ecosystem {
        // A date after a dash is a commit between two releases.
        Ecosystem::Go => version.split('+').next().is_some_and(|it| it.contains('-')),
        Ecosystem::RubyGems => version.contains(|c: char| c.is_ascii_alphabetic()),
        Ecosystem::Packagist
        | Ecosystem::Maven
        | Ecosystem::CratesIo
        | Ecosystem::Npm
        | Ecosystem::PyPi
        | Ecosystem::Other(_) => words(version).any(|word| UNRELEASED.contains(&word.as_str())),
    }
}

fn words(version: &str) -> impl Iterator<Item = String> {
    version
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
}

/// An advisory's version as the package's own are spelled: with the `v` of Go and Composer,
/// and of two editions of an artifact (`-jre`, `-android`) the one that is used.
pub(super) fn spelled(like: &str, version: &str) -> String {
    let mut version = version.to_owned();
    if like.starts_with('v') && version.starts_with(|c: char| c.is_ascii_digit()) {
        version.insert(0, 'v');
    }
    if let Some(mark) = like.strip_suffix("+incompatible").map(|_| "+incompatible")
        && !version.contains('+')
    {
        version.push_str(mark);
    }
    if let (Some(own), Some(other)) = (edition(like), edition(&version))
        && own != other
    {
        let end = version.len() - other.len();
        version.replace_range(end.., own);
    }
    version
}

/// The word that a version ends with, where it is an edition's.
fn edition(version: &str) -> Option<&str> {
    let (_, last) = version.rsplit_once('-')?;
    let is_word = !last.is_empty() && last.chars().all(|c| c.is_ascii_alphabetic());
    let word = last.to_ascii_lowercase();
    let is_edition =
        is_word && !UNRELEASED.contains(&word.as_str()) && !RELEASED.contains(&word.as_str());
    is_edition.then_some(last)
}
