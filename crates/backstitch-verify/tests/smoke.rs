//! What every job may rely on.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says why it fails or was skipped"
)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use backstitch_verify::sandbox::{
    Access, Cancel, Exit, Mount, Network, Output, Resource, Sandbox, SandboxError, Stream,
};
use common::{Bench, HOSTILE, INIT, read};

#[test]
fn a_job_runs_and_its_exit_code_comes_back() {
    let Some(bench) = Bench::new() else { return };
    let (exit, printed) = bench.run(&bench.shell("echo hello; echo there >&2; exit 7"));
    assert_eq!((exit, printed.as_str()), (Exit::Code(7), "hello\nthere\n"));
    let mode = std::fs::metadata(bench.log()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_signal_that_ended_the_job_comes_back() {
    let Some(bench) = Bench::new() else { return };
    assert_eq!(
        bench.run(&bench.shell("kill -SEGV $$")).0,
        Exit::Signal(libc::SIGSEGV)
    );
}

#[test]
fn a_job_finds_what_builds_need() {
    let Some(bench) = Bench::new() else { return };
    let script = "set -e; pwd; echo $HOME $USER; id -un; hostname; \
        echo a > ~/a; echo b > /tmp/b; echo c > /dev/shm/c; echo d > d; echo e > /dev/null; \
        cat ~/a /tmp/b /dev/shm/c d; readlink -e /dev/fd/1 > /dev/null; test -c /dev/ptmx; \
        test -r /proc/cpuinfo; echo f > /proc/self/comm; cat < /dev/stdin";
    let (exit, printed) = bench.run(&bench.shell(script));
    let tree = bench.tree.display();
    assert_eq!(
        printed,
        format!("{tree}\n/home/job job\njob\nsandbox\na\nb\nc\nd\n")
    );
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(read(&bench.tree.join("d")), "d\n");
}

#[test]
fn a_program_that_is_not_there_is_an_error_that_names_it() {
    let Some(bench) = Bench::new() else { return };
    for program in ["no-such-program", "/no/such/program"] {
        let error = bench.try_run(&bench.job(&[program])).unwrap_err();
        assert!(matches!(error, SandboxError::Execute { .. }), "{error}");
        assert!(error.to_string().contains(program), "{error}");
    }
}

#[test]
fn what_cannot_be_mounted_or_entered_is_an_error_that_names_it() {
    let Some(bench) = Bench::new() else { return };
    let mut job = bench.shell("true");
    job.mounts.push(Mount::read_only("/no/such/directory"));
    let error = bench.try_run(&job).unwrap_err().to_string();
    assert!(error.contains("`/no/such/directory`"), "{error}");
    let mut job = bench.shell("true");
    job.cwd = "/nowhere".into();
    let error = bench.try_run(&job).unwrap_err().to_string();
    assert!(error.contains("`/nowhere`"), "{error}");
}

#[test]
fn the_program_is_looked_up_in_the_jobs_own_path() {
    let Some(bench) = Bench::new() else { return };
    let dir = std::path::Path::new(HOSTILE).parent().unwrap();
    let mut job = bench.job(&["hostile", "own-loopback"]);
    job.env.push(("PATH".into(), dir.into()));
    assert_eq!(bench.run(&job).1, "done\n");
}

#[test]
fn an_overlay_keeps_changes_apart() {
    let Some(bench) = Bench::new() else { return };
    assert!(bench.sandbox.overlay_supported(bench.dir.path()).unwrap());
    let layers = bench.dir.path().join("odd, name: of\\layers");
    let [top, bottom, upper, work] = ["top", "bottom", "upper", "work"].map(|name| {
        std::fs::create_dir_all(layers.join(name)).unwrap();
        layers.join(name)
    });
    std::fs::write(top.join("one"), "top").unwrap();
    for name in ["one", "two", "three"] {
        std::fs::write(bottom.join(name), "bottom").unwrap();
    }
    bench.sandbox.own(&layers).unwrap();
    let mut job =
        bench.shell("cd /tree && cat one two && echo changed > two && rm one three && ls");
    job.mounts.push(Mount {
        host: top.clone(),
        inside: "/tree".into(),
        access: Access::Overlay {
            lower: vec![bottom.clone()],
            upper: upper.clone(),
            work,
        },
    });
    let (exit, printed) = bench.run(&job);
    assert_eq!((exit, printed.as_str()), (Exit::Code(0), "topbottomtwo\n"));
    assert_eq!(
        (read(&top.join("one")), read(&bottom.join("two"))),
        ("top".into(), "bottom".into())
    );
    assert_eq!(read(&upper.join("two")), "changed\n");
    // Whoever goes on with what was left takes it over once more, the marks of removed files too.
    bench.sandbox.own(&layers).unwrap();
    bench.sandbox.discard(&layers).unwrap();
    assert!(!layers.exists());
}

#[test]
fn a_mount_inside_another_is_seen_whichever_comes_first() {
    let Some(bench) = Bench::new() else { return };
    let inner = bench.dir.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("file"), "inner").unwrap();
    let mut job = bench.shell("cat deep/er/file; cat ~/cache/file; echo x > ~/beside && ls ~");
    job.mounts.insert(
        0,
        Mount {
            host: inner.clone(),
            ..Mount::read_only(bench.tree.join("deep/er"))
        },
    );
    job.mounts.push(Mount {
        host: inner,
        ..Mount::read_only("/home/job/cache")
    });
    let (exit, printed) = bench.run(&job);
    assert_eq!(
        (exit, printed.as_str()),
        (Exit::Code(0), "innerinnerbeside\ncache\n")
    );
}

#[test]
fn split_output_keeps_the_streams_apart_and_shows_them_live() {
    let Some(bench) = Bench::new() else { return };
    let [stdout, stderr] = ["out", "error"].map(|name| bench.dir.path().join(name));
    let mut job = bench.shell("echo one; echo two >&2");
    job.output = Output::Split {
        stdout: stdout.clone(),
        stderr: stderr.clone(),
    };
    let mut seen = Vec::new();
    let ran = bench
        .sandbox
        .run(&job, &Cancel::default(), &mut |stream, bytes| {
            seen.push((stream, bytes.to_vec()));
        })
        .unwrap();
    assert_eq!(
        (read(&stdout), read(&stderr)),
        ("one\n".into(), "two\n".into())
    );
    assert!(
        seen.contains(&(Stream::Stdout, b"one\n".to_vec())),
        "{seen:?}"
    );
    assert!(
        seen.contains(&(Stream::Stderr, b"two\n".to_vec())),
        "{seen:?}"
    );
    assert_eq!((ran.output_bytes, ran.truncated), (8, false));
}

#[test]
fn a_cancelled_job_stops_soon() {
    let Some(bench) = Bench::new() else { return };
    let (cancel, began) = (Cancel::default(), Instant::now());
    let later = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        later.cancel();
    });
    let job = bench.hostile(&["hang"]);
    let ran = bench.sandbox.run(&job, &cancel, &mut |_, _| {}).unwrap();
    assert_eq!(ran.exit, Exit::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn the_hosts_network_is_there_when_asked_for() {
    let Some(bench) = Bench::new() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut job = bench.hostile(&["connect", &address]);
    job.network = Network::Host;
    assert!(bench.run(&job).1.ends_with("done\n"));
}

#[test]
fn without_walls_a_job_runs_in_place_under_the_same_limits() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    bench.sandbox = Sandbox::unconfined(INIT.into());
    bench.sandbox.probe().unwrap();
    let (exit, printed) = bench.run(&bench.shell("pwd; echo x > made; exit 3"));
    assert_eq!(
        (exit, printed),
        (Exit::Code(3), format!("{}\n", bench.tree.display()))
    );
    assert!(bench.tree.join("made").exists());
    let mut job = bench.hostile(&["hang"]);
    job.limits.wall_s = 1;
    assert_eq!(bench.run(&job).0, Exit::TimedOut);
    let (exit, _) = bench.run(&bench.hostile(&["print"]));
    assert_eq!(exit, Exit::OverLimit(Resource::Output));
    let (exit, _) = bench.run(&bench.hostile(&["allocate-in", "12", "40"]));
    assert_eq!(exit, Exit::OverLimit(Resource::Memory));
}

