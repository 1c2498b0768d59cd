//! What a recipe does to a tree, and that nothing of the project's runs meanwhile.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod cargo_bench;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use backstitch_model::candidate::Step;
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::{Outcome, RelPath};
use backstitch_verify::cargo::Toolchain;
use backstitch_verify::sandbox::Sandbox;
use backstitch_verify::workbench::{Applied, Cause, Refusal, Start, Tree};
use cargo_bench::{Bench, DEPENDENT, INIT, PLAIN, write};

fn update(to: Option<&str>) -> Step {
    Step::UpdatePackage {
        package: PackageVersion {
            ecosystem: Ecosystem::CratesIo,
            name: "answer".into(),
            version: "1.0.0".into(),
        },
        to: to.map(str::to_owned),
    }
}

fn locked(tree: &Tree) -> String {
    let lock = fs::read_to_string(tree.root.join("Cargo.lock")).unwrap();
    let (_, after) = lock.split_once("name = \"answer\"\nversion = \"").unwrap();
    after.split('"').next().unwrap().to_owned()
}

#[track_caller]
fn refused(applied: Applied) -> Refusal {
    match applied {
        Applied::Refused(refusal) => refusal,
        Applied::Done(notes) => panic!("done: {notes:?}"),
    }
}

#[test]
fn packages_move_as_the_steps_say_and_the_change_is_judged() {
    let Some(bench) = Bench::new() else { return };
    let work = bench.path("work");
    let untouched = bench.tree("untouched", DEPENDENT);
    let baseline = bench.baseline(&untouched);
    assert_eq!(
        baseline.regress.outcome,
        Outcome::Passed,
        "{:?}",
        baseline.build
    );
    for (name, step, version, passes) in [
        ("precise", update(Some("1.0.1")), "1.0.1", true),
        ("latest", update(None), "1.0.2", false),
        ("everything", Step::UpdateEverything, "1.0.2", false),
        ("relock", Step::Relock, "1.0.0", true),
    ] {
        let tree = bench.tree(name, DEPENDENT);
        let applied = bench.workbench().apply(&tree, &[step], &work).unwrap();
        assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
        assert_eq!(locked(&tree), version, "{name}");
        let work = bench.path(&format!("{name}-work"));
        let attempt = bench.judge(&baseline, &tree, Start::Warm, &work);
        assert_eq!(attempt.build.outcome, Outcome::Passed);
        assert_eq!(
            attempt.regress.outcome == Outcome::Passed,
            passes,
            "{name}: {}",
            attempt.regress.outcome
        );
    }
    assert_eq!(locked(&untouched), "1.0.0");
}

#[test]
fn a_recipe_beside_a_trial_does_what_it_does_alone() {
    let Some(bench) = Bench::new() else { return };
    let alone = bench.tree("alone", DEPENDENT);
    let beside = bench.tree("beside", DEPENDENT);
    let work = bench.path("beside-work");
    fs::create_dir_all(&work).unwrap();
    let workbench = bench.workbench();
    if !workbench.can_work_beside(&work).unwrap() {
        return;
    }
    let step = [update(Some("1.0.1"))];
    let applied = workbench.apply_beside(&beside, &step, &work).unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    workbench
        .apply(&alone, &step, &bench.path("alone-work"))
        .unwrap();
    let lockfile = |tree: &Tree| fs::read_to_string(tree.root.join("Cargo.lock")).unwrap();
    assert_eq!(lockfile(&beside), lockfile(&alone));
    assert_eq!(locked(&beside), "1.0.1");
}

#[test]
fn a_manifest_is_rewritten_and_relocked() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("tree", DEPENDENT);
    let text = DEPENDENT[0]
        .1
        .replace("answer = \"1\"", "answer = \"1.0.2\"");
    let steps = [
        Step::WriteManifest {
            path: RelPath::new("Cargo.toml").unwrap(),
            text,
        },
        Step::Relock,
    ];
    let applied = bench
        .workbench()
        .apply(&tree, &steps, &bench.path("work"))
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    assert_eq!(locked(&tree), "1.0.2");
}

