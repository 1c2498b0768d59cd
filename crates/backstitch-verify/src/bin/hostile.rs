//! Behaves badly on purpose, for the sandbox's tests.

fn main() {}
