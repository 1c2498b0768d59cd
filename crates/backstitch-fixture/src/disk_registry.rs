//! Owns a registry on disk in Cargo's local-registry layout, so that real Cargo resolves
//! and builds from it with no network
//! (<https://doc.rust-lang.org/cargo/reference/source-replacement.html#local-registry-sources>).

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::files::Files;
use crate::registry::Registry;

/// A registry in a folder: `index/` and one `.crate` file a release.
#[derive(Debug)]
pub struct DiskRegistry {
    folder: PathBuf,
}

/// A package to publish. Its manifest is written for it.
#[derive(Debug, Clone)]
pub struct Package {
    name: String,
    version: String,
    requirements: Vec<(String, String)>,
    source: String,
    rust_version: Option<String>,
    published: Option<String>,
    yanked: bool,
}

impl Package {
    /// A package with an empty library and no requirement.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            requirements: Vec::new(),
            source: format!("//! {name} {version}.\n"),
            rust_version: None,
            published: None,
            yanked: false,
        }
    }

    /// Adds a normal requirement.
    #[must_use]
    pub fn requires(mut self, name: &str, version: &str) -> Self {
        self.requirements
            .push((name.to_owned(), version.to_owned()));
        self
    }

    /// Sets the text of `src/lib.rs`.
    #[must_use]
    pub fn source(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }

    /// Sets the oldest compiler it builds with.
    #[must_use]
    pub fn rust_version(mut self, version: &str) -> Self {
        self.rust_version = Some(version.to_owned());
        self
    }

    /// Sets when it was published, in RFC 3339.
    #[must_use]
    pub fn published(mut self, time: &str) -> Self {
        self.published = Some(time.to_owned());
        self
    }

    /// Withdraws it.
    #[must_use]
    pub fn yanked(mut self) -> Self {
        self.yanked = true;
        self
    }

    fn manifest(&self) -> String {
        let mut text = format!(
            "[package]\nname = \"{}\"\nversion = \"{}\"\nedition = \"2021\"\n",
            self.name, self.version
        );
        if let Some(version) = &self.rust_version {
            writeln!(text, "rust-version = \"{version}\"").expect("a string takes text");
        }
        text.push_str("\n[dependencies]\n");
        for (name, version) in &self.requirements {
            writeln!(text, "{name} = \"{version}\"").expect("a string takes text");
        }
        text
    }

    fn index_line(&self, checksum: &str) -> Value {
        let dependency = |(name, version): &(String, String)| {
            json!({
                "name": name, "req": version, "features": [], "optional": false,
                "default_features": true, "target": null, "kind": "normal",
            })
        };
        let dependencies: Vec<_> = self.requirements.iter().map(dependency).collect();
        let mut line = json!({
            "name": self.name, "vers": self.version, "deps": dependencies,
            "cksum": checksum, "features": {}, "yanked": self.yanked,
        });
        if let Some(version) = &self.rust_version {
            line["rust_version"] = json!(version);
        }
        if let Some(time) = &self.published {
            line["pubtime"] = json!(time);
        }
        line
    }
}

impl DiskRegistry {
    /// A registry in `folder`, which is made where it is not there.
    ///
    /// # Panics
    /// Where that fails.
    pub fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder.join("index")).expect("the registry's folder can be made");
        let folder = folder.canonicalize().expect("the folder has a path");
        Self { folder }
    }

    /// Publishes a release: writes its archive and its line of the index.
    ///
    /// # Panics
    /// Where that fails.
    pub fn publish(&self, package: &Package) -> &Self {
        let archive = archive(package);
        let checksum = Sha256::digest(&archive)
            .iter()
            .fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").expect("a string takes text");
                hex
            });
        let file = format!("{}-{}.crate", package.name, package.version);
        fs::write(self.folder.join(file), archive).expect("the archive can be written");
        let index = self.folder.join("index").join(index_path(&package.name));
        fs::create_dir_all(index.parent().expect("below the index")).expect("a folder");
        let mut lines = fs::read_to_string(&index).unwrap_or_default();
        writeln!(lines, "{}", package.index_line(&checksum)).expect("a string takes text");
        fs::write(index, lines).expect("the index can be written");
        self
    }

    /// Publishes every release of an in-memory registry, with its normal requirements.
    ///
    /// # Panics
    /// Where that fails.
    pub fn publish_all(&self, registry: &Registry) -> &Self {
        for (name, releases) in registry.packages() {
            for release in releases {
                let mut package = Package::new(name, &release.version);
                for requirement in &release.requirements {
                    package = package.requires(&requirement.package, &requirement.version);
                }
                package.yanked = release.yanked;
                package.rust_version.clone_from(&release.rust_version);
                self.publish(&package);
            }
        }
        self
    }

    /// The text of a Cargo configuration that takes this registry for the public one.
    ///
    /// # Panics
    /// Where the folder's path is no text.
    pub fn cargo_config(&self) -> String {
        let folder = json!(self.folder.to_str().expect("the path is UTF-8"));
        format!(
            "[source.crates-io]\nreplace-with = \"fixture\"\n\n\
             [source.fixture]\nlocal-registry = {folder}\n\n\
             [net]\noffline = true\n"
        )
    }

    /// Writes that configuration into a project.
    ///
    /// # Panics
    /// Where that fails.
    pub fn configure(&self, project: &Path) {
        let text = format!("--- .cargo/config.toml\n{}", self.cargo_config());
        Files::parse(&text).write_to(project);
    }

    /// The folder it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Where the index keeps a package's lines
/// (<https://doc.rust-lang.org/cargo/reference/registry-index.html#index-files>).
fn index_path(name: &str) -> String {
    let name = name.to_lowercase();
    match name.len() {
        1 => format!("1/{name}"),
        2 => format!("2/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

/// The archive, the same bytes whenever and wherever it is made.
fn archive(package: &Package) -> Vec<u8> {
    let root = format!("{}-{}", package.name, package.version);
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, contents) in [
        ("Cargo.toml", package.manifest().as_str()),
        ("src/lib.rs", package.source.as_str()),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1);
        header.set_cksum();
        archive
            .append_data(&mut header, format!("{root}/{path}"), contents.as_bytes())
            .expect("memory takes the file");
    }
    let mut encoder = archive.into_inner().expect("memory takes the archive");
    encoder.flush().expect("memory takes the archive");
    encoder.finish().expect("memory takes the archive")
}
