//! A project, a release, a lockfile, an advisory and an index that mean harm, each through the
//! whole program: it ends by itself, says plainly what it saw, and nothing gets out.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;

use common::{Run, World, entries, manifest, processes_about, program, soon};
use serde_json::{Value, json};

/// Tight limits, so that what knows no end is ended soon.
const LIMITS: &str = "[limits]\nwall_s = 15\nmemory_mib_max = 600\ndisk_mib_max = 256\n\
                      output_mib_max = 2\nprocesses_max = 100\n";

/// Releases that were harmless before: the name, what the new one does, and how its verdict
/// begins. `MARK` is replaced by a word to find processes by.
const TURNED: &[(&str, &str, &str)] = &[
    (
        "forker",
        FORK,
        "Rejected Regress used more than it may: Processes",
    ),
    (
        "allocator",
        "let mut all = Vec::new(); loop { all.push(vec![1_u8; 1 << 20]); }",
        "Rejected Regress",
    ),
    (
        "filler",
        "use std::io::Write; let mut file = std::fs::File::create(\"big\").unwrap();\n\
         loop { file.write_all(&[1; 1 << 20]).unwrap(); }",
        "Rejected Regress used more than it may: Disk",
    ),
    (
        "printer",
        "shell(\"yes hostile\");",
        "Rejected Regress used more than it may: Output",
    ),
    (
        "hanger",
        "loop { std::thread::park() }",
        "Rejected Regress ran out of time",
    ),
    (
        "killer",
        "shell(\"kill -9 -1\"); panic!()",
        "Rejected Regress",
    ),
    (
        "quitter",
        "println!(\"test quitter ... ok\"); std::process::exit(0)",
        "Rejected Regress",
    ),
    (
        "daemon",
        "shell(\"setsid sh -c 'sleep 3000; : MARK' >/dev/null 2>&1 &\");",
        "Tested",
    ),
    ("good", "", "Tested"),
    // Called by the build script of whoever uses it.
    (
        "builder",
        FORK,
        "Rejected Build used more than it may: Processes",
    ),
];

/// The verdict on the first attempt that moves this package alone.
fn own_verdict(run: &Run, package: &str) -> String {
    let attempts = run.of(package)["attempts"].as_array().unwrap();
    let alone = |attempt: &&Value| attempt["moves"].as_array().unwrap().len() == 1;
    let verdict = &attempts.iter().find(alone).unwrap()["verdict"];
    let part = |name: &str| verdict[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", part("conclusion"), part("check"), part("why"))
}

const FORK: &str = "loop { let _ = std::process::Command::new(\"sleep\").arg(\"60\").spawn(); }";

const SHELL: &str = "pub fn shell(script: &str) {\n\
                     std::process::Command::new(\"/bin/sh\").args([\"-c\", script]).status().unwrap();\n}\n";

#[test]
fn a_release_that_turns_on_whoever_runs_it_is_rejected_and_the_good_one_is_delivered() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let mark = format!("mark-{}", std::process::id());
    let acting =
        |act: &str| format!("{SHELL}#[allow(unreachable_code)]\npub fn act() {{ {act} }}\n");
    let mut dependencies = String::new();
    let mut library = String::new();
    for (name, _, _) in TURNED {
        world.publish(name, "1.0.0", &acting(""));
        if *name != "builder" {
            dependencies.push_str(&format!("{name} = \"1\"\n"));
            library.push_str(&format!("#[test] fn {name}() {{ {name}::act() }}\n"));
        }
    }
    dependencies.push_str("\n[build-dependencies]\nbuilder = \"1\"\n");
    let manifest = manifest(&dependencies);
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n{library}--- backstitch.toml\n{LIMITS}\
         --- build.rs\nfn main() {{ builder::act() }}\n"
    ));
    world.lock();
    for (number, (name, act, _)) in TURNED.iter().enumerate() {
        world.publish(name, "1.0.1", &acting(&act.replace("MARK", &mark)));
        world.advise(&format!("RUSTSEC-2030-00{number:02}"), name, Some("1.0.1"));
    }
    world.import();
    world.commit();

    let run = world.repair(&[], 1);
    for (name, _, wanted) in TURNED {
        let verdict = own_verdict(&run, name);
        eprintln!("{name:10} → {verdict}");
        assert!(verdict.starts_with(wanted), "{name}: {verdict}");
    }
    assert_eq!(run.items().len(), 2);
    run.ended.is_tame();
    assert!(
        soon(|| processes_about(&mark).is_empty()),
        "{:?}",
        processes_about(&mark)
    );
    world.run(&["ledger", "verify"]).ended_with(0);
    world.is_quiet();
}

