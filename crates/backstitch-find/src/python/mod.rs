//! Python's own words: dependency specifiers, their markers and how names are compared. Pure.

mod marker;
mod pep508;

pub use marker::{Environment, Marker, Truth};
pub use pep508::{NoSpecifier, Specifier, Wanted};

use backstitch_model::package::Ecosystem;

/// A package's or an extra's name as Python's tools compare it.
pub fn normalised(name: &str) -> String {
    crate::names::normalised(&Ecosystem::PyPi, name).into_owned()
}
