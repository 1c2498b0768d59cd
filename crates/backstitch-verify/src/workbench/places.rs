//! Owns the paths that jobs see. They are the same for every tree, so that cargo finds its
//! earlier results valid: a package's fingerprint holds its path.

/// The project.
pub(crate) const PROJECT: &str = "/sandbox/project";
/// Where cargo stands in the fetch phase: above the project, so that only [`SETTINGS`] is found.
pub(crate) const ABOVE: &str = "/sandbox";
/// Backstitch's settings for cargo.
pub(crate) const SETTINGS: &str = "/sandbox/.cargo";
/// The package cache.
pub(crate) const CARGO_HOME: &str = "/sandbox/cargo-home";
/// The toolchain.
pub(crate) const TOOLCHAIN: &str = "/sandbox/toolchain";
/// Single programs.
pub(crate) const TOOLS: &str = "/sandbox/tools";
/// Registries on disk that the user's settings name, by number.
pub(crate) const SOURCES: &str = "/sandbox/sources";
/// Certificates that the user's settings name, by number.
pub(crate) const CERTIFICATES: &str = "/sandbox/certificates";
/// Build results, where the project's own place for them cannot be used.
pub(crate) const TARGET: &str = "/sandbox/target";

/// Temporary files: on the same disk as the project, since some tests look at the sizes that
/// its filesystem reports, and memory has others.
pub(crate) const TEMPORARY: &str = "/tmp";

/// Tells whether the sandbox shows a host path at the same place anyway.
pub(crate) fn shown_anyway(path: &std::path::Path) -> bool {
    [
        "/usr",
        "/nix/store",
        "/etc/ssl/certs",
        "/etc/pki/tls",
        "/etc/pki/ca-trust",
    ]
    .iter()
    .any(|shown| path.starts_with(shown))
}
