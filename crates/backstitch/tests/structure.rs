//! Holds ARCHITECTURE.md, STYLE.md and the README to the source and the program: what they say
//! is so, and what they say is absent is not there.

mod documents;
mod help;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use documents::{root, text};
use help::{accepts, help};
use source::Source;

/// Our crates, and the names of what they depend on.
type Dependencies = BTreeMap<String, BTreeSet<String>>;

#[test]
fn crates_depend_on_each_other_only_as_the_architecture_says() {
    let (used, used_in_tests) = (
        dependencies("dependencies"),
        dependencies("dev-dependencies"),
    );
    let ours = |names: &BTreeSet<String>| -> BTreeSet<String> {
        names
            .iter()
            .filter(|name| used.contains_key(*name))
            .cloned()
            .collect()
    };
    let rows: Vec<_> = documents::sections(&text("ARCHITECTURE.md"))
        .iter()
        .flat_map(|part| part.rows(&["crate", "may use", "in its tests also"]))
        .collect();
    let told: BTreeSet<_> = rows.iter().map(|row| quoted(&row[0]).remove(0)).collect();
    assert_eq!(told, used.keys().cloned().collect());
    for row in rows {
        let name = &quoted(&row[0])[0];
        let (may, may_in_tests): (BTreeSet<_>, BTreeSet<_>) = (
            quoted(&row[1]).into_iter().collect(),
            quoted(&row[2]).into_iter().collect(),
        );
        assert_eq!(ours(&used[name]), may, "what {name} uses");
        let more: Vec<_> = ours(&used_in_tests[name])
            .difference(&may_in_tests)
            .cloned()
            .collect();
        assert!(more.is_empty(), "the tests of {name} use {more:?}");
    }
}

#[test]
fn the_edges_that_would_spoil_the_proof_are_not_there() {
    let used = dependencies("dependencies");
    for (from, to) in [
        ("backstitch-verify", "backstitch-fix"),
        ("backstitch-fix", "backstitch-verify"),
        ("backstitch-find", "backstitch-verify"),
        ("backstitch-find", "backstitch-fix"),
        ("backstitch-verify", "backstitch-engine"),
        ("backstitch-fix", "backstitch-engine"),
        ("backstitch-engine", "backstitch-verify"),
        ("backstitch", "backstitch-fixture"),
    ] {
        assert!(!used[from].contains(to), "{from} uses {to}");
    }
    for (name, uses) in &used {
        assert!(!uses.contains("backstitch"), "{name} uses the program");
    }
}

#[test]
fn a_crate_does_not_do_what_it_is_said_not_to_do() {
    const IO: &[&str] = &[
        "std::fs",
        "std::io",
        "std::os",
        "std::process",
        "std::net",
        "std::env",
        "std::thread",
        "std::path",
        "unsafe",
    ];
    const FORMATS: &[&str] = &["serde", "clap"];
    // The planner reads manifests, of which some are JSON, and gives nothing a format.
    const FORMATS_GIVEN: &[&str] = &["serde::", "clap"];
    const RUNNING: &[&str] = &["std::process", "Command", "std::net", "ureq"];
    // An engine talks through one door, and whoever starts a program for it is elsewhere.
    const TOUCHING: &[&str] = &[
        "std::fs",
        "std::env",
        "std::process",
        "std::os",
        "std::path",
        "process::Command",
        "unsafe",
    ];
    let absent = [
        ("backstitch-engine", TOUCHING.to_vec()),
        ("backstitch-model", [IO, FORMATS].concat()),
        ("backstitch-fix", [IO, FORMATS_GIVEN].concat()),
        ("backstitch-find", RUNNING.to_vec()),
    ];
    for (name, needles) in absent {
        for source in program(&format!("crates/{name}/src")) {
            assert!(
                !source.code.contains("use std::{"),
                "{}: name each part",
                source.path
            );
            for needle in &needles {
                assert!(
                    !source.code.contains(needle),
                    "{} has `{needle}`",
                    source.path
                );
            }
        }
    }
    let used = dependencies("dependencies");
    for name in ["serde", "serde_json", "clap"] {
        assert!(
            !used["backstitch-model"].contains(name),
            "the model uses {name}"
        );
    }
}

