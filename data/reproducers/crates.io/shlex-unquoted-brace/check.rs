//! Shows that `quote` leaves `{` and the no-break space bare, which a shell may split or expand.
//! Quotes the argument and looks whether it came back as it was. No shell is started.

#![allow(deprecated)]

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn main() {
    assert_eq!(shlex::quote("plain"), "plain");
    let quoted = shlex::quote("two words");
    assert_ne!(quoted, "two words");
    assert_eq!(shlex::split(&quoted), Some(vec![String::from("two words")]));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let word = argument.to_string_lossy();
    let quoted = shlex::quote(&word);
    println!("{word:?} became {quoted:?}");
    end(word.contains(['{', '\u{a0}']) && quoted == word)
}