#[test]
fn what_cargo_refuses_is_told_in_its_words() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("tree", DEPENDENT);
    let step = update(Some("9.9.9"));
    let refusal = refused(
        bench
            .workbench()
            .apply(&tree, std::slice::from_ref(&step), &bench.path("work"))
            .unwrap(),
    );
    assert_eq!(refusal.step, Some(step));
    assert_eq!(refusal.cause, Cause::Manager);
    assert!(
        refusal.message.starts_with("error: "),
        "{}",
        refusal.message
    );
    assert_eq!(locked(&tree), "1.0.0");
}

#[test]
fn a_lockfile_that_does_not_fit_its_manifest_is_refused_by_the_fetch() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("tree", &[DEPENDENT[0], PLAIN[1], DEPENDENT[2]]);
    let refusal = refused(bench.workbench().fetch(&tree, &bench.path("work")).unwrap());
    assert_eq!((refusal.step, refusal.cause), (None, Cause::Manager));
    assert!(refusal.message.contains("--locked"), "{}", refusal.message);
}

#[test]
fn a_server_that_cannot_be_reached_is_said_plainly() {
    let Some(bench) = Bench::new() else { return };
    let manifest = DEPENDENT[0].1.replace(
        "answer = \"1\"",
        "answer = { git = \"http://127.0.0.1:1/answer\" }",
    );
    let tree = bench.tree("tree", &[("Cargo.toml", &manifest), PLAIN[1], DEPENDENT[2]]);
    let refusal = refused(
        bench
            .workbench()
            .apply(&tree, &[Step::Relock], &bench.path("work"))
            .unwrap(),
    );
    assert_eq!(refusal.cause, Cause::Network, "{}", refusal.message);
    assert!(
        refusal
            .message
            .starts_with("cargo could not reach the network: ")
    );
}

#[test]
fn without_network_what_is_on_this_machine_must_do() {
    let Some(bench) = Bench::with(|setup| setup.offline = true) else {
        return;
    };
    let tree = bench.tree("tree", DEPENDENT);
    let applied = bench
        .workbench()
        .apply(&tree, &[update(Some("1.0.1"))], &bench.path("work"))
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    assert_eq!(locked(&tree), "1.0.1");
}

#[test]
fn a_package_that_is_not_on_this_machine_is_refused_without_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = format!("sparse+http://{}/", listener.local_addr().unwrap());
    for confined in [true, false] {
        let Some(bench) = Bench::with(|setup| {
            setup.offline = true;
            if !confined {
                setup.sandbox = Sandbox::unconfined(INIT.into());
            }
        }) else {
            return;
        };
        let settings = format!(
            "[source.crates-io]\nreplace-with = \"far\"\n[source.far]\nregistry = \"{server}\"\n"
        );
        let tree = bench.tree("tree", DEPENDENT);
        write(&tree.root, &[(".cargo/config.toml", &settings)]);
        for steps in [&[][..], &[update(None)]] {
            let applied = bench.workbench().apply(&tree, steps, &bench.path("work"));
            let refusal = refused(applied.unwrap());
            assert_eq!(refusal.cause, Cause::Network, "{}", refusal.message);
            let plain = "cargo may not use the network and lacks packages: ";
            assert!(refusal.message.starts_with(plain), "{}", refusal.message);
        }
    }
    assert!(listener.accept().is_err(), "cargo asked the server");
}

#[test]
fn without_walls_cargo_finds_neither_the_user_s_home_nor_settings_above() {
    let Some(bench) = Bench::with_all(|setup, toolchain, _| {
        setup.sandbox = Sandbox::unconfined(INIT.into());
        let directory = setup.cache.parent().unwrap().to_path_buf();
        let (real, asked) = (toolchain.cargo.clone(), directory.join("asked"));
        toolchain.cargo = directory.join("cargo");
        let script = format!(
            "#!/bin/sh\n{{ pwd; ls -A \"$HOME\"; echo \"$HOME\"; }} > {}\nexec {} \"$@\"\n",
            asked.display(),
            real.display()
        );
        fs::write(&toolchain.cargo, script).unwrap();
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&toolchain.cargo, executable).unwrap();
    }) else {
        return;
    };
    let poison = "this is = no settings file";
    write(bench.directory.path(), &[(".cargo/config.toml", poison)]);
    let tree = bench.tree("tree", DEPENDENT);
    let applied = bench
        .workbench()
        .apply(&tree, &[update(Some("1.0.1"))], &bench.path("work"))
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    let home = bench.path("work/fetch/home");
    let asked = fs::read_to_string(bench.path("asked")).unwrap();
    assert_eq!(asked, format!("/\n{}\n", home.display()));
}

