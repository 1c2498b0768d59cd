//! Shows that tags within tags use up the stack.
//! A child process reads a number within many tags; the argument is the tag.

use serde_cbor::Value;
use std::ffi::OsStr;
use std::process::{exit, Command};
use std::thread;

const CHILD: &str = "REPRODUCER_CHILD";
const STACK_BYTES: usize = 2 * 1024 * 1024;
const DEPTH: usize = 100_000;
const TAG_MAX: u8 = 23;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

/// Runs this program again as a child and looks at how it ended.
fn child_overflows(argument: &OsStr) -> bool {
    let program = std::env::current_exe().expect("the program has a path");
    let output = Command::new(program)
        .arg(argument)
        .env(CHILD, "1")
        .output()
        .expect("a child starts");
    println!("child: {}", output.status);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let overflowed = stderr.contains("overflowed its stack");
    if !overflowed && !output.status.success() {
        exit(1);
    }
    overflowed
}

/// The same stack everywhere, whatever the limits of the machine.
fn with_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    let ended = thread.expect("a thread starts").join();
    exit(if ended.is_ok() { 0 } else { 1 });
}

fn main() {
    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let tag = argument.to_string_lossy().parse::<u8>();
    let Some(tag) = tag.ok().filter(|tag| *tag <= TAG_MAX) else {
        end(false)
    };
    let tag = 0xc0 | tag;
    if std::env::var_os(CHILD).is_some() {
        let mut bytes = vec![tag; DEPTH];
        bytes.push(7);
        with_small_stack(move || {
            let _ = serde_cbor::from_slice::<Value>(&bytes);
        });
    }

    assert!(serde_cbor::from_slice::<Value>(&[tag, 7]).is_ok());
    assert!(serde_cbor::from_slice::<Value>(&[tag]).is_err());
    end(child_overflows(&argument))
}
