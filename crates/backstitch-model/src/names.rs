//! Package names as ecosystems compare them.

use std::borrow::Cow;

use crate::package::Ecosystem;

/// Normalises a package's name, so that two spellings of one package are one name.
///
/// Python: PEP 503, lowercase with runs of `-`, `_` and `.` as one `-`. Composer: lowercase.
/// Others compare names as they are.
pub fn normalised<'name>(ecosystem: &Ecosystem, name: &'name str) -> Cow<'name, str> {
    match ecosystem {
        Ecosystem::PyPi => Cow::Owned(normalised_python(name)),
        Ecosystem::Packagist => Cow::Owned(name.to_ascii_lowercase()),
        Ecosystem::CratesIo
        | Ecosystem::Npm
        | Ecosystem::Go
        | Ecosystem::RubyGems
        | Ecosystem::Maven
        | Ecosystem::Other(_) => Cow::Borrowed(name),
    }
}

fn normalised_python(name: &str) -> String {
    let mut normalised = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '-' | '_' | '.') {
            if !normalised.ends_with('-') {
                normalised.push('-');
            }
        } else {
            normalised.push(character.to_ascii_lowercase());
        }
    }
    normalised
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_names_are_one_name_however_they_are_spelled() {
        for spelled in ["Foo.Bar_baz", "foo--bar.-_baz", "FOO-BAR-BAZ"] {
            assert_eq!(normalised(&Ecosystem::PyPi, spelled), "foo-bar-baz");
        }
        assert_eq!(normalised(&Ecosystem::CratesIo, "Foo_bar"), "Foo_bar");
        assert_eq!(normalised(&Ecosystem::Packagist, "Typo3/CMS"), "typo3/cms");
    }
}
