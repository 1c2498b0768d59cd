//! What attacking a project's own code on both trees tells: each kind of failure from red to green,
//! wrong fixes, and reproducers that lie. Where a tool is missing, nothing is tested.

mod plain_bench;

use backstitch_model::Outcome;
use backstitch_model::tree_reproducer::Input;
use backstitch_verify::workbench::Attacked;
use plain_bench::{Bench, Files, declared, failed, not_run, reproducer};

const MAKEFILE: &str = "all: tool\ntool: tool.c\n\t$(CC) -O1 -o tool tool.c\n\
    check: tool\n\t@echo PASS: builds\n";

/// Copies its input's first line into a buffer; `CHECK` stands where a fix would be.
const COPY: &str = r#"#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) {
    char line[65536] = "";
    FILE *file = fopen(argv[1], "r");
    if (!file) { perror(argv[1]); return 2; }
    if (!fgets(line, sizeof line, file)) return 1;
    line[strcspn(line, "\n")] = 0;
    CHECK
    char *copy = malloc(16);
    strcpy(copy, line);
    printf("%s %zu\n", copy, strlen(copy));
    free(copy);
    return 0;
}
"#;

fn copy(check: &str) -> String {
    COPY.replace("CHECK", check)
}

fn c(text: &str) -> [(&'static str, &str); 2] {
    [("Makefile", MAKEFILE), ("tool.c", text)]
}

const LONG: &[u8] = b"AAAAAAAAAAAAAAAAAAAAAAAA\n";
const BENIGN: &[&[u8]] = &[b"hello\n", b"exactly fifteen\n"];

/// One flaw from red to green, with nothing declared but what shows it.
fn red_to_green(bench: &Bench, files: [Files<'_>; 2], argv: &[&str], input: &[u8], oracle: &str) {
    let shot = reproducer(argv, input, &[b"1\n"]);
    let before = bench.before(files[0], &shot);
    failed(&before.1.reproduce);
    let shown_by = before.1.oracle().map(|it| it.to_string());
    assert_eq!(shown_by.as_deref(), Some(oracle));
    let fixed = bench.after(&before, "fixed", files[1], &shot);
    assert_eq!(fixed.reproduce.outcome, Outcome::Passed, "{fixed:?}");
    assert!(
        !matches!(fixed.re_attack.outcome, Outcome::Failed(_)),
        "{fixed:?}"
    );
    let same = bench.after(&before, "same", files[0], &shot);
    assert!(failed(&same.reproduce).contains("still there"), "{same:?}");
}

#[test]
fn an_overflow_of_the_heap_shows_in_a_build_with_sanitizers() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let (flawed, fixed) = (copy(""), copy("if (strlen(line) > 15) return 1;"));
    red_to_green(
        &bench,
        [&c(&flawed), &c(&fixed)],
        &["./tool", "{input}"],
        LONG,
        "asan",
    );
}

#[test]
fn undefined_behaviour_shows_in_a_build_with_sanitizers() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let program = |check: &str| {
        format!(
            "#include <stdio.h>\n#include <stdlib.h>\nint main(void) {{\n int n = 0;\n \
             if (scanf(\"%d\", &n) != 1) return 1;\n {check}\n printf(\"%d\\n\", n * 1000);\n return 0; }}\n"
        )
    };
    let flawed = program("");
    let fixed = program("if (n > 2147483 || n < -2147483) return 1;");
    red_to_green(
        &bench,
        [&c(&flawed), &c(&fixed)],
        &["./tool"],
        b"2147484\n0",
        "ubsan",
    );
}

#[test]
fn a_broken_access_shows_by_its_signal() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let program = |check: &str| {
        format!(
            "#include <stdio.h>\nint main(int c, char **v) {{\n int n = 0; FILE *f = fopen(v[1], \"r\");\n \
             if (!f || fscanf(f, \"%d\", &n) != 1) return 1;\n {check}\n \
             if (n > 99) *(volatile int *)8 = 1;\n printf(\"%d\\n\", n); return 0; }}\n"
        )
    };
    let (flawed, fixed) = (program(""), program("if (n > 99) return 1;"));
    red_to_green(
        &bench,
        [&c(&flawed), &c(&fixed)],
        &["./tool", "{input}"],
        b"100",
        "exit-signal",
    );
}

