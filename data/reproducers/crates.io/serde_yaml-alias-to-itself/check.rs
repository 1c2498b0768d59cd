//! Shows that an alias inside of what it stands for uses up the stack.
//! A child process reads the document given as argument.

use serde_yaml::Value;
use std::ffi::OsStr;
use std::process::{exit, Command};
use std::thread;

const CHILD: &str = "REPRODUCER_CHILD";
const STACK_BYTES: usize = 2 * 1024 * 1024;

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
    if std::env::var_os(CHILD).is_some() {
        let document = argument.to_string_lossy().into_owned();
        with_small_stack(move || {
            let _ = serde_yaml::from_str::<Value>(&document);
        });
    }

    let ordinary = serde_yaml::from_str::<Value>("[&a 1, *a]").expect("an ordinary alias is read");
    assert_eq!(ordinary[1].as_i64(), Some(1));
    assert!(serde_yaml::from_str::<Value>("[1").is_err());
    end(child_overflows(&argument))
}
