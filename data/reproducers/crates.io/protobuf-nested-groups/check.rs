//! Shows that unknown groups within groups use up the stack.
//! A child process parses a message with nested groups of the field given as argument.

use protobuf::well_known_types::empty::Empty;
use protobuf::Message;
use std::ffi::OsStr;
use std::process::{exit, Command};
use std::thread;

const CHILD: &str = "REPRODUCER_CHILD";
const STACK_BYTES: usize = 1024 * 1024;
const DEPTH: usize = 100_000;
const FIELDS: std::ops::RangeInclusive<u8> = 1..=15;

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
    let field = argument.to_string_lossy().parse::<u8>();
    let Some(field) = field.ok().filter(|field| FIELDS.contains(field)) else {
        end(false)
    };
    let (start, stop) = (field << 3 | 3, field << 3 | 4);
    if std::env::var_os(CHILD).is_some() {
        let mut message = vec![start; DEPTH];
        message.resize(2 * DEPTH, stop);
        with_small_stack(move || {
            let _ = Empty::parse_from_bytes(&message);
        });
    }

    assert!(Empty::parse_from_bytes(&[start, stop]).is_ok());
    assert!(Empty::parse_from_bytes(&[start]).is_err());
    end(child_overflows(&argument))
}