#[test]
fn a_linked_manifest_leads_nowhere() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("tree", DEPENDENT);
    let outside = bench.path("outside.toml");
    fs::write(&outside, "kept").unwrap();
    fs::remove_file(tree.root.join("Cargo.toml")).unwrap();
    symlink(&outside, tree.root.join("Cargo.toml")).unwrap();
    let path = RelPath::new("Cargo.toml").unwrap();
    let steps = [Step::WriteManifest {
        path,
        text: "planted".into(),
    }];
    let refusal = refused(
        bench
            .workbench()
            .apply(&tree, &steps, &bench.path("work"))
            .unwrap(),
    );
    assert_eq!(refusal.cause, Cause::Manifest);
    assert_eq!(fs::read_to_string(outside).unwrap(), "kept");
}

/// Settings that make cargo run programs of the project's, and the programs. Each leaves a trace
/// beside itself, wherever the tree is seen.
fn bait(tree: &Tree) {
    let script = |run: &str| format!("#!/bin/sh\ntouch \"$(dirname \"$0\")/taken\"\nexec {run}\n");
    let settings = "[build]\nrustc = \"./rustc.sh\"\nrustc-wrapper = \"./wrapper.sh\"\n\
        [net]\ngit-fetch-with-cli = true\n\
        [registry]\nglobal-credential-providers = [\"./wrapper.sh\"]\n";
    write(
        &tree.root,
        &[
            ("rustc.sh", &script("rustc \"$@\"")),
            ("wrapper.sh", &script("\"$@\"")),
            (".cargo/config.toml", settings),
            (
                "build.rs",
                "fn main() { std::fs::write(\"taken\", \"\").unwrap() }\n",
            ),
        ],
    );
    for program in ["rustc.sh", "wrapper.sh"] {
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(tree.root.join(program), executable).unwrap();
    }
}

#[test]
fn nothing_of_the_project_runs_while_the_network_is_open() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("tree", DEPENDENT);
    bait(&tree);
    let applied = bench
        .workbench()
        .apply(&tree, &[update(Some("1.0.1"))], &bench.path("work"))
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    assert_eq!(locked(&tree), "1.0.1");
    assert!(!tree.root.join("taken").exists());
}

/// A bait that cargo would not take anyway proves nothing.
#[test]
fn the_same_settings_do_run_a_program_when_cargo_stands_in_the_tree() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("tree", PLAIN);
    write(&tree.root, &[("src/lib.rs", "")]);
    bait(&tree);
    let cargo = Toolchain::discover().unwrap().cargo;
    let run = |root: &Path| {
        Command::new(&cargo)
            .args(["fetch", "--locked", "--offline", "--target=host-tuple"])
            .current_dir(root)
            .output()
            .unwrap()
    };
    let output = run(&tree.root);
    assert!(tree.root.join("taken").exists(), "{output:?}");
}

#[test]
fn a_lockfile_in_a_folder_is_worked_on_there() {
    let Some(bench) = Bench::new() else { return };
    let root = bench.path("tree");
    bench.tree("tree/inner", DEPENDENT);
    let tree = Tree {
        root: root.clone(),
        lockfile: RelPath::new("inner/Cargo.lock").unwrap(),
    };
    let applied = bench
        .workbench()
        .apply(&tree, &[update(Some("1.0.1"))], &bench.path("work"))
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    let mut baseline = bench
        .workbench()
        .baseline(&tree, &bench.path("baseline"))
        .unwrap();
    bench.workbench().test_baseline(&mut baseline).unwrap();
    assert_eq!(
        baseline.regress.outcome,
        Outcome::Passed,
        "{:?}",
        baseline.build
    );
    assert!(!root.join("inner/target").exists());
}