#[test]
fn only_these_files_start_processes() {
    let starting = files_with(&["process::Command", "Command::new"]);
    let known = [
        // Asks the user's own tools what they are.
        "crates/backstitch-verify/src/host.rs",
        // Starts this program again as the sandbox's init, and there the job.
        "crates/backstitch-verify/src/sandbox/init/inner.rs",
        "crates/backstitch-verify/src/sandbox/supervise.rs",
        // Only the sandbox's tests run it.
        "crates/backstitch-verify/src/bin/hostile.rs",
    ];
    assert_eq!(
        starting,
        known.iter().map(|path| (*path).to_owned()).collect()
    );
}

#[test]
fn only_these_files_open_the_network() {
    let opening = files_with(&[
        "Agent::config_builder",
        "ureq::get",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
    ]);
    let known = [
        "crates/backstitch/src/network.rs",
        // Listens where the user says, on an address of this machine; connects to nothing.
        "crates/backstitch/src/mcp/http.rs",
        // What engines are told goes through here, and nothing else does.
        "crates/backstitch-engine/src/transport.rs",
        // Only the sandbox's tests run it.
        "crates/backstitch-verify/src/bin/hostile.rs",
    ];
    assert_eq!(
        opening,
        known.iter().map(|path| (*path).to_owned()).collect()
    );
}

#[test]
fn only_the_report_module_prints() {
    let printing = files_with(&[
        "print!(",
        "println!(",
        "eprint!(",
        "eprintln!(",
        "dbg!(",
        "io::stdout",
        "io::stderr",
        ".print()",
    ]);
    let others: Vec<_> = printing
        .iter()
        .filter(|path| !path.starts_with("crates/backstitch/src/report/"))
        .map(String::as_str)
        .collect();
    // clap prints its own help and errors; the other is a program for the sandbox's tests.
    let known = [
        "crates/backstitch-verify/src/bin/hostile.rs",
        "crates/backstitch/src/main.rs",
    ];
    assert_eq!(others, known);
}

#[test]
fn every_file_says_first_what_it_is() {
    for source in all_sources().iter().filter(|source| !source.is_test) {
        let first = source.text.lines().next().unwrap_or_default();
        let says = first
            .strip_prefix("//! ")
            .is_some_and(|rest| rest.len() > 3);
        assert!(says, "{} begins with {first:?}", source.path);
    }
}

#[test]
fn the_loop_fits_on_a_screen_and_no_file_is_endless() {
    assert!(text("crates/backstitch/src/pipeline.rs").lines().count() <= 60);
    for source in all_sources() {
        let lines = source.text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines", source.path);
    }
}

#[test]
fn what_the_architecture_names_is_there() {
    /// What stands in code marks and is not ours.
    const OTHERS: &[&str] = &["git", "HEAD", "cargo build", "build", ".npmrc", "pip check"];
    let page = text("ARCHITECTURE.md");
    let all: Vec<_> = all_sources()
        .into_iter()
        .chain(source::below(&root(), "crates"))
        .collect();
    let names = source::defined(&all);
    let mut seen = 0;
    for named in quoted(&page)
        .iter()
        .filter(|named| !OTHERS.contains(&named.as_str()))
    {
        seen += 1;
        let there = if named.contains('/') || named.contains(".rs") || named.contains(".toml") {
            root().join(named).exists()
                || all
                    .iter()
                    .any(|file| file.path.ends_with(&format!("/{named}")))
        } else if named.starts_with("backstitch-") {
            root().join("crates").join(named).is_dir()
        } else if named.starts_with("backstitch ") {
            accepts(named).is_ok()
        } else {
            source::words(named).all(|word| names.contains(word))
        };
        assert!(there, "ARCHITECTURE.md names `{named}`, which is not there");
    }
    assert!(seen > 50, "only {seen} names were looked at");
}

#[test]
fn links_between_documents_lead_somewhere() {
    for name in documents_of_the_repository() {
        let folder = Path::new(&name)
            .parent()
            .expect("a file has a folder")
            .to_owned();
        for link in text(&name).split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            let is_here = !target.is_empty() && !target.contains(':');
            assert!(
                !is_here || root().join(&folder).join(target).exists(),
                "{name}: {target}"
            );
        }
    }
}

