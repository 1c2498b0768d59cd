//! Shows that a hash with a letter that is not ASCII panics instead of being refused.
//! The argument is the hash; the least cost is used for an ordinary one.

use std::panic::catch_unwind;

const COST: u32 = 4;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn main() {
    let ordinary = bcrypt::hash("word", COST).expect("a word can be hashed");
    assert_eq!(bcrypt::verify("word", &ordinary).ok(), Some(true));
    assert_eq!(bcrypt::verify("other", &ordinary).ok(), Some(false));
    assert!(bcrypt::verify("word", "short").is_err());

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let hash = argument.to_string_lossy();
    if hash.is_ascii() {
        end(false);
    }
    let verified = catch_unwind(|| bcrypt::verify("word", &hash).is_ok());
    println!("verified: {verified:?}");
    end(verified.is_err())
}
