//! Shows that nested comments in an RFC 2822 date use up the stack.
//! Repeats the argument before a date and has a child process parse it, then reads how that ended.

use std::process::{exit, Command};
use time::format_description::well_known::Rfc2822;
use time::OffsetDateTime;

const CHILD: &str = "REPRODUCER_CHILD";
const REPEATS: usize = 20_000;
const STACK_BYTES: usize = 1024 * 1024;
const DATE: &str = "Sat, 02 Jan 2021 03:04:05 +0000";

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    exit(if present { 42 } else { 0 })
}

fn parse_in_thread(text: String) {
    let parse = move || OffsetDateTime::parse(&text, &Rfc2822).is_ok();
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(parse);
    let parsed = thread.expect("a thread starts").join();
    println!("parsed: {parsed:?}");
}

fn main() {
    let argument = std::env::args_os().nth(1).unwrap_or_default();
    if std::env::var_os(CHILD).is_some() {
        let opening = argument.to_string_lossy();
        let nested = opening.repeat(REPEATS);
        // Older releases allow a comment behind the day of the week only.
        parse_in_thread(DATE.replace(", ", &format!(", {nested}")));
        parse_in_thread(nested + DATE);
        exit(0);
    }

    assert!(OffsetDateTime::parse(DATE, &Rfc2822).is_ok());
    assert!(OffsetDateTime::parse("no date", &Rfc2822).is_err());

    let program = std::env::current_exe().expect("the program has a path");
    let output = Command::new(program)
        .arg(&argument)
        .env(CHILD, "1")
        .output()
        .expect("a child starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    println!("child: {}", output.status);
    if stderr.contains("overflowed its stack") {
        end(true);
    }
    if !output.status.success() {
        exit(1);
    }
    end(false)
}