#[test]
fn every_command_in_the_documents_is_one_that_the_program_takes() {
    let mut seen = 0;
    for name in documents_of_the_repository() {
        let page = text(&name);
        let in_blocks = page
            .lines()
            .filter_map(|line| line.strip_prefix("$ backstitch "));
        let in_text = quoted(&page);
        let in_text = in_text
            .iter()
            .filter_map(|code| code.strip_prefix("backstitch "));
        for command in in_blocks.chain(in_text) {
            seen += 1;
            let command = command.split(" #").next().unwrap_or_default().trim();
            let accepted = accepts(&format!("backstitch {command}"));
            assert!(
                accepted.is_ok(),
                "{name}: backstitch {command}: {accepted:?}"
            );
        }
    }
    assert!(seen > 20, "only {seen} commands were looked at");
}

#[test]
fn the_two_commands_of_the_first_page_are_what_is_checked() {
    let readme = text("README.md");
    let commands: Vec<_> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    assert_eq!(
        commands[..2],
        ["cargo run --release -- demo", "cargo test --workspace"]
    );
    let checks = text(".ci/run");
    for first in ["cargo run", "cargo test"] {
        let of_kind = commands
            .iter()
            .filter(|command| command.starts_with(first))
            .count();
        assert_eq!(of_kind, 1, "{first} in the README");
        assert!(
            checks.contains(&format!("readme_command '{first}'")),
            "{first} in .ci/run"
        );
    }
    assert_eq!(accepts("backstitch demo"), Ok(()));
}

#[test]
fn the_readme_s_exit_codes_are_those_of_the_program() {
    let parts = documents::sections(&text("README.md"));
    let rows: Vec<_> = parts
        .iter()
        .filter(|part| part.heading == "Exit codes")
        .flat_map(|part| part.rows(&["code", "meaning"]))
        .collect();
    let told: Vec<_> = rows
        .iter()
        .map(|row| format!("  {}  {}", row[0], row[1]))
        .collect();
    let help = help(&[]).expect("the program has help");
    let (_, codes) = help
        .split_once("Exit codes:\n")
        .expect("the help has the codes");
    assert_eq!(told, codes.trim_end().lines().collect::<Vec<_>>());
}

#[test]
fn the_readme_s_verdicts_are_those_of_the_model() {
    let source = text("crates/backstitch-model/src/verdict.rs");
    let (_, named) = source
        .split_once("impl Conclusion {")
        .expect("the names are there");
    let named: Vec<_> = named
        .lines()
        .take_while(|line| *line != "}")
        .filter_map(|line| line.split_once(" => \"")?.1.strip_suffix("\","))
        .collect();
    let parts = documents::sections(&text("README.md"));
    let rows: Vec<_> = parts
        .iter()
        .flat_map(|part| part.rows(&["verdict", "what it needs"]))
        .collect();
    assert_eq!(
        rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
        named
    );
}

#[test]
fn the_demo_bundles_every_file_of_the_example() {
    let listed = text("crates/backstitch/src/commands/demo.rs");
    let folder = root().join("examples/demo");
    for file in source::files(&folder) {
        let name = file
            .strip_prefix(&folder)
            .expect("it is below")
            .display()
            .to_string();
        let entry = format!("(\"{name}\", include_str!(\"../../../../examples/demo/{name}\"))");
        let squeezed: String = listed.split_whitespace().collect::<Vec<_>>().join(" ");
        let there = squeezed.contains(&entry)
            || squeezed
                .replace("( ", "(")
                .replace(", )", ")")
                .contains(&entry);
        assert!(there, "the demo does not bundle {name}");
    }
}

/// Servers that may be named, none of which serves packages to one machine alone.
const SERVERS: &[&str] = &[
    "bitbucket.org",
    "bundler.io",
    "gitlab.com",
    "crates.io",
    "docs.astral.sh",
    "docs.oasis-open.org",
    "docs.npmjs.com",
    "getcomposer.org",
    "git-scm.com",
    "github.com",
    "go.dev",
    "google.github.io",
    "jestjs.io",
    "json-schema.org",
    "keepachangelog.com",
    "maven.apache.org",
    "modelcontextprotocol.io",
    "no-color.org",
    "ossf.github.io",
    "nodejs.org",
    "osv-vulnerabilities.storage.googleapis.com",
    "packaging.python.org",
    "packagist.org",
    "pip.pypa.io",
    "pipenv.pypa.io",
    "pypi.org",
    "pypi.python.org",
    "python-poetry.org",
    "registry.npmjs.org",
    "rubygems.org",
    "rust-lang.github.io",
    "rust-lang.org",
    "rustsec.org",
    "semver.org",
    "testanything.org",
    "www.apache.org",
    "www.first.org",
    "www.unicode.org",
    "yarnpkg.com",
    // Set aside for examples, or not to be reached from elsewhere.
    "127.0.0.1",
    "example",
    "example.com",
    "example.org",
    "invalid",
];

