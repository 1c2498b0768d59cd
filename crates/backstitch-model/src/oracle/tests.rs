use super::*;

fn run(end: End, stderr: &str) -> Run {
    Run {
        end,
        stdout: String::new(),
        stderr: stderr.into(),
        truncated: false,
        words: ["./tool", "-x", "/sandbox/inputs/0/big.bin"]
            .map(str::to_owned)
            .to_vec(),
    }
}

const ASAN: &str = "=================\n==3==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x6\n    #0 0x1 in main a.c:3\n";
const UBSAN: &str = "a.c:3:7: runtime error: signed integer overflow: 2147483647 + 1\n";
const PANIC: &str = "thread 'main' panicked at src/main.rs:2:5:\nindex out of bounds\n";
const NEWER_PANIC: &str = "\nthread 'main' (12345) panicked at src/main.rs:2:5:\nboom\n";
const PYTHON: &str = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\nKeyError: 'a'\n";
const NODE: &str = "/a.js:1\nthrow new Error('x')\n^\n\nError: x\n    at Object.<anonymous> (/a.js:1:7)\n\nNode.js v20.1.0\n";
const TERMINATE: &str =
    "terminate called after throwing an instance of 'std::out_of_range'\n  what():  x\n";

#[test]
fn each_oracle_knows_its_failure_and_takes_no_other_for_it() {
    let reds = [
        (Oracle::AddressSanitizer, run(End::Code(1), ASAN)),
        (Oracle::UndefinedBehaviorSanitizer, run(End::Code(1), UBSAN)),
        (Oracle::RustPanic, run(End::Code(101), PANIC)),
        (Oracle::RustPanic, run(End::Signal(6), NEWER_PANIC)),
        (Oracle::UncaughtException, run(End::Code(1), PYTHON)),
        (Oracle::UncaughtException, run(End::Code(1), NODE)),
        (Oracle::UncaughtException, run(End::Signal(6), TERMINATE)),
        (Oracle::UncaughtException, run(End::Code(134), TERMINATE)),
        (Oracle::ExitSignal, run(End::Signal(11), "")),
        (
            Oracle::ExitSignal,
            run(End::Code(139), "Segmentation fault"),
        ),
    ];
    for (oracle, red) in &reds {
        assert!(
            matches!(oracle.look(red), Shown::Flaw(_)),
            "{oracle} {red:?}"
        );
        assert_eq!(Oracle::recognise(red), Some(*oracle), "{red:?}");
        for other in [
            Oracle::AddressSanitizer,
            Oracle::UndefinedBehaviorSanitizer,
            Oracle::RustPanic,
            Oracle::UncaughtException,
            Oracle::ExitCode(42),
        ] {
            if other != *oracle {
                let shown = other.look(red);
                assert!(matches!(shown, Shown::Other(_)), "{other} {red:?}");
                assert_eq!(shown.after(), Sight::Present);
                assert!(matches!(shown.before(), Sight::Inconclusive(_)));
            }
        }
    }
}

#[test]
fn a_report_that_is_only_printed_is_not_red_and_an_ok_that_is_only_printed_is_not_green() {
    for text in [ASAN, UBSAN, PANIC, PYTHON, NODE, TERMINATE] {
        assert_eq!(Oracle::recognise(&run(End::Code(0), text)), None);
        let shown = Oracle::AddressSanitizer.look(&run(End::Code(0), text));
        assert_eq!(shown, Shown::Nothing, "{text}");
    }
    // A report inside another line is quoted, not made.
    let quoted = format!("input says: {ASAN}");
    let quoted = quoted.replace("\n==3", " ==3");
    assert_eq!(
        Oracle::AddressSanitizer.look(&run(End::Code(1), &quoted)),
        Shown::Nothing
    );
    let died = Run {
        stdout: "ok\nall is well\n".into(),
        ..run(End::Signal(11), "")
    };
    for oracle in [
        Oracle::AddressSanitizer,
        Oracle::ExitSignal,
        Oracle::ExitCode(1),
    ] {
        assert!(oracle.look(&died).is_failure(), "{oracle}");
    }
}

#[test]
fn what_says_nothing_of_the_flaw_is_never_green() {
    let ends = [
        run(End::TimedOut, ""),
        run(End::OverLimit("Output".into()), ""),
        run(End::Signal(9), ""),
        run(End::Code(126), ""),
        run(End::Code(127), "sh: 1: exec: ./tool: not found"),
        run(End::Code(64), ""),
        run(End::Code(1), "tool: cannot open /sandbox/inputs/0/big.bin"),
        run(End::Code(2), "big.bin: No such file or directory"),
        run(End::Code(2), "usage: tool [-x] FILE"),
        Run {
            truncated: true,
            ..run(End::Code(0), "")
        },
    ];
    for end in &ends {
        for oracle in [
            Oracle::AddressSanitizer,
            Oracle::ExitSignal,
            Oracle::ExitCode(42),
        ] {
            let shown = oracle.look(end);
            assert!(matches!(shown, Shown::Untold(_)), "{oracle} {end:?}");
            assert_eq!(Oracle::recognise(end), None);
        }
    }
    // Input that is refused was looked at.
    let refused = run(End::Code(1), "tool: the header is too long");
    assert_eq!(Oracle::AddressSanitizer.look(&refused), Shown::Nothing);
    let without = run(End::Code(1), "tool: cannot open the archive's index");
    assert_eq!(Oracle::AddressSanitizer.look(&without), Shown::Nothing);
    // But where a code is what counts, another one is none.
    assert!(matches!(
        Oracle::ExitCode(42).look(&refused),
        Shown::Untold(_)
    ));
}

#[test]
fn names_are_read_back_and_codes_that_say_that_nothing_ran_are_refused() {
    for name in [
        "exit-signal",
        "asan",
        "ubsan",
        "rust-panic",
        "uncaught-exception",
        "exit:42",
    ] {
        let oracle: Oracle = name.parse().unwrap();
        assert_eq!(oracle.to_string(), name);
    }
    for name in [
        "", "exit:", "exit:0", "exit:126", "exit:127", "exit:256", "exit:-1", "msan",
    ] {
        assert!(name.parse::<Oracle>().is_err(), "{name}");
    }
}

#[test]
fn failures_are_of_one_kind_by_what_they_say_and_not_by_where() {
    let signature = |run: &Run| {
        let oracle = Oracle::recognise(run).unwrap();
        match oracle.look(run) {
            Shown::Flaw(said) => Signature::of(&said),
            other => panic!("{other:?}"),
        }
    };
    let memory = [
        run(End::Code(1), ASAN),
        run(End::Code(1), UBSAN),
        run(End::Signal(11), ""),
    ];
    let signal = signature(&memory[2]);
    assert!(memory.iter().all(|run| !signature(run).is_unlike(&signal)));
    let panic = |text: &str| signature(&run(End::Code(101), text));
    let moved = "thread 'main' panicked at src/main.rs:9:1:\nindex out of bounds: the len is 7\n";
    let first = "thread 'main' panicked at src/main.rs:2:5:\nindex out of bounds: the len is 3\n";
    assert_eq!(panic(first), panic(moved));
    assert_ne!(panic(first), panic(NEWER_PANIC));
    let (python, node) = (run(End::Code(1), PYTHON), run(End::Code(1), NODE));
    assert!(signature(&python).is_unlike(&signature(&node)));
    assert!(signature(&python).is_unlike(&signal));
    assert_eq!(signature(&python), Signature::of("KeyError: 'another'"));
}
