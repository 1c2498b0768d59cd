//! Fixtures for tests: registries in a few lines, projects in one string.
//!
//! Development only: no crate depends on it but in its tests.