/// Tries every way out and fails where one is open.
const PEEK: &str = r#"
fn peek() {
    let out = |way: &str, open: bool| assert!(!open, "ESCAPED by {way}");
    out("the home", std::fs::read_to_string("HOME/.ssh/id").is_ok());
    let home = std::env::var("HOME").unwrap_or_default();
    out("HOME", std::fs::read_to_string(home + "/.ssh/id").is_ok());
    out("the environment", std::env::vars().any(|(_, value)| value.contains("canary")));
    out("a link", std::fs::write("away/planted", "x").is_ok());
    out("a path", std::fs::write("OUTSIDE/planted", "x").is_ok());
    let address: std::net::SocketAddr = "ADDRESS".parse().unwrap();
    let wait = std::time::Duration::from_secs(2);
    out("the network", std::net::TcpStream::connect_timeout(&address, wait).is_ok());
    out("a parent", std::fs::read_dir(format!("/proc/{}/root/", std::os::unix::process::parent_id()))
        .is_ok_and(|_| std::path::Path::new("OUTSIDE").exists()));
}
"#;

#[test]
fn a_project_that_looks_for_a_way_out_finds_none_and_leaves_nothing_of_the_user_s_in_any_record() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let (user, outside) = (world.path("user"), world.path("outside"));
    fs::create_dir(&outside).unwrap();
    fs::create_dir(user.join(".ssh")).unwrap();
    fs::write(user.join(".ssh/id"), "hunter2-canary").unwrap();
    let peek = PEEK
        .replace("HOME/", &format!("{}/", user.display()))
        .replace("OUTSIDE", outside.to_str().unwrap())
        .replace("ADDRESS", &listener.local_addr().unwrap().to_string());
    world.publish("plain", "1.0.0", "");
    let manifest = manifest("plain = \"1\"\nmacros = { path = \"macros\" }\n")
        .replace("[workspace]", "[workspace]\nmembers = [\"macros\"]");
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- peek.rs\n{peek}--- build.rs\ninclude!(\"peek.rs\");\nfn main() {{ peek() }}\n\
         --- src/lib.rs\nmacros::go!();\n#[cfg(test)]\nmod tests {{\ninclude!(\"../peek.rs\");\n#[test] fn peeks() {{ peek() }}\n}}\n\
         --- macros/Cargo.toml\n[package]\nname = \"macros\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[lib]\nproc-macro = true\ndoctest = false\n\
         --- macros/src/lib.rs\nextern crate proc_macro;\ninclude!(\"../../peek.rs\");\n\
         #[proc_macro]\npub fn go(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{ peek(); Default::default() }}\n"
    ));
    std::os::unix::fs::symlink(&outside, world.project().join("away")).unwrap();
    world.lock();
    world.publish("plain", "1.0.1", "");
    world.advise("RUSTSEC-2030-0001", "plain", Some("1.0.1"));
    world.import();
    world.commit();

    let mut command = world.command(&["run", "--offline", "--format", "json"]);
    let ended = common::wait(
        command
            .env("TOKEN", "canary")
            .env("CARGO_REGISTRY_TOKEN", "canary"),
    );
    ended.ended_with(0);
    let run = Run {
        told: ended.json(),
        ended,
    };
    assert_eq!(run.verdict("plain"), "Tested");
    let tests = &world.events()[3]["tests"]["passed"];
    assert!(tests.to_string().contains("peeks"), "{tests}");
    assert!(listener.accept().is_err());
    assert!(entries(&outside).is_empty());
    assert_eq!(world.holding("canary"), Vec::<PathBuf>::new());
    world.is_quiet();

    // The ways are real: without the sandbox they are open, and the project says so.
    let bare = world.repair(&["--sandbox", "none"], 1);
    assert!(
        bare.obstacle("plain").contains("ESCAPED by"),
        "{}",
        bare.obstacle("plain")
    );
}

#[test]
fn a_project_that_never_comes_to_its_end_is_ended_and_nothing_is_judged() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    world.publish("plain", "1.0.0", "");
    let manifest = manifest("plain = \"1\"\n");
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n--- build.rs\nfn main() {{ loop {{ std::thread::park() }} }}\n\
         --- backstitch.toml\n[limits]\nwall_s = 5\n"
    ));
    world.lock();
    world.publish("plain", "1.0.1", "");
    world.advise("RUSTSEC-2030-0001", "plain", Some("1.0.1"));
    world.import();
    world.commit();
    let run = world.repair(&[], 1);
    assert_eq!(
        run.obstacle("plain"),
        "the untouched project does not build in the time it has"
    );
    assert_eq!(run.attempts("plain"), []);
    assert!(run.told["delivery"].is_null());
    world.is_quiet();
}

