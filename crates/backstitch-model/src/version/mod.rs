//! Version orders: one small type per ecosystem, compared as that ecosystem compares.
//!
//! Owns parsing and order only. Which versions an advisory affects is `backstitch-find`'s business.

#![expect(
    clippy::doc_markdown,
    reason = "SemVer and RubyGems are names and no code"
)]

mod composer;
mod gem;
mod maven;
mod semantic;

use std::cmp::Ordering;

use crate::advisory::RangeKind;
use crate::package::Ecosystem;

use composer::ComposerVersion;
use gem::GemVersion;
use maven::MavenVersion;

/// The longest version looked at, in bytes; no real one comes near.
const VERSION_BYTES_MAX: usize = 256;

/// A way of ordering versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Semantic Versioning 2.0.0, section 11: build metadata does not count.
    Semantic,
    /// Python's PEP 440.
    Python,
    /// `Gem::Version` of RubyGems.
    Gem,
    /// Composer's normalised versions in the order of PHP's `version_compare`.
    Composer,
    /// Maven's, by its version order specification.
    Maven,
}

/// A version that can be compared with others of its scheme.
#[derive(Debug, Clone)]
pub struct ParsedVersion(Parsed);

#[derive(Debug, Clone)]
enum Parsed {
    Semantic(semver::Version),
    Python(Box<pep440_rs::Version>),
    Gem(GemVersion),
    Composer(ComposerVersion),
    Maven(MavenVersion),
}

impl Scheme {
    /// Chooses the scheme for a range; `None` where no order is known (commits, and
    /// ecosystems that Backstitch does not speak).
    pub fn of(kind: RangeKind, ecosystem: &Ecosystem) -> Option<Self> {
        match kind {
            RangeKind::Git => None,
            RangeKind::Semver => Some(Self::Semantic),
            RangeKind::Ecosystem => Self::of_ecosystem(ecosystem),
        }
    }

    /// Chooses the scheme in which an ecosystem's own tools order versions.
    pub fn of_ecosystem(ecosystem: &Ecosystem) -> Option<Self> {
        match ecosystem {
            Ecosystem::CratesIo | Ecosystem::Npm | Ecosystem::Go => Some(Self::Semantic),
            Ecosystem::PyPi => Some(Self::Python),
            Ecosystem::RubyGems => Some(Self::Gem),
            Ecosystem::Packagist => Some(Self::Composer),
            Ecosystem::Maven => Some(Self::Maven),
            Ecosystem::Other(_) => None,
        }
    }

    /// Reads `text`; `None` where it is no version of this scheme.
    pub fn parse(self, text: &str) -> Option<ParsedVersion> {
        if text.len() > VERSION_BYTES_MAX {
            return None;
        }
        let parsed = match self {
            Self::Semantic => Parsed::Semantic(semantic::parse(text)?),
            Self::Python => Parsed::Python(Box::new(text.parse().ok()?)),
            Self::Gem => Parsed::Gem(GemVersion::parse(text)?),
            Self::Composer => Parsed::Composer(ComposerVersion::parse(text)?),
            Self::Maven => Parsed::Maven(MavenVersion::parse(text)?),
        };
        Some(ParsedVersion(parsed))
    }
}

