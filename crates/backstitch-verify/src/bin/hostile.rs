//! Behaves badly on purpose, for the sandbox's tests: `hostile <way> [argument]…`. Harmless by
//! itself where it is bounded, and started by the tests only under limits where it is not.
#![expect(clippy::print_stdout, reason = "the tests read what was found out")]

use std::error::Error;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use backstitch_verify::sandbox::{
    Cancel, Job, Limits, Mount, Network, Output, Sandbox, enter_if_asked,
};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::{Pid, getppid, setsid};

type Outcome = Result<(), Box<dyn Error>>;

fn main() {
    enter_if_asked();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match behave(&arguments) {
        Ok(()) => println!("done"),
        Err(error) => println!("refused: {error}"),
    }
}

fn behave(arguments: &[&str]) -> Outcome {
    match arguments {
        ["read", path] => print(&fs::read(path)?),
        ["write", path] => Ok(fs::write(path, "planted")?),
        ["connect", address] => connect(address),
        ["abstract", name] => {
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            UnixStream::connect_addr(&address)
                .map(drop)
                .map_err(Into::into)
        }
        ["own-loopback"] => own_loopback(),
        ["socket", family] => open_socket(family),
        ["fork"] => fork_without_end(),
        ["allocate"] => allocate(u64::MAX),
        ["allocate-in", processes, mib] => allocate_in(processes.parse()?, mib),
        ["allocate-and-wait", mib] => {
            allocate(mib.parse()?)?;
            wait();
            Ok(())
        }
        ["fill-one", path] => fill_one(Path::new(path)),
        ["fill-unlinked", path] => fill_unlinked(Path::new(path)),
        ["fill-many", dir] => fill_many(Path::new(dir)),
        ["fill-hidden", dir] => fill_hidden(Path::new(dir)),
        ["fill-nested", dir] => {
            nest(Path::new(dir))?;
            fill_one(Path::new("big"))
        }
        ["nest", dir] => nest(Path::new(dir)),
        ["print"] => loop {
            print(&[b'x'; 4096])?;
        },
        ["hang", ..] => {
            wait();
            Ok(())
        }
        ["burn"] => burn(),
        ["burn-in", processes] => start_and_wait(processes.parse()?, &["burn"]),
        ["daemonise", marker] => {
            start(&["daemon", marker]).map(|()| sleep(Duration::from_millis(50)))
        }
        ["daemon", marker] => {
            setsid()?;
            start(&["hang", marker])
        }
        ["kill-all"] => kill_all(),
        ["mount"] => mount_something(),
        ["unshare"] => Ok(unshare(CloneFlags::CLONE_NEWUSER)?),
        ["become-root"] => Ok(nix::unistd::setresuid(0.into(), 0.into(), 0.into())?),
        ["descriptors"] => list("/proc/self/fd"),
        ["supervise", init, tree, log, marker] => supervise(init, tree, log, marker),
        _ => Err(format!("do not know how to {arguments:?}").into()),
    }
}

fn print(bytes: &[u8]) -> Outcome {
    Ok(std::io::stdout().write_all(bytes)?)
}

fn wait() {
    sleep(Duration::from_secs(120));
}

fn connect(address: &str) -> Outcome {
    let address: SocketAddr = address.parse()?;
    let began = Instant::now();
    let result = TcpStream::connect_timeout(&address, Duration::from_secs(5));
    println!("after {} s", began.elapsed().as_secs());
    Ok(result.map(drop)?)
}

fn own_loopback() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    TcpStream::connect(listener.local_addr()?)?;
    TcpListener::bind("[::1]:0").map(drop).map_err(Into::into)
}

fn open_socket(family: &str) -> Outcome {
    let family = match family {
        "vsock" => AddressFamily::Vsock,
        "packet" => AddressFamily::Packet,
        "unix" => AddressFamily::Unix,
        other => return Err(format!("do not know the family {other}").into()),
    };
    socket(family, SockType::Stream, SockFlag::empty(), None)
        .map(drop)
        .map_err(Into::into)
}