#[test]
fn an_exception_that_nothing_catches_shows_in_cpp() {
    let Some(bench) = Bench::new(&["make", "g++"]) else {
        return;
    };
    let makefile = MAKEFILE
        .replace("$(CC)", "$(CXX)")
        .replace("tool.c", "tool.cc");
    let program = |more: &str| {
        format!(
            "#include <iostream>\n#include <string>\nint main() {{ std::string s; std::cin >> s;\n\
             {more} std::cout << s.at(0) << s.substr(0, 3) << (s.size() > 9 ? s.at(99) : 'x') << \"\\n\"; }}\n"
        )
    };
    let (flawed, fixed) = (
        program(""),
        program("if (s.empty() || s.size() > 9) return 1;"),
    );
    red_to_green(
        &bench,
        [
            &[("Makefile", &makefile), ("tool.cc", &flawed)],
            &[("Makefile", &makefile), ("tool.cc", &fixed)],
        ],
        &["./tool"],
        b"abcdefghijk",
        "uncaught-exception",
    );
}

#[test]
fn an_exception_that_nothing_catches_shows_in_python() {
    let Some(bench) = Bench::new(&["python3"]) else {
        return;
    };
    let program = |from: &str| {
        format!(
            "import sys\ntext = open(sys.argv[1]).read()\n{from}\nprint(10 // (10 - int(text)))\n"
        )
    };
    let test = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n";
    let (flawed, fixed) = (
        program(""),
        program("if not text.strip().isdigit() or int(text) == 10: sys.exit(1)"),
    );
    red_to_green(
        &bench,
        [
            &[("tool.py", &flawed), ("test_tool.py", test)],
            &[("tool.py", &fixed), ("test_tool.py", test)],
        ],
        &["python3", "tool.py", "{input}"],
        b"10",
        "uncaught-exception",
    );
}

#[test]
fn an_exception_that_nothing_catches_shows_in_javascript() {
    let Some(bench) = Bench::new(&["node"]) else {
        return;
    };
    let program = |check: &str| {
        format!(
            "const text = require('fs').readFileSync(process.argv[2], 'utf8');\n{check}\nif (text.length > 9) null.x;\nconsole.log(text.length);\n"
        )
    };
    let (flawed, fixed) = (
        program(""),
        program("if (text.length > 9) process.exit(1);"),
    );
    let test = "require('node:test').test('a', () => {});\n";
    red_to_green(
        &bench,
        [
            &[("tool.js", &flawed), ("tool.test.js", test)],
            &[("tool.js", &fixed), ("tool.test.js", test)],
        ],
        &["node", "tool.js", "{input}"],
        b"a text that is long",
        "uncaught-exception",
    );
}