impl ParsedVersion {
    /// Compares two versions; `None` where their schemes differ.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (&self.0, &other.0) {
            (Parsed::Semantic(left), Parsed::Semantic(right)) => Some(left.cmp_precedence(right)),
            (Parsed::Python(left), Parsed::Python(right)) => Some(left.cmp(right)),
            (Parsed::Gem(left), Parsed::Gem(right)) => Some(left.cmp(right)),
            (Parsed::Composer(left), Parsed::Composer(right)) => Some(left.cmp(right)),
            (Parsed::Maven(left), Parsed::Maven(right)) => Some(left.cmp(right)),
            (
                Parsed::Semantic(_)
                | Parsed::Python(_)
                | Parsed::Gem(_)
                | Parsed::Composer(_)
                | Parsed::Maven(_),
                _,
            ) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ascending(scheme: Scheme, versions: &[&str]) {
        for pair in versions.windows(2) {
            let [left, right] = pair else { unreachable!() };
            let parse = |text: &str| scheme.parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                parse(left).compare(&parse(right)),
                Some(Ordering::Less),
                "{left} < {right}"
            );
        }
    }

    fn same(scheme: Scheme, left: &str, right: &str) {
        let (left, right) = (scheme.parse(left).unwrap(), scheme.parse(right).unwrap());
        assert_eq!(left.compare(&right), Some(Ordering::Equal));
    }

    #[test]
    fn semantic_versions_order_as_section_11_says_and_ignore_build_metadata() {
        ascending(
            Scheme::Semantic,
            &[
                "0.0.0-0",
                "0.0.0",
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-alpha.beta",
                "1.0.0-beta.2",
                "1.0.0-beta.11",
                "1.0.0-rc.1",
                "1.0.0",
                "1.10.0",
            ],
        );
        same(Scheme::Semantic, "1.0.0+a", "1.0.0+b");
        same(Scheme::Semantic, "v1.2.3", "1.2.3+incompatible");
        same(Scheme::Semantic, "1.2", "1.2.0");
        assert!(Scheme::Semantic.parse("1.2.3.4").is_none());
        assert!(Scheme::Semantic.parse("banana").is_none());
    }

    #[test]
    fn python_versions_order_as_pep_440_says() {
        ascending(
            Scheme::Python,
            &[
                "1.0.dev1",
                "1.0a1",
                "1.0b1",
                "1.0rc1",
                "1.0",
                "1.0.post1",
                "1.1",
                "1!0.1",
            ],
        );
        same(Scheme::Python, "1.0", "1.0.0");
    }

    #[test]
    fn gem_versions_order_letters_before_numbers() {
        ascending(
            Scheme::Gem,
            &[
                "0.9",
                "1.0.a.2",
                "1.0.b1",
                "1.0-2",
                "1.0",
                "1.0.1.pre",
                "1.0.1",
                "1.10",
            ],
        );
        same(Scheme::Gem, "1.0", "1.0.0");
        assert!(Scheme::Gem.parse("x").is_none());
    }

    #[test]
    fn composer_versions_order_stabilities_before_the_release_and_patches_after() {
        ascending(
            Scheme::Composer,
            &[
                "1.0-dev",
                "1.0-alpha1",
                "1.0-beta2",
                "1.0-RC1",
                "1.0-RC2",
                "1.0",
                "1.0-p1",
                "1.0.1",
                "1.x-dev",
                "2.0",
            ],
        );
        same(Scheme::Composer, "v1.0", "1.0.0.0");
        assert!(Scheme::Composer.parse("dev-main").is_none());
    }

    #[test]
    fn maven_versions_order_as_its_specification_says() {
        ascending(
            Scheme::Maven,
            &[
                "1-alpha-1",
                "1-beta",
                "1.0-milestone-2",
                "1.0-rc1",
                "1.0-SNAPSHOT",
                "1.0",
                "1-sp",
                "1-jre",
                "1-1",
                "1.0.1",
                "1.2",
                "1.10",
                "31.1-android",
                "31.1-jre",
            ],
        );
        for (left, right) in [
            ("1", "1.0.0"),
            ("1.0.Final", "1-ga"),
            ("1.0.RELEASE", "1.0"),
            ("1-cr1", "1.rc1"),
            ("1-a1", "1-alpha-1"),
            ("01.2", "1.2"),
        ] {
            same(Scheme::Maven, left, right);
        }
        assert!(Scheme::Maven.parse("${revision}").is_none());
        assert!(Scheme::Maven.parse("[1,2)").is_none());
    }

    fn scheme() -> impl Strategy<Value = Scheme> {
        proptest::sample::select(vec![
            Scheme::Semantic,
            Scheme::Python,
            Scheme::Gem,
            Scheme::Composer,
            Scheme::Maven,
        ])
    }

    proptest! {
        #[test]
        fn any_text_is_a_version_or_none_and_orders_are_consistent(
            scheme in scheme(),
            texts in proptest::collection::vec("(v|[0-9]{1,3}!)?[0-9]{1,4}([.+_-]?[0-9a-zA-Z*é]{0,4}){0,6}", 3),
            garbage in any::<String>(),
        ) {
            let _ = scheme.parse(&garbage);
            let versions: Vec<_> = texts.iter().filter_map(|text| scheme.parse(text)).collect();
            for left in &versions {
                for right in &versions {
                    let order = left.compare(right).unwrap();
                    prop_assert_eq!(right.compare(left).unwrap(), order.reverse());
                    for third in &versions {
                        if order.is_le() && right.compare(third).unwrap().is_le() {
                            prop_assert!(left.compare(third).unwrap().is_le());
                        }
                    }
                }
            }
        }
    }
}
