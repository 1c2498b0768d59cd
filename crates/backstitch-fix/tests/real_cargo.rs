//! Recipes carried out by real Cargo, from a registry on disk and with no network: the
//! lockfile must end where the plan says.

#![expect(clippy::unwrap_used, reason = "a broken fixture is a broken test")]

mod support;

use std::path::Path;
use std::process::Command;

use backstitch_fixture::{DiskRegistry, Files, Registry};
use backstitch_model::Change;
use backstitch_model::candidate::Step;
use backstitch_model::policy::Bump;
use support::{Situation, app};

fn cargo(folder: &Path, arguments: &[&str]) {
    let output = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(arguments)
        .env("CARGO_HOME", folder.join("home"))
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn carry_out(folder: &Path, recipe: &[Step]) {
    for step in recipe {
        match step {
            Step::WriteManifest { path, text } => {
                std::fs::write(folder.join(path.as_str()), text).unwrap();
            }
            Step::Relock => cargo(folder, &["update", "--workspace"]),
            Step::UpdateEverything => cargo(folder, &["update"]),
            Step::UpdatePackage { package, to } => {
                let name = package.to_string();
                let precise = to.as_deref().unwrap();
                cargo(folder, &["update", "-p", &name, "--precise", precise]);
            }
        }
    }
}

/// The locked versions, as `name version` lines.
fn locked(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("Cargo.lock")).unwrap();
    let value = |line: &str| line.split('"').nth(1).unwrap().to_owned();
    let lines: Vec<_> = text.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("name = ") && pair[1].starts_with("version = "))
        .map(|pair| format!("{} {}", value(pair[0]), value(pair[1])))
        .collect()
}

/// Locks `before` exactly, plans, carries the first candidate out, and tells the lockfile.
fn fixed(registry: &str, dependencies: &str, before: &[&str], bump_max: Bump) -> Vec<String> {
    let registry = Registry::parse(registry);
    let disk = tempfile::tempdir().unwrap();
    let disk = DiskRegistry::new(disk.path());
    disk.publish_all(&registry);
    let text = format!("--- Cargo.toml\n{}--- src/lib.rs\n", app(dependencies));
    let folder = Files::parse(&text).to_temporary_folder();
    disk.configure(folder.path());
    cargo(folder.path(), &["generate-lockfile"]);
    for package in before {
        let (name, version) = package.split_once(' ').unwrap();
        let now = locked(folder.path());
        let now = now
            .iter()
            .find(|line| line.starts_with(&format!("{name} ")));
        let spec = now.unwrap().replace(' ', "@");
        cargo(
            folder.path(),
            &["update", "-p", &spec, "--precise", version],
        );
    }
    let files = Files::read(folder.path(), &["Cargo.toml", "Cargo.lock"]);
    let mut situation = Situation::new("", "--- lock\n");
    situation.registry = registry;
    situation.project = backstitch_fixture::project(&files);
    situation.policy.bump_max = bump_max;
    let plans = situation.plans();
    let Change::Upgrade(upgrade) = &plans[0].candidates[0].change;
    carry_out(folder.path(), &upgrade.recipe);
    cargo(folder.path(), &["build", "--offline", "--locked"]);
    locked(folder.path())
}

#[test]
fn cargo_takes_a_leaf_first_recipe_and_moves_nothing_else() {
    let after = fixed(
        "tokio 1.8.1 vuln=OLD | autocfg ^1\ntokio 1.20.3 | autocfg ^1.1\ntokio 1.54.1 | autocfg ^1.1
         num-traits 0.2.14 | autocfg ^1\nnum-traits 0.2.19 | autocfg ^1
         autocfg 1.0.1\nautocfg 1.1.0\nautocfg 1.5.0",
        "tokio = \"1\"\nnum-traits = \"0.2\"",
        &["tokio 1.8.1", "num-traits 0.2.14", "autocfg 1.0.1"],
        Bump::Compatible,
    );
    let expected = [
        "app 0.1.0",
        "autocfg 1.1.0",
        "num-traits 0.2.14",
        "tokio 1.20.3",
    ];
    assert_eq!(after, expected);
}

#[test]
fn cargo_takes_a_raised_requirement_to_the_release_that_is_wanted() {
    let after = fixed(
        "x 0.2.0 vuln=A | leaf ^1\nx 0.3.0 vuln=A\nx 0.3.1 | leaf ^1.2\nx 0.3.2 | leaf ^1.4
         leaf 1.0.0\nleaf 1.2.0\nleaf 1.4.0\nleaf 1.5.0",
        "x = \"0.2\"",
        &["x 0.2.0", "leaf 1.0.0"],
        Bump::Breaking,
    );
    assert_eq!(after, ["app 0.1.0", "leaf 1.2.0", "x 0.3.1"]);
}

#[test]
fn cargo_takes_back_what_came_in_new_and_may_not_be_taken() {
    let after = fixed(
        "p 1.0.0 | x ^1\np 1.1.0 | q ^1\nx 1.0.0 vuln=A\nq 1.0.0\nq 1.0.1\nq 1.0.2 vuln=B",
        "p = \"1\"",
        &["p 1.0.0"],
        Bump::Compatible,
    );
    assert_eq!(after, ["app 0.1.0", "p 1.1.0", "q 1.0.1"]);
}