#[test]
fn settings_and_a_toolchain_of_the_project_s_choice_run_nothing_where_the_network_is_open() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = world.path("taken");
    world.publish("plain", "1.0.0", "");
    let manifest = manifest("plain = \"1\"\n");
    let settings = "[build]\nrustc-wrapper = \"./wrapper.sh\"\n[target.'cfg(all())']\nrunner = \"./wrapper.sh\"\n\
        [registry]\nglobal-credential-providers = [\"./wrapper.sh\"]\n\
        [registries.crates-io]\ncredential-provider = [\"./wrapper.sh\"]\n\
        [credential-alias]\nmine = [\"./wrapper.sh\"]\n[alias]\nfetch = \"run\"\nupdate = \"run\"\n\
        [net]\ngit-fetch-with-cli = true\n";
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n#[test] fn a() {{}}\n--- .cargo/config.toml\n{settings}\
         --- rust-toolchain.toml\n[toolchain]\nchannel = \"nightly-1999-01-01\"\npath = \"/nowhere\"\n"
    ));
    // The lockfile is made where these settings are not in force.
    fs::rename(world.project().join(".cargo"), world.path("settings")).unwrap();
    world.lock();
    fs::rename(world.path("settings"), world.project().join(".cargo")).unwrap();
    let script = format!(
        "#!/bin/bash\ntouch '{}' 2>/dev/null\n(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null\nexec \"$@\"\n",
        taken.display()
    );
    program(&world.project().join("wrapper.sh"), &script);
    world.publish("plain", "1.0.1", "");
    world.advise("RUSTSEC-2030-0001", "plain", Some("1.0.1"));
    world.import();
    world.commit();
    let run = world.repair(&[], 0);
    assert_eq!(run.verdict("plain"), "Tested");
    let baseline = run.told["baselines"].to_string();
    assert!(
        baseline.contains("asks for toolchain `nightly-1999-01-01`; judged with"),
        "{baseline}"
    );
    assert!(!taken.exists() && listener.accept().is_err());
    world.is_quiet();

    // The bait is real: cargo takes it where it stands in the tree.
    let _ = world
        .cargo(&["check", "--offline"], &world.project())
        .output()
        .unwrap();
    assert!(taken.exists() && soon(|| listener.accept().is_ok()));
}

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn locked(name: &str, dependencies: &[&str]) -> String {
    let checksum = "0".repeat(64);
    let list: String = dependencies
        .iter()
        .map(|name| format!(" \"{name}\",\n"))
        .collect();
    format!(
        "\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"{CRATES_IO}\"\n\
         checksum = \"{checksum}\"\ndependencies = [\n{list}]\n"
    )
}

fn own(dependencies: &[&str]) -> String {
    let list: String = dependencies
        .iter()
        .map(|name| format!(" \"{name}\",\n"))
        .collect();
    format!("\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n{list}]\n")
}

/// What is wrong, the lockfile, the exit code, and what is told.
fn harmful_lockfiles() -> Vec<(&'static str, String, i32, &'static str)> {
    let head = "version = 4\n";
    let fine = [own(&["bad"]), locked("bad", &[])].concat();
    let cycle = [
        own(&["bad"]),
        locked("bad", &["round"]),
        locked("round", &["bad"]),
    ]
    .concat();
    let twice = [own(&["bad"]), locked("bad", &[]), locked("bad", &[])].concat();
    let steering = [own(&["b\\u001b[2Jad"]), locked("b\\u001b[2Jad", &[])].concat();
    vec![
        ("fine", format!("{head}{fine}"), 1, "bad@1.0.0"),
        ("a cycle", format!("{head}{cycle}"), 1, "bad@1.0.0"),
        ("twice", format!("{head}{twice}"), 1, "bad@1.0.0"),
        ("steering names", format!("{head}{steering}"), 1, "\\u{1b}"),
        (
            "a later version",
            format!("version = 99\n{fine}"),
            3,
            "version 99",
        ),
        (
            "no version at all",
            format!("version = -1\n{fine}"),
            3,
            "Cargo.lock",
        ),
        (
            "cut off",
            format!("{head}{}", &fine[..fine.len() / 2]),
            3,
            "Cargo.lock",
        ),
        (
            "raw escapes",
            format!("{head}{}", fine.replace("bad", "b\u{1b}[2Jad")),
            3,
            "Cargo.lock",
        ),
        ("no lockfile", "\u{7f}ELF".into(), 3, "Cargo.lock"),
        (
            "nested",
            format!("a = {}", "[".repeat(100_000)),
            3,
            "Cargo.lock",
        ),
    ]
}

