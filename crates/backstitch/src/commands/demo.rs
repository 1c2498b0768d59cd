//! `backstitch demo`: the loop on the bundled example, in a temporary folder that stays
//! for you to look at.

use std::path::Path;

use anyhow::{Context, Result};

use crate::advisories::Advisories;
use crate::cli::{Common, DemoArguments, Format, Recording, RunArguments, ShownArguments};
use crate::commands::run;
use crate::exit::Exit;
use crate::places::Places;
use crate::report;
use crate::source::Repository;

/// The example's files. A test holds the list against the folder.
const FILES: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        include_str!("../../../../examples/demo/Cargo.toml"),
    ),
    (
        "Cargo.lock",
        include_str!("../../../../examples/demo/Cargo.lock"),
    ),
    (
        "README.md",
        include_str!("../../../../examples/demo/README.md"),
    ),
    (
        "src/lib.rs",
        include_str!("../../../../examples/demo/src/lib.rs"),
    ),
    (
        "src/main.rs",
        include_str!("../../../../examples/demo/src/main.rs"),
    ),
    (
        "src/report.rs",
        include_str!("../../../../examples/demo/src/report.rs"),
    ),
    (
        "src/rules.rs",
        include_str!("../../../../examples/demo/src/rules.rs"),
    ),
    (
        "src/scan.rs",
        include_str!("../../../../examples/demo/src/scan.rs"),
    ),
    (
        "tests/cli.rs",
        include_str!("../../../../examples/demo/tests/cli.rs"),
    ),
    (
        "tests/data/ferry.dump",
        include_str!("../../../../examples/demo/tests/data/ferry.dump"),
    ),
    (
        "tests/data/ferry.rules",
        include_str!("../../../../examples/demo/tests/data/ferry.rules"),
    ),
    (
        "tests/data/night.log",
        include_str!("../../../../examples/demo/tests/data/night.log"),
    ),
    (
        "scripts/hosts.py",
        include_str!("../../../../examples/demo/scripts/hosts.py"),
    ),
    (
        "scripts/requirements.txt",
        include_str!("../../../../examples/demo/scripts/requirements.txt"),
    ),
    (
        "scripts/tests/__init__.py",
        include_str!("../../../../examples/demo/scripts/tests/__init__.py"),
    ),
    (
        "scripts/tests/test_hosts.py",
        include_str!("../../../../examples/demo/scripts/tests/test_hosts.py"),
    ),
    (
        "web/labels.js",
        include_str!("../../../../examples/demo/web/labels.js"),
    ),
    (
        "web/labels.test.js",
        include_str!("../../../../examples/demo/web/labels.test.js"),
    ),
    (
        "web/package-lock.json",
        include_str!("../../../../examples/demo/web/package-lock.json"),
    ),
    (
        "web/package.json",
        include_str!("../../../../examples/demo/web/package.json"),
    ),
];

/// Copies the example, runs the loop on it and prints what came of it.
pub fn demo(arguments: &DemoArguments) -> Result<Exit> {
    let folder = tempfile::Builder::new()
        .prefix("backstitch-demo-")
        .tempdir()
        .context("create a temporary folder")?
        .keep();
    let project = folder.join("logdesk");
    unpack(&project)?;
    Repository::create(&project, "The example as it is bundled")?;
    report::say(&format!("the example is in `{}`", project.display()));
    let arguments = RunArguments {
        path: project,
        only: Vec::new(),
        shown: ShownArguments::default(),
        policy: None,
        sandbox: arguments.sandbox,
        fresh: false,
        reproducers: Vec::new(),
        recording: Recording::default(),
        common: Common {
            format: arguments.format,
            db: None,
            offline: false,
        },
    };
    let places = Places::discover()?.with_state(&folder.join("state"));
    let story = run::run_in(&arguments, places, Advisories::starter()?, None)?;
    run::print(&story, arguments.common.format)?;
    if arguments.common.format == Format::Text {
        report::say(&format!(
            "look around in `{}`; remove it when you are done",
            folder.display()
        ));
    }
    Ok(story.exit())
}

fn unpack(to: &Path) -> Result<()> {
    for (name, text) in FILES {
        let path = to.join(name);
        let folder = path.parent().unwrap_or(to);
        std::fs::create_dir_all(folder)
            .with_context(|| format!("create `{}`", folder.display()))?;
        std::fs::write(&path, text).with_context(|| format!("write `{}`", path.display()))?;
    }
    Ok(())
}