#[test]
fn a_panic_shows_in_a_program_that_was_built_elsewhere() {
    let Some(bench) = Bench::with(&[], |policy| {
        policy.build_command = Some(vec!["true".into()]);
        policy.test_command = Some(vec!["test".into(), "-e".into(), "tool".into()]);
    }) else {
        return;
    };
    let compiled = |name: &str, text: &str| {
        let folder = bench.path("sources");
        std::fs::create_dir_all(&folder).unwrap();
        let source = folder.join(format!("{name}.rs"));
        std::fs::write(&source, text).unwrap();
        let out = folder.join(name);
        let ended = std::process::Command::new("rustc")
            .args(["--edition=2021", "-o"])
            .args([&out, &source])
            .status();
        ended.is_ok_and(|ended| ended.success()).then_some(out)
    };
    let program = |check: &str| {
        format!(
            "fn main() {{ let text = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();\n\
             let bytes = text.as_bytes(); {check} println!(\"{{}}\", if bytes.len() > 9 {{ bytes[99] }} else {{ 1 }}); }}\n"
        )
    };
    let (Some(flawed), Some(fixed)) = (
        compiled("flawed", &program("")),
        compiled(
            "fixed",
            &program("if bytes.len() > 9 { std::process::exit(1) }"),
        ),
    ) else {
        println!("SKIPPED, NOTHING WAS TESTED: there is no `rustc`");
        return;
    };
    let tree = |name: &str, program: &std::path::Path| {
        let tree = bench.tree(name, &[("README", "a tool\n")]);
        std::fs::copy(program, tree.root.join("tool")).unwrap();
        tree
    };
    let shot = reproducer(&["./tool", "{input}"], b"0123456789", &[b"1"]);
    let baseline = bench.baseline(&tree("flawed", &flawed));
    let before = bench.workbench().attack_before(&baseline, &shot).unwrap();
    failed(&before.reproduce);
    assert_eq!(before.oracle().unwrap().to_string(), "rust-panic");
    let (attempt, _) = bench.attempt(&baseline, &tree("fixed", &fixed));
    let after = bench
        .workbench()
        .attack_after(&baseline, &attempt, &shot, &before)
        .unwrap();
    assert_eq!(after.reproduce.outcome, Outcome::Passed, "{after:?}");
}

#[test]
fn wrong_fixes_are_caught_by_variants_and_right_ones_are_not() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let shot = declared(reproducer(&["./tool", "{input}"], LONG, BENIGN), "asan");
    let flawed = copy("");
    let before = bench.before(&c(&flawed), &shot);
    failed(&before.1.reproduce);
    let judged = |name: &str, check: &str| {
        let text = copy(check);
        bench.after(&before, name, &c(&text), &shot)
    };
    // The listed input alone, a higher limit, an off-by-one, and a check of another byte.
    for (name, check) in [
        (
            "literal",
            "if (!strcmp(line, \"AAAAAAAAAAAAAAAAAAAAAAAA\")) return 1;",
        ),
        (
            "raised",
            "if (strlen(line) == 24) return 1; if (strlen(line) > 40) return 1;",
        ),
        ("letter", "if (line[0] == 'A' && line[20] == 'A') return 1;"),
    ] {
        let after = judged(name, check);
        assert_eq!(after.reproduce.outcome, Outcome::Passed, "{name}");
        let why = failed(&after.re_attack);
        assert!(why.contains("variant"), "{name}: {why}");
    }
    let right = judged(
        "right",
        "if (strlen(line) > 15) { fputs(\"too long\\n\", stderr); return 1; }",
    );
    assert_eq!(right.reproduce.outcome, Outcome::Passed);
    assert_eq!(
        right.re_attack.outcome,
        Outcome::Passed,
        "{:?}",
        right.re_attack
    );
    assert_eq!(
        right.compare.outcome,
        Outcome::Passed,
        "{:?}",
        right.compare
    );
}