#[test]
fn a_lockfile_that_means_harm_is_read_or_refused_in_plain_words() {
    let world = World::new();
    world.write("--- Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\n--- src/lib.rs\n");
    for name in ["bad", "b\u{1b}[2Jad"] {
        world.advise(&format!("RUSTSEC-2030-{}", name.len()), name, Some("1.0.1"));
    }
    world.import();
    for (what, text, exit, words) in harmful_lockfiles() {
        fs::write(world.project().join("Cargo.lock"), text).unwrap();
        let ended = world.run(&["find"]);
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(exit), "{what}: {told}");
        assert!(told.contains(words), "{what}: {told}");
        ended.is_tame();
        // The loop itself comes to an end, too; nothing can be fetched for these.
        let ended = world.run(&["run", "--offline", "--sandbox", "none"]);
        assert_eq!(ended.code, Some(exit), "{what}: {}", ended.stderr);
        ended.is_tame();
        for arguments in [
            &["ledger", "show"][..],
            &["find", "--format", "json"],
            &["find", "--format", "sarif"],
        ] {
            world.run(arguments).is_tame();
        }
    }
    fs::write(
        world.project().join("Cargo.lock"),
        [b"name = \"", &[0xff, 0xfe][..]].concat(),
    )
    .unwrap();
    world.run(&["find"]).ended_with(3).said("UTF-8").is_tame();
}

#[test]
fn a_lockfile_of_fifty_megabytes_is_read_and_a_larger_one_is_refused() {
    let world = World::new();
    world.write("--- Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\n--- src/lib.rs\n");
    world.advise("RUSTSEC-2030-0001", "bad", Some("1.0.1"));
    world.import();
    let mut text = format!("version = 4\n{}{}", own(&["bad"]), locked("bad", &[]));
    let mut number = 0;
    while text.len() < 50 << 20 {
        let next = format!("filler-{}", number + 1);
        text.push_str(&locked(&format!("filler-{number}"), &[&next]));
        number += 1;
    }
    let lockfile = world.project().join("Cargo.lock");
    fs::write(&lockfile, &text).unwrap();
    let started = std::time::Instant::now();
    world
        .run(&["find"])
        .ended_with(1)
        .printed("bad@1.0.0")
        .is_tame();
    eprintln!(
        "{number} packages in {} MiB: {:?}",
        text.len() >> 20,
        started.elapsed()
    );
    let mut file = fs::File::options().append(true).open(&lockfile).unwrap();
    file.write_all(&vec![b'\n'; 15 << 20]).unwrap();
    world.run(&["find"]).ended_with(3).said("bytes").is_tame();
}

