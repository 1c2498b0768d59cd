//! Owns the paths that jobs see. They are the same for every tree, so that cargo finds its
//! earlier results valid: a package's fingerprint holds its path.

/// The project.
pub(super) const PROJECT: &str = "/sandbox/project";
/// Where cargo stands in the fetch phase: above the project, so that only [`SETTINGS`] is found.
pub(super) const ABOVE: &str = "/sandbox";
/// Backstitch's settings for cargo.
pub(super) const SETTINGS: &str = "/sandbox/.cargo";
/// The package cache.
pub(super) const CARGO_HOME: &str = "/sandbox/cargo-home";
/// The toolchain.
pub(super) const TOOLCHAIN: &str = "/sandbox/toolchain";
/// Single programs.
pub(super) const TOOLS: &str = "/sandbox/tools";
/// Registries on disk that the user's settings name, by number.
pub(super) const SOURCES: &str = "/sandbox/sources";
/// Certificates that the user's settings name, by number.
pub(super) const CERTIFICATES: &str = "/sandbox/certificates";
/// Build results, where the project's own place for them cannot be used.
pub(super) const TARGET: &str = "/sandbox/target";

/// Temporary files: on the same disk as the project, since some tests look at the sizes that
/// its filesystem reports, and memory has others.
pub(super) const TEMPORARY: &str = "/tmp";

/// Tells whether the sandbox shows a host path at the same place anyway.
pub(super) fn shown_anyway(path: &std::path::Path) -> bool {
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
