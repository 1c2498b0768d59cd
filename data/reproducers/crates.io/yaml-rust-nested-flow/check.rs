//! Shows that nested collections use up the stack.
//! A child process reads a document that repeats the argument many times.

use std::ffi::OsStr;
use std::process::{exit, Command};
use std::thread;
use yaml_rust::YamlLoader;

const CHILD: &str = "REPRODUCER_CHILD";
const STACK_BYTES: usize = 1024 * 1024;
const REPEATS: usize = 20_000;

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
        let document = argument.to_string_lossy().repeat(REPEATS);
        with_small_stack(move || {
            let _ = YamlLoader::load_from_str(&document);
        });
    }

    let ordinary = YamlLoader::load_from_str("a: [1, 2]").expect("an ordinary document is read");
    assert_eq!(ordinary[0]["a"][1].as_i64(), Some(2));
    assert!(YamlLoader::load_from_str("[1").is_err());
    end(child_overflows(&argument))
}