#[test]
fn a_fix_that_refuses_what_worked_fails_and_one_that_answers_otherwise_differs() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let shot = declared(reproducer(&["./tool", "{input}"], LONG, BENIGN), "asan");
    let flawed = copy("");
    let before = bench.before(&c(&flawed), &shot);
    let strict = copy("if (strlen(line) > 7) return 1;");
    let after = bench.after(&before, "strict", &c(&strict), &shot);
    assert_eq!(after.reproduce.outcome, Outcome::Passed);
    let why = failed(&after.re_attack);
    assert!(
        why.contains("benign control no longer works") && why.contains("fine-1"),
        "{why}"
    );
    let truncating = copy("line[12] = 0;");
    let after = bench.after(&before, "truncating", &c(&truncating), &shot);
    assert_eq!(
        after.re_attack.outcome,
        Outcome::Passed,
        "{:?}",
        after.re_attack
    );
    match &after.compare.outcome {
        Outcome::Differs(how) => assert!(how.contains("`exactly fifteen 15` became"), "{how}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_failure_in_the_place_of_the_first_is_not_green() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let shot = declared(reproducer(&["./tool", "{input}"], LONG, BENIGN), "asan");
    let flawed = copy("");
    let before = bench.before(&c(&flawed), &shot);
    for (name, check, why) in [
        (
            "aborts",
            "if (strlen(line) > 15) abort();",
            "another failure",
        ),
        (
            "lies",
            "if (strlen(line) > 15) { puts(\"ok\"); fflush(stdout); raise_(11); }",
            "flaw is still there",
        ),
    ] {
        let check = check.replace("raise_(11)", "*(volatile int *)8 = 1");
        let text = copy(&check);
        let after = bench.after(&before, name, &c(&text), &shot);
        assert!(
            failed(&after.reproduce).contains(why),
            "{name}: {:?}",
            after.reproduce
        );
    }
    // One that never ends tells nothing.
    let text = copy("if (strlen(line) > 15) for (;;) ;");
    let after = bench.after(&before, "hangs", &c(&text), &shot);
    assert!(
        not_run(&after.reproduce).contains("did not end"),
        "{:?}",
        after.reproduce
    );
}

#[test]
fn turning_the_sanitizer_off_for_a_file_hides_nothing() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let shot = declared(reproducer(&["./tool", "{input}"], LONG, BENIGN), "asan");
    let flawed = copy("");
    let before = bench.before(&c(&flawed), &shot);
    let makefile = MAKEFILE.replace("-O1", "-O1 -fno-sanitize=all");
    let files = [("Makefile", makefile.as_str()), ("tool.c", flawed.as_str())];
    let after = bench.after(&before, "off", &files, &shot);
    assert!(
        failed(&after.reproduce).contains("AddressSanitizer"),
        "{:?}",
        after.reproduce
    );
}

#[test]
fn a_reproducer_that_goes_by_chance_or_the_clock_is_no_proof() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let chance = "#!/bin/sh\n[ $(($(od -An -N1 -tu1 /dev/urandom) % 2)) = 0 ] || kill -SEGV $$\n";
    // Red for some seconds from now on, and green afterwards, whatever the tree is.
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let clock = format!(
        "#!/bin/sh\nif [ $(date +%s) -lt {} ]; then kill -SEGV $$; fi\nexit 0\n",
        now + 20
    );
    let makefile = "all:\n\ncheck:\n\t@echo PASS: it\n";
    let files = [
        ("Makefile", makefile),
        ("chance.sh", chance),
        ("clock.sh", &clock),
    ];
    let mut shot = declared(reproducer(&["./chance.sh"], b"", &[]), "exit-signal");
    shot.inputs = (0..6)
        .map(|number| Input {
            name: format!("{number}"),
            bytes: vec![number],
        })
        .collect();
    let baseline = bench.baseline(&bench.tree("tree", &files));
    let before = bench.workbench().attack_before(&baseline, &shot).unwrap();
    assert!(
        not_run(&before.reproduce).contains("chance or the clock"),
        "{before:?}"
    );
    let mut shot = declared(reproducer(&["./clock.sh"], b"", &[]), "exit-signal");
    shot.inputs.clear();
    shot.name = "clock".into();
    let before = bench.workbench().attack_before(&baseline, &shot).unwrap();
    failed(&before.reproduce);
    let waited = std::time::Duration::from_secs(now + 21);
    while std::time::UNIX_EPOCH.elapsed().unwrap() < waited {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let after = bench.after(&(baseline, before), "later", &files, &shot);
    assert!(
        not_run(&after.reproduce).contains("no longer red"),
        "{after:?}"
    );
}