#[test]
fn a_wrong_init_program_is_an_error_and_no_hang() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    bench.sandbox = Sandbox::new("/bin/true".into());
    assert!(bench.try_run(&bench.shell("true")).is_err());
    assert!(bench.sandbox.probe().is_err());
    bench.sandbox = Sandbox::new("/no/such/init".into());
    assert!(matches!(
        bench.try_run(&bench.shell("true")),
        Err(SandboxError::Start { .. })
    ));
}

#[test]
fn nothing_is_left_of_a_job() {
    let Some(bench) = Bench::new() else { return };
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    for _ in 0..3 {
        bench.run(&bench.shell("sleep 100 & true"));
    }
    assert_eq!(mounts(), before);
    let entries = std::fs::read_dir(bench.dir.path()).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["log", "tree"]);
}

/// Prints what one job costs; run with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn the_overhead_of_a_job_is_some_milliseconds() {
    let Some(bench) = Bench::new() else { return };
    for sandbox in [Sandbox::new(INIT.into()), Sandbox::unconfined(INIT.into())] {
        let mut times: Vec<_> = (0..100)
            .map(|_| {
                let ran = sandbox.run(
                    &bench.job(&["/bin/true"]),
                    &Cancel::default(),
                    &mut |_, _| {},
                );
                ran.unwrap().elapsed
            })
            .collect();
        times.sort();
        println!(
            "confined: {}; median {:?}, worst {:?}",
            sandbox.is_confined(),
            times[50],
            times[99]
        );
    }
}
