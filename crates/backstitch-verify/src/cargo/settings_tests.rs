use super::*;

/// Every setting of cargo's that names a program, and tokens.
const DANGEROUS: &str = r#"
[build]
rustc = "EVIL"
rustc-wrapper = "EVIL"
rustc-workspace-wrapper = "EVIL"
rustdoc = "EVIL"
rustflags = ["-Clinker=EVIL"]
[target.x86_64-unknown-linux-gnu]
linker = "EVIL"
runner = "EVIL"
[net]
git-fetch-with-cli = true
[net.ssh]
known-hosts = ["EVIL"]
[http]
proxy = "http://EVIL"
[registry]
token = "EVIL"
credential-provider = "EVIL"
global-credential-providers = ["EVIL"]
[credential-alias]
mine = ["EVIL"]
[registries.mine]
index = "sparse+https://packages.example/"
token = "EVIL"
credential-provider = ["EVIL"]
[env]
PATH = "EVIL"
[alias]
fetch = "EVIL"
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "vendor"
[patch.crates-io.foo]
path = "patched/foo"
shell = "EVIL"
"#;

fn project(text: &str) -> ProjectSettings {
    let tree = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(tree.path().join("inner/.cargo")).unwrap();
    std::fs::write(tree.path().join("inner/.cargo/config.toml"), text).unwrap();
    let inner = RelPath::new("inner").unwrap();
    ProjectSettings::read(tree.path(), Some(&inner), Path::new(places::PROJECT))
}

#[test]
fn nothing_of_the_project_that_names_a_program_or_a_token_is_passed_on() {
    let text = UserSettings::default().for_fetch(&project(DANGEROUS));
    assert!(!text.contains("EVIL"), "{text}");
    let table: Table = toml::from_str(&text).unwrap();
    assert_eq!(
        table["source"]["vendored"]["directory"].as_str(),
        Some("/sandbox/project/inner/vendor")
    );
    assert_eq!(
        table["source"]["crates-io"]["replace-with"].as_str(),
        Some("vendored")
    );
    assert_eq!(
        table["registries"]["mine"]["index"].as_str(),
        Some("sparse+https://packages.example/")
    );
    assert_eq!(
        table["patch"]["crates-io"]["foo"]["path"].as_str(),
        Some("/sandbox/project/inner/patched/foo")
    );
    assert_eq!(
        table["registry"]["global-credential-providers"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert!(!table.contains_key("http") && !table.contains_key("net"));
}

#[test]
fn what_the_project_replaces_is_told() {
    assert_eq!(project(DANGEROUS).notes.len(), 1);
    assert!(project("").notes.is_empty());
    assert_eq!(project("= broken").notes.len(), 1);
    assert!(project("[build]\ntarget = \"wasm32-unknown-unknown\"").other_platform);
}

#[test]
fn the_user_s_sources_and_network_are_honoured_but_no_token() {
    let home = tempfile::tempdir().unwrap();
    let cargo_home = home.path().join(".cargo");
    std::fs::create_dir_all(home.path().join("registry")).unwrap();
    std::fs::create_dir_all(&cargo_home).unwrap();
    std::fs::write(
        cargo_home.join("config.toml"),
        "[source.crates-io]\nreplace-with = \"disk\"\n[source.disk]\nlocal-registry = \"registry\"\n\
         [source.secret]\nregistry = \"sparse+https://me:EVIL@packages.example/\"\n\
         [http]\nproxy = \"proxy.example:80\"\n[registry]\ntoken = \"EVIL\"\n[build]\nrustc = \"EVIL\"\n",
    )
    .unwrap();
    let user = User {
        cargo_home: Some(cargo_home),
        variables: [
            ("HTTPS_PROXY", "p"),
            ("CARGO_HTTP_TIMEOUT", "9"),
            ("CARGO_REGISTRY_TOKEN", "EVIL"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec(),
    };
    let settings = UserSettings::read(&user, true);
    let fetch = settings.for_fetch(&ProjectSettings::default());
    assert!(!format!("{fetch}{settings:?}").contains("EVIL"), "{fetch}");
    assert!(fetch.contains("proxy.example:80"), "{fetch}");
    assert!(fetch.contains("/sandbox/sources/0"), "{fetch}");
    assert!(
        !settings.for_run().contains("proxy"),
        "{}",
        settings.for_run()
    );
    let host = home.path().join("registry").canonicalize().unwrap();
    assert_eq!(
        settings.shown,
        [Shown {
            host,
            inside: "/sandbox/sources/0".into()
        }]
    );
    assert_eq!(settings.variables.len(), 2);
    assert_eq!(settings.notes.len(), 1);
}

#[test]
fn only_the_user_name_that_ssh_needs_is_no_credential() {
    for address in ["https://t@h/x", "sparse+https://u:p@h/", "ssh://git:p@h/x"] {
        assert!(holds_credentials(address), "{address}");
    }
    for address in [
        "ssh://git@h/x",
        "https://h/a@b",
        "vendored",
        "git+ssh://git@h/x",
    ] {
        assert!(!holds_credentials(address), "{address}");
    }
}