#[test]
fn reproducers_that_hang_fork_print_or_write_are_kept_in_and_told() {
    let Some(bench) = Bench::with(&["make", "gcc"], |policy| {
        policy.limits.processes_max = 64;
    }) else {
        return;
    };
    let files = [
        ("Makefile", "all:\n\ncheck:\n\t@echo PASS: it\n"),
        ("hang.sh", "#!/bin/sh\nsleep 600\n"),
        ("fork.sh", "#!/bin/sh\nf() { f & f & wait; }\nf\n"),
        ("print.sh", "#!/bin/sh\nyes\n"),
        (
            "write.sh",
            "#!/bin/sh\necho mark > mark\necho x > /sandbox/input/crash.txt\necho x > /etc/mark\nkill -SEGV $$\n",
        ),
        (
            "usage.sh",
            "#!/bin/sh\necho 'usage: tool FILE' >&2\nexit 1\n",
        ),
    ];
    let baseline = bench.baseline(&bench.tree("tree", &files));
    let before = |program: &str| {
        let mut shot = reproducer(&[program, "{input}"], b"x", &[]);
        shot.time_limit_s = 2;
        shot.name = program.replace(['.', '/'], "");
        bench.workbench().attack_before(&baseline, &shot).unwrap()
    };
    for (program, why) in [
        ("./hang.sh", "did not end"),
        // It is stopped at its limit, or gives up when it cannot fork any more.
        ("./fork.sh", ""),
        ("./print.sh", "it "),
        ("./usage.sh", "wrong way"),
        ("./not-there", "127"),
    ] {
        let told = before(program);
        assert!(
            not_run(&told.reproduce).contains(why),
            "{program}: {told:?}"
        );
    }
    let told = before("./write.sh");
    failed(&told.reproduce);
    let notes = told.reproduce.notes.join("\n");
    assert!(notes.contains("`mark`"), "{notes}");
    assert!(!bench.path("tree/mark").exists());
    assert!(!std::path::Path::new("/etc/mark").exists());
}

#[test]
fn what_was_kept_of_an_attack_with_other_variants_is_not_gone_on_with() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let shot = declared(reproducer(&["./tool", "{input}"], LONG, BENIGN), "asan");
    let flawed = copy("");
    let (baseline, before) = bench.before(&c(&flawed), &shot);
    failed(&before.reproduce);
    let restored = Attacked::restore(before.save().unwrap()).unwrap();
    let workbench = bench.workbench();
    assert!(workbench.attacks_alike(&baseline, &shot, &restored));
    let mut other = shot.clone();
    other.benign.truncate(1);
    assert!(!workbench.attacks_alike(&baseline, &other, &restored));
}

/// Variants are run many at a time, and one of them may end, stop or litter all that is beside it.
#[test]
fn a_variant_that_disturbs_the_others_hides_nothing_and_blames_nobody() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let disturbing = r"#include <signal.h>
        #include <unistd.h>
        CHECKS";
    let text = |check: &str| {
        let checks = format!(
            "if (strlen(line) > 40) {{ char name[64]; snprintf(name, sizeof name, \"left-%d\", \
             (int)getpid()); fclose(fopen(name, \"w\")); }}\n\
             if (strlen(line) > 200) kill(-1, SIGKILL);\n\
             if (strlen(line) > 100) for (;;) ;\n{check}"
        );
        let includes = disturbing.replace("CHECKS", "");
        format!("{includes}{}", copy(&checks))
    };
    let mut shot = declared(reproducer(&["./tool", "{input}"], LONG, BENIGN), "asan");
    shot.time_limit_s = 2;
    let flawed = text("");
    let before = bench.before(&c(&flawed), &shot);
    failed(&before.1.reproduce);
    let wrong = text("if (strlen(line) == 24) return 1;");
    let after = bench.after(&before, "wrong", &c(&wrong), &shot);
    assert!(
        failed(&after.re_attack).contains("still fails"),
        "{after:?}"
    );
    let right = text("if (strlen(line) > 15) return 1;");
    let after = bench.after(&before, "right", &c(&right), &shot);
    assert_eq!(after.reproduce.outcome, Outcome::Passed, "{after:?}");
    assert_eq!(after.re_attack.outcome, Outcome::Passed, "{after:?}");
}
