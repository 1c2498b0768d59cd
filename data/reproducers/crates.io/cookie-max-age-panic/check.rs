//! Shows that a very large age makes the reader of a cookie panic.
//! The argument is the value of Max-Age.

use cookie::Cookie;
use std::panic::catch_unwind;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn main() {
    let ordinary = Cookie::parse("name=value; Max-Age=60").expect("an ordinary cookie is read");
    assert_eq!(ordinary.value(), "value");
    assert!(ordinary.max_age().is_some());

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let text = format!("name=value; Max-Age={}", argument.to_string_lossy());
    let read = catch_unwind(|| Cookie::parse(text).is_ok());
    println!("read: {read:?}");
    end(read.is_err())
}