/// Starts this program again, and does not wait for it.
fn start(arguments: &[&str]) -> Outcome {
    Command::new(std::env::current_exe()?)
        .args(arguments)
        .spawn()?;
    Ok(())
}

fn start_and_wait(processes: u32, arguments: &[&str]) -> Outcome {
    for _ in 0..processes {
        start(arguments)?;
    }
    wait();
    Ok(())
}

fn fork_without_end() -> Outcome {
    loop {
        // When there can be no more, those there are go on trying.
        let _refused = start(&["fork"]);
    }
}

/// Touches memory, page by page, as long as it gets any.
fn allocate(mib_max: u64) -> Outcome {
    let mut held = Vec::new();
    for _ in 0..mib_max {
        let mut piece = Vec::new();
        piece.try_reserve_exact(1 << 20)?;
        piece.resize(1 << 20, 1_u8);
        held.push(piece);
    }
    std::hint::black_box(&held);
    std::mem::forget(held);
    Ok(())
}

fn allocate_in(processes: u32, mib: &str) -> Outcome {
    start_and_wait(processes, &["allocate-and-wait", mib])
}

fn fill_one(path: &Path) -> Outcome {
    let mut file = fs::File::create(path)?;
    loop {
        file.write_all(&[1; 1 << 14])?;
    }
}

fn fill_unlinked(path: &Path) -> Outcome {
    let mut file = fs::File::create(path)?;
    fs::remove_file(path)?;
    loop {
        file.write_all(&[1; 1 << 14])?;
    }
}

fn fill_many(dir: &Path) -> Outcome {
    for number in 0_u64.. {
        fs::write(dir.join(number.to_string()), "x")?;
    }
    Ok(())
}

/// Fills a file in a directory that can be entered and written, but not be listed.
fn fill_hidden(dir: &Path) -> Outcome {
    let hidden = dir.join("hidden");
    fs::create_dir(&hidden)?;
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o300))?;
    fill_one(&hidden.join("big"))
}

/// Goes down further than any path can name.
fn nest(dir: &Path) -> Outcome {
    std::env::set_current_dir(dir)?;
    for _ in 0..3000 {
        fs::create_dir("deep")?;
        std::env::set_current_dir("deep")?;
    }
    Ok(())
}

fn burn() -> Outcome {
    let mut number = 0_u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

fn kill_all() -> Outcome {
    let _refused = kill(getppid(), Signal::SIGKILL);
    let _refused = kill(Pid::from_raw(1), Signal::SIGKILL);
    // Everything but process 1 and the caller.
    Ok(kill(Pid::from_raw(-1), Signal::SIGKILL)?)
}

fn mount_something() -> Outcome {
    Ok(nix::mount::mount(
        Some("none"),
        "/tmp",
        Some("tmpfs"),
        nix::mount::MsFlags::empty(),
        None::<&str>,
    )?)
}

fn list(dir: &str) -> Outcome {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        println!("{} -> {}", path.display(), fs::read_link(&path)?.display());
    }
    Ok(())
}

/// Runs a job that hangs, so that a test can kill the process that supervises it.
fn supervise(init: &str, tree: &str, log: &str, marker: &str) -> Outcome {
    let program = std::env::current_exe()?;
    let job = Job {
        argv: vec![program.clone().into(), "hang".into(), marker.into()],
        env: Vec::new(),
        cwd: tree.into(),
        mounts: vec![Mount::read_write(tree), Mount::read_only(program)],
        network: Network::Loopback,
        limits: Limits::default(),
        output: Output::Merged { log: log.into() },
    };
    let sandbox = match init.strip_prefix("unconfined:") {
        Some(init) => Sandbox::unconfined(init.into()),
        None => Sandbox::new(init.into()),
    };
    let ran = sandbox.run(&job, &Cancel::default(), &mut |_, _| {})?;
    println!("{:?}", ran.exit);
    Ok(())
}
