//! What a hostile project tries, and what comes of it. Every test here starts a program that
//! does its worst, in a sandbox with small limits.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says why it fails or was skipped"
)]

mod common;

use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use backstitch_verify::sandbox::{Cancel, Exit, Mount, Resource};
use common::{Bench, HOSTILE, INIT, read};

/// Waits until a condition holds; false if it does not within some seconds.
fn soon(mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        if holds() {
            return true;
        }
        sleep(Duration::from_millis(10));
    }
    false
}

/// A word that is in no other process's command line.
fn marker(name: &str) -> String {
    format!("marker-{name}-{}", std::process::id())
}

/// The processes, of the whole machine, that have the word as their last argument.
fn processes_with(marker: &str) -> usize {
    let ends = |path: &Path| {
        let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
        let mut arguments = line
            .split(|&byte| byte == 0)
            .filter(|argument| !argument.is_empty());
        let hangs = arguments.any(|argument| argument == b"hang");
        hangs && arguments.next() == Some(marker.as_bytes())
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| ends(&entry.path()))
        .count()
}

#[test]
fn a_file_of_the_host_that_was_not_listed_is_not_there() {
    let Some(bench) = Bench::new() else { return };
    let secret = bench.dir.path().join("secret");
    std::fs::write(&secret, "hunter2").unwrap();
    // World-readable on purpose: it must be out of sight, not merely out of permission.
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (_, printed) = bench.run(&bench.hostile(&["read", secret.to_str().unwrap()]));
    assert!(printed.contains("No such file"), "{printed}");
}

#[test]
fn the_users_home_and_the_machines_secrets_are_not_there() {
    let Some(bench) = Bench::new() else { return };
    let home = std::env::var("HOME").unwrap();
    let script = format!(
        "ls -A ~ {home} /root /home /etc/shadow /etc/ssh /var /sys /run /boot; ls -A /home/*"
    );
    let (_, printed) = bench.run(&bench.shell(&script));
    let there: Vec<_> = printed
        .lines()
        .filter(|line| !line.is_empty() && !line.contains("No such file") && !line.ends_with(':'))
        .collect();
    assert_eq!(there, ["job"], "{printed}");
}

#[test]
fn the_environment_holds_nothing_of_the_hosts() {
    let Some(bench) = Bench::new() else { return };
    // The test runner sets CARGO variables; they stand for any secret.
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
    let mut job = bench.job(&["/usr/bin/env"]);
    job.env.push(("GIVEN".into(), "yes".into()));
    let (_, printed) = bench.run(&job);
    let mut names: Vec<_> = printed
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["GIVEN", "HOME", "LANG", "PATH", "TERM", "TMPDIR", "USER"]
    );
}

#[test]
fn no_descriptor_is_inherited() {
    let Some(bench) = Bench::new() else { return };
    let log = std::fs::File::create(bench.dir.path().join("leak")).unwrap();
    // Unlike what the standard library opens, a duplicate is passed on to other programs.
    let _leak = nix::unistd::dup(&log).unwrap();
    let (_, printed) = bench.run(&bench.hostile(&["descriptors"]));
    // Descriptor 3 is the listing's own.
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 5, "{printed}");
    assert_eq!(lines[0], "/proc/self/fd/0 -> /dev/null");
    assert!(
        lines[1].contains("pipe:") && lines[2].contains("pipe:"),
        "{printed}"
    );
    assert!(lines[3].ends_with("/fd") && lines[4] == "done", "{printed}");
}

