//! Shows that `{:p}` of a null `Shared` or `Atomic` follows the pointer.
//! A child process formats null with the tag given as argument, then its end is looked at.

use crossbeam_epoch::{self as epoch, Atomic, Owned, Shared};
use std::mem::MaybeUninit;
use std::process::{exit, Command};

const CHILD: &str = "REPRODUCER_CHILD";
const TAG_MAX: usize = 7;

/// A slice's length stands before its elements, so that following null reads memory.
type Slice = [MaybeUninit<u8>];

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    exit(if present { 42 } else { 0 })
}

fn main() {
    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let tag = argument.to_string_lossy().parse::<usize>();
    let Some(tag) = tag.ok().filter(|tag| *tag <= TAG_MAX) else {
        end(false)
    };
    if std::env::var_os(CHILD).is_some() {
        let null = Shared::<Slice>::null().with_tag(tag);
        println!("{:p}", null);
        println!("{:p}", Atomic::<Slice>::from(null));
        exit(0);
    }

    let guard = epoch::pin();
    let shared = Owned::new(5u32).into_shared(&guard);
    let atomic = Atomic::<u32>::from(shared);
    assert_eq!(format!("{shared:p}"), format!("{atomic:p}"));
    assert_ne!(format!("{shared:p}"), "0x0");

    let program = std::env::current_exe().expect("the program has a path");
    let output = Command::new(program)
        .arg(&argument)
        .env(CHILD, "1")
        .output()
        .expect("a child starts");
    println!("child: {}", output.status);
    // No code means that a signal ended the child.
    match output.status.code() {
        Some(0) => end(false),
        None => end(true),
        Some(_) => exit(1),
    }
}