#[test]
fn advisories_that_make_no_sense_are_left_out_and_named_and_the_others_count() {
    let world = World::new();
    let lock = format!("version = 4\n{}{}", own(&["bad"]), locked("bad", &[]));
    world.write(&format!(
        "--- Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\n--- Cargo.lock\n{lock}"
    ));
    let events = |events: Value| common::advisory("RUSTSEC-2030-0002", "bad", &events);
    let with = |key: &str, value: Value| {
        let mut advisory = events(json!([{"introduced": "0"}]));
        advisory[key] = value;
        advisory
    };
    let far = "9".repeat(400);
    let nonsense = [
        events(json!([{"introduced": "2.0.0"}, {"fixed": "1.0.0"}])),
        events(json!([{"introduced": "not a version"}])),
        events(json!([{"introduced": far}])),
        events(json!([{"fixed": "1.0.0"}, {"fixed": "1.0.0"}])),
        events(json!([{}])),
        events(json!({"introduced": "0"})),
        with("affected", json!("bad")),
        with("id", json!("\u{1b}[2J")),
        with("id", json!("../../../../etc/passwd")),
        with("id", json!(null)),
        with("withdrawn", json!(7)),
        json!([]),
        json!("text"),
    ];
    for (number, advisory) in nonsense.iter().enumerate() {
        let mut advisory = advisory.clone();
        if advisory["id"] == "RUSTSEC-2030-0002" {
            advisory["id"] = json!(format!("RUSTSEC-2031-{number:04}"));
        }
        world.write_advisory(&format!("nonsense-{number}"), &advisory);
    }
    world.write_advisory("nonsense-deep", &Value::Null);
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    fs::write(world.path("advisories/nonsense-deep.json"), deep).unwrap();
    fs::write(
        world.path("advisories/nonsense-cut.json"),
        "{\"id\": \"RUSTSEC",
    )
    .unwrap();
    world.advise("RUSTSEC-2030-0001", "bad", Some("1.0.1"));
    let mut steering = common::advisory("RUSTSEC-2030-0003", "bad", &json!([{"introduced": "0"}]));
    steering["summary"] = json!("red \u{1b}[31m\u{202e}right to left\u{9b}2J");
    steering["modified"] = json!("2024-01-01\u{1b}[2JT00:00:00Z");
    steering["references"] = json!([{"type": "WEB", "url": "https://example.org/\u{1b}[2J"}]);
    world.write_advisory("steering", &steering);

    let folder = world.path("advisories");
    let imported = world.run(&["db", "import", folder.to_str().unwrap()]);
    imported.ended_with(0).is_tame();
    for words in [
        "left out: `",
        "nonsense-12.json`: it is no OSV record",
        "RUSTSEC-2031-0004: range left out",
        "left out: 2 more",
    ] {
        imported.said(words);
    }
    let found = world.run(&["find"]);
    found.ended_with(1).printed("RUSTSEC-2030-0001").is_tame();
    world
        .run(&["explain", "RUSTSEC-2030-0001", "--offline"])
        .ended_with(1)
        .is_tame();
    world
        .run(&["run", "--offline", "--sandbox", "none"])
        .ended_with(1)
        .is_tame();
    world.run(&["db", "info"]).ended_with(0).is_tame();
}

#[test]
fn an_index_that_is_damaged_is_refused_by_name_and_a_failed_import_keeps_the_old_one() {
    let world = World::new();
    let lock = format!("version = 4\n{}{}", own(&["bad"]), locked("bad", &[]));
    world.write(&format!(
        "--- Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\n--- Cargo.lock\n{lock}"
    ));
    world.advise("RUSTSEC-2030-0001", "bad", Some("1.0.1"));
    world.import();
    let file = world.state().join("advisories.idx");
    let whole = fs::read(&file).unwrap();
    let name = file.to_str().unwrap();

    let empty = world.path("empty");
    fs::create_dir(&empty).unwrap();
    let cut = world.path("cut.zip");
    fs::write(&cut, b"PK\x03\x04 and no more").unwrap();
    let foreign = world.path("foreign.tar.xz");
    fs::write(&foreign, b"\xfd7zXZ\0 and no more").unwrap();
    for source in [&empty, &cut, &foreign, &world.path("missing")] {
        let failed = world.run(&["db", "import", source.to_str().unwrap()]);
        assert_eq!(failed.code, Some(3), "{}: {failed:?}", source.display());
        assert_eq!(fs::read(&file).unwrap(), whole, "{}", source.display());
    }
    world.run(&["find"]).ended_with(1).printed("bad@1.0.0");

    let mut damaged: Vec<(String, Vec<u8>)> = [0, 1, 16, whole.len() / 2, whole.len() - 1]
        .map(|length| (format!("cut at {length}"), whole[..length].to_vec()))
        .to_vec();
    damaged.push(("foreign".into(), b"SQLite format 3\0".repeat(64)));
    damaged.push(("longer".into(), [&whole[..], b"more"].concat()));
    for (what, bytes) in damaged {
        fs::write(&file, bytes).unwrap();
        for arguments in [
            &["find"][..],
            &["run", "--offline", "--sandbox", "none"],
            &["db", "info"],
        ] {
            let ended = world.run(arguments);
            assert_eq!(ended.code, Some(3), "{what}: {ended:?}");
            ended.said(name).is_tame();
        }
    }
    // One wrong byte, wherever it is, is noticed.
    for place in (0..whole.len()).step_by(whole.len() / 24) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x5a;
        fs::write(&file, bytes).unwrap();
        world
            .run(&["db", "info"])
            .ended_with(3)
            .said(name)
            .is_tame();
        world.run(&["find"]).ended_with(3).said(name).is_tame();
    }
    world.import();
    world.run(&["find"]).ended_with(1).printed("bad@1.0.0");
}