#[test]
fn the_job_is_an_ordinary_user_without_any_capability() {
    let Some(bench) = Bench::new() else { return };
    let (_, printed) = bench.run(&bench.shell("cat /proc/self/status"));
    let field = |name: &str| {
        let line = printed
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(field("Uid:"), "1000 1000 1000 1000");
    assert_eq!(field("Gid:"), "1000 1000 1000 1000");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!(
        (field("NoNewPrivs:"), field("Seccomp:")),
        ("1".into(), "2".into())
    );
}

#[test]
fn the_job_cannot_become_root_or_make_namespaces_or_mounts() {
    let Some(bench) = Bench::new() else { return };
    for way in ["become-root", "unshare", "mount"] {
        let (_, printed) = bench.run(&bench.hostile(&[way]));
        // Where Backstitch is no root, user 0 does not even exist inside.
        let no_such_user = way == "become-root" && printed.starts_with("refused: EINVAL");
        assert!(
            printed.starts_with("refused: EPERM") || no_such_user,
            "{way}: {printed}"
        );
    }
}

#[test]
fn process_1_keeps_its_environment_and_memory_to_itself() {
    let Some(bench) = Bench::new() else { return };
    for file in ["environ", "mem", "maps", "root"] {
        let (_, printed) = bench.run(&bench.hostile(&["read", &format!("/proc/1/{file}")]));
        assert!(printed.contains("Permission denied"), "{file}: {printed}");
    }
}

#[test]
fn a_server_on_the_hosts_loopback_is_out_of_reach() {
    let Some(bench) = Bench::new() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (_, printed) = bench.run(&bench.hostile(&["connect", &address.to_string()]));
    assert!(printed.contains("refused: Connection refused"), "{printed}");
    assert!(listener.accept().is_err(), "the sandbox reached the host");
    // The server was there to be reached.
    TcpStream::connect(address).unwrap();
    assert!(soon(|| listener.accept().is_ok()));
}

#[test]
fn the_outside_is_out_of_reach_at_once() {
    let Some(bench) = Bench::new() else { return };
    let (_, printed) = bench.run(&bench.hostile(&["connect", "192.0.2.1:80"]));
    assert!(
        printed.contains("after 0 s\nrefused: Network is unreachable"),
        "{printed}"
    );
}

#[test]
fn the_jobs_own_loopback_works() {
    let Some(bench) = Bench::new() else { return };
    let (_, printed) = bench.run(&bench.hostile(&["own-loopback"]));
    assert_eq!(printed, "done\n");
}

#[test]
fn an_abstract_socket_of_the_host_is_out_of_reach() {
    let Some(bench) = Bench::new() else { return };
    let name = marker("abstract");
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let mut job = bench.hostile(&["abstract", &name]);
    let (_, printed) = bench.run(&job);
    assert!(printed.contains("refused: Connection refused"), "{printed}");
    // With the host's network only Landlock stands there, and not on every kernel.
    job.network = backstitch_verify::sandbox::Network::Host;
    let (_, printed) = bench.run(&job);
    if !printed.contains("refused: Operation not permitted") {
        eprintln!("LANDLOCK DOES NOT HOLD BACK ABSTRACT SOCKETS HERE: {printed}");
    }
    UnixStream::connect_addr(&address).unwrap();
}

#[test]
fn sockets_to_the_machine_below_are_refused() {
    let Some(bench) = Bench::new() else { return };
    for family in ["vsock", "packet"] {
        let (_, printed) = bench.run(&bench.hostile(&["socket", family]));
        assert!(
            printed.starts_with("refused: EAFNOSUPPORT"),
            "{family}: {printed}"
        );
    }
    assert_eq!(bench.run(&bench.hostile(&["socket", "unix"])).1, "done\n");
}

#[test]
fn forking_without_end_is_ended() {
    let Some(bench) = Bench::new() else { return };
    let (exit, _) = bench.run(&bench.hostile(&["fork"]));
    assert_eq!(exit, Exit::OverLimit(Resource::Processes));
}

#[test]
fn one_process_gets_no_more_memory_than_allowed() {
    let Some(bench) = Bench::new() else { return };
    let mut job = bench.hostile(&["allocate"]);
    job.limits.data_bytes_max = 128 << 20;
    let ran = bench.try_run(&job).unwrap();
    assert_eq!(ran.exit, Exit::Code(0));
    assert!(read(&bench.log()).contains("refused: memory allocation failed"));
    assert!(ran.memory_bytes_max < 160 << 20, "{}", ran.memory_bytes_max);
}

#[test]
fn many_processes_get_no_more_memory_than_allowed_together() {
    let Some(bench) = Bench::new() else { return };
    let (exit, _) = bench.run(&bench.hostile(&["allocate-in", "12", "40"]));
    assert_eq!(exit, Exit::OverLimit(Resource::Memory));
}

#[test]
fn the_directories_in_memory_are_bounded() {
    let Some(bench) = Bench::new() else { return };
    for path in ["/tmp/big", "/dev/shm/big", "/home/job/big"] {
        let (exit, printed) = bench.run(&bench.hostile(&["fill-one", path]));
        assert_eq!(exit, Exit::Code(0));
        assert!(printed.contains("No space left"), "{path}: {printed}");
    }
    let (_, printed) = bench.run(&bench.hostile(&["fill-many", "/tmp"]));
    assert!(printed.contains("No space left"), "{printed}");
}

#[test]
fn one_large_file_is_cut_off() {
    let Some(bench) = Bench::new() else { return };
    let mut job = bench.hostile(&["fill-one", bench.tree.join("big").to_str().unwrap()]);
    job.limits.file_bytes_max = 8 << 20;
    let (exit, _) = bench.run(&job);
    assert_eq!(exit, Exit::OverLimit(Resource::FileSize));
    assert_eq!(
        std::fs::metadata(bench.tree.join("big")).unwrap().len(),
        8 << 20
    );
}

#[test]
fn filling_the_disk_is_ended_in_whichever_way() {
    let Some(bench) = Bench::new() else { return };
    for (way, name) in [
        ("fill-one", "big"),
        ("fill-unlinked", "gone"),
        ("fill-many", ""),
        ("fill-hidden", ""),
        ("fill-nested", ""),
    ] {
        let mut job = bench.hostile(&[way, bench.tree.join(name).to_str().unwrap()]);
        job.limits.file_bytes_max = 8 << 30;
        job.limits.disk_bytes_max = 32 << 20;
        let (exit, printed) = bench.run(&job);
        assert_eq!(exit, Exit::OverLimit(Resource::Disk), "{way}: {printed}");
        bench.sandbox.discard(&bench.tree).unwrap();
        std::fs::create_dir(&bench.tree).unwrap();
        bench.sandbox.own(&bench.tree).unwrap();
    }
}

#[test]
fn a_tree_that_is_deeper_than_any_path_is_removed_and_given_away_like_another() {
    let Some(bench) = Bench::new() else { return };
    let (_, printed) = bench.run(&bench.hostile(&["nest", bench.tree.to_str().unwrap()]));
    assert_eq!(printed, "done\n");
    bench.sandbox.own(&bench.tree).unwrap();
    assert_eq!(bench.run(&bench.shell("ls")).1, "deep\n");
    bench.sandbox.discard(&bench.tree).unwrap();
    assert!(!bench.tree.exists());
}

#[test]
fn removing_a_tree_leaves_alone_what_its_links_lead_to() {
    let Some(bench) = Bench::new() else { return };
    let precious = bench.dir.path().join("precious");
    std::fs::create_dir(&precious).unwrap();
    std::fs::write(precious.join("file"), "kept").unwrap();
    let shut = bench.tree.join("a/b");
    std::fs::create_dir_all(&shut).unwrap();
    std::os::unix::fs::symlink(&precious, shut.join("link")).unwrap();
    std::fs::set_permissions(&shut, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    bench.sandbox.discard(&bench.tree).unwrap();
    assert!(!bench.tree.exists());
    let link = bench.dir.path().join("link");
    std::os::unix::fs::symlink(&precious, &link).unwrap();
    bench.sandbox.discard(&link).unwrap();
    assert!(!link.is_symlink());
    assert_eq!(read(&precious.join("file")), "kept");
}

#[test]
fn a_job_cancelled_before_it_begins_is_cancelled_and_nothing_else() {
    let Some(bench) = Bench::new() else { return };
    let cancel = Cancel::default();
    cancel.cancel();
    let ran = bench
        .sandbox
        .run(&bench.shell("true"), &cancel, &mut |_, _| {});
    assert_eq!(ran.unwrap().exit, Exit::Cancelled);
}

#[test]
fn printing_without_end_is_ended() {
    let Some(bench) = Bench::new() else { return };
    let ran = bench.try_run(&bench.hostile(&["print"])).unwrap();
    assert_eq!(
        (ran.exit, ran.truncated),
        (Exit::OverLimit(Resource::Output), true)
    );
    assert_eq!(read(&bench.log()).len(), 1 << 20);
}

#[test]
fn hanging_is_ended() {
    let Some(bench) = Bench::new() else { return };
    let mut job = bench.hostile(&["hang"]);
    job.limits.wall_s = 1;
    let ran = bench.try_run(&job).unwrap();
    assert_eq!(ran.exit, Exit::TimedOut);
    assert!(ran.elapsed < Duration::from_secs(20), "{:?}", ran.elapsed);
}

#[test]
fn burning_the_processor_is_ended_in_one_process_or_many() {
    let Some(bench) = Bench::new() else { return };
    for arguments in [&["burn"][..], &["burn-in", "4"]] {
        let mut job = bench.hostile(arguments);
        job.limits.cpu_s = 1;
        let ran = bench.try_run(&job).unwrap();
        assert_eq!(ran.exit, Exit::OverLimit(Resource::Cpu));
    }
}

#[test]
fn a_daemon_does_not_outlive_its_job() {
    let Some(bench) = Bench::new() else { return };
    let marker = marker("daemon");
    let (exit, printed) = bench.run(&bench.hostile(&["daemonise", &marker]));
    assert_eq!((exit, printed.as_str()), (Exit::Code(0), "done\ndone\n"));
    assert_eq!(processes_with(&marker), 0);
}

#[test]
fn killing_everything_in_sight_hits_only_the_job() {
    let Some(bench) = Bench::new() else { return };
    let mut bystander = Command::new("/bin/sleep").arg("60").spawn().unwrap();
    let script = format!("{HOSTILE} kill-all; echo not reached");
    let (exit, printed) = bench.run(&bench.shell(&script));
    assert_eq!(exit, Exit::Signal(9));
    assert!(!printed.contains("not reached"), "{printed}");
    assert!(
        bystander.try_wait().unwrap().is_none(),
        "a process of the host was hit"
    );
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[test]
fn writing_through_a_symbolic_link_stays_inside() {
    let Some(bench) = Bench::new() else { return };
    let target = bench.dir.path().join("target");
    std::fs::write(&target, "untouched").unwrap();
    std::fs::set_permissions(&target, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    std::os::unix::fs::symlink(&target, bench.tree.join("link")).unwrap();
    bench.run(&bench.hostile(&["write", bench.tree.join("link").to_str().unwrap()]));
    assert_eq!(read(&target), "untouched");
}

#[test]
fn what_is_mounted_for_reading_cannot_be_written() {
    let Some(bench) = Bench::new() else { return };
    let read_only = bench.dir.path().join("read-only");
    std::fs::create_dir(&read_only).unwrap();
    bench.sandbox.own(&read_only).unwrap();
    let mut job = bench.hostile(&["write", read_only.join("file").to_str().unwrap()]);
    job.mounts.push(Mount::read_only(&read_only));
    let (_, printed) = bench.run(&job);
    assert!(printed.contains("Read-only file system"), "{printed}");
    for path in ["/file", "/etc/file", "/usr/file", "/etc/hosts"] {
        let (_, printed) = bench.run(&bench.hostile(&["write", path]));
        assert!(printed.starts_with("refused"), "{path}: {printed}");
    }
}

#[test]
fn a_symbolic_link_cannot_be_mounted_or_mounted_on() {
    let Some(bench) = Bench::new() else { return };
    let link = bench.tree.join("link");
    std::os::unix::fs::symlink("/usr", &link).unwrap();
    let mut from = bench.shell("true");
    from.mounts.push(Mount {
        inside: "/elsewhere".into(),
        ..Mount::read_only(&link)
    });
    let mut onto = bench.shell("true");
    onto.mounts.push(Mount {
        host: "/usr/share".into(),
        ..Mount::read_only(&link)
    });
    let mut through = bench.shell("true");
    through.mounts.push(Mount {
        host: "/usr/share".into(),
        ..Mount::read_only(link.join("new"))
    });
    for job in [from, onto, through] {
        assert!(bench.try_run(&job).is_err());
    }
}

#[test]
fn a_tree_with_a_hard_link_to_elsewhere_is_not_given_away() {
    let Some(bench) = Bench::new() else { return };
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let precious = bench.dir.path().join("precious");
    std::fs::write(&precious, "").unwrap();
    std::fs::hard_link(&precious, bench.tree.join("name")).unwrap();
    assert!(bench.sandbox.own(&bench.tree).is_err());
    assert_eq!(
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&precious).unwrap()),
        0
    );
}

fn nothing_outlives_a_killed_backstitch(init: &str) {
    let Some(bench) = Bench::new() else { return };
    let marker = marker(if init == INIT {
        "orphan"
    } else {
        "open-orphan"
    });
    let mut supervisor = Command::new(HOSTILE)
        .args(["supervise", init])
        .args([bench.tree.as_path(), &bench.log()])
        .arg(&marker)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(
        soon(|| processes_with(&marker) == 1),
        "the job did not start"
    );
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    assert!(
        soon(|| processes_with(&marker) == 0),
        "the job outlived Backstitch"
    );
}

#[test]
fn nothing_outlives_a_backstitch_that_was_killed() {
    nothing_outlives_a_killed_backstitch(INIT);
}

#[test]
fn nothing_outlives_a_backstitch_that_was_killed_without_walls_either() {
    nothing_outlives_a_killed_backstitch(&format!("unconfined:{INIT}"));
}