#[test]
fn no_file_tells_of_the_machine_that_it_was_written_on() {
    // Facts about other people's packages, with the addresses that they were published at.
    let facts = ["data/starter/advisories.json"];
    let here = root().display().to_string();
    for file in source::files(&root()) {
        let name = file
            .strip_prefix(root())
            .expect("it is below")
            .display()
            .to_string();
        let Ok(content) = std::fs::read_to_string(&file) else {
            continue;
        };
        assert!(!content.contains(&here), "{name} has `{here}`");
        if name.ends_with("tests/structure.rs") {
            continue;
        }
        for place in ["/Users/", "C:\\Users"] {
            assert!(!content.contains(place), "{name} has `{place}`");
        }
        for rest in content.split("/home/").skip(1) {
            // The sandbox's own user, or a shell's pattern.
            let user = source::words(rest).next().unwrap_or_default();
            let known = rest.starts_with('*') || user == "job";
            assert!(known, "{name} has /home/{user}");
        }
        if facts.contains(&name.as_str()) {
            continue;
        }
        for server in servers(&content) {
            let known = SERVERS
                .iter()
                .any(|known| server == *known || server.ends_with(&format!(".{known}")));
            assert!(known, "{name} names the server `{server}`");
        }
    }
}

#[test]
fn every_locked_package_is_from_the_public_registry() {
    for line in text("Cargo.lock")
        .lines()
        .filter(|line| line.starts_with("source = "))
    {
        let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        assert_eq!(line, public);
    }
}

/// The servers in a text's addresses; one without a dot or a number is no address.
fn servers(text: &str) -> Vec<String> {
    let addresses = text
        .split("http://")
        .skip(1)
        .chain(text.split("https://").skip(1));
    addresses
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && !"@:._-".contains(c));
            let whole = &rest[..end.unwrap_or(rest.len())];
            let server = whole.rsplit('@').next().unwrap_or_default();
            server
                .split(':')
                .next()
                .unwrap_or_default()
                .trim_end_matches('.')
                .to_lowercase()
        })
        .filter(|server| server.contains('.'))
        .collect()
}

/// What a crate's manifest names in one of its tables, for each of our crates.
fn dependencies(kind: &str) -> Dependencies {
    let crates = std::fs::read_dir(root().join("crates")).expect("the crates are there");
    crates
        .map(|entry| {
            let name = entry.expect("the crates are there").file_name();
            let name = name.to_string_lossy().into_owned();
            let manifest: toml::Table = text(&format!("crates/{name}/Cargo.toml"))
                .parse()
                .expect("a manifest is TOML");
            assert!(
                !manifest.contains_key("target"),
                "{name}: look at its target tables too"
            );
            assert!(
                !manifest.contains_key("build-dependencies"),
                "{name}: look at those too"
            );
            let table = manifest.get(kind).and_then(toml::Value::as_table);
            let names = table.map(|table| table.keys().cloned().collect());
            (name, names.unwrap_or_default())
        })
        .collect()
}

fn all_sources() -> Vec<Source> {
    let crates = dependencies("dependencies").into_keys();
    crates
        .flat_map(|name| source::below(&root(), &format!("crates/{name}/src")))
        .collect()
}

/// The files below that are no tests.
fn program(folder: &str) -> Vec<Source> {
    source::below(&root(), folder)
        .into_iter()
        .filter(|source| !source.is_test)
        .collect()
}

/// The files of the program whose code has one of these.
fn files_with(needles: &[&str]) -> BTreeSet<String> {
    all_sources()
        .into_iter()
        .filter(|source| {
            !source.is_test && needles.iter().any(|needle| source.code.contains(needle))
        })
        .map(|source| source.path)
        .collect()
}

/// What stands in code marks in a text, code blocks left out.
fn quoted(text: &str) -> Vec<String> {
    documents::sections(text)
        .iter()
        .flat_map(|part| &part.lines)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

fn documents_of_the_repository() -> Vec<String> {
    let pages = source::files(&root()).into_iter();
    pages
        .filter_map(|path| Some(path.strip_prefix(root()).ok()?.display().to_string()))
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "md")
        })
        .collect()
}
