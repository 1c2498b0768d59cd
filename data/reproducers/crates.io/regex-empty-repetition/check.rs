//! Shows that the size limit does not stop a large repetition of an expression that matches nothing.
//! Repeats the argument few and many times under one limit and compares how the cost grows.

use regex::RegexBuilder;
use std::time::{Duration, Instant};

const SIZE_LIMIT_BYTES: usize = 1 << 20;
const FEW: usize = 100;
const MANY: usize = 200_000;
const ATTEMPTS: usize = 5;
/// The counts differ by a factor of 2000; a cost that does not follow them stays far below this.
const GROWTH: u32 = 40;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn compiles(pattern: &str) -> bool {
    RegexBuilder::new(pattern)
        .size_limit(SIZE_LIMIT_BYTES)
        .build()
        .is_ok()
}

/// The least cost of several attempts, or nothing where the expression is refused.
fn cost(expression: &str, count: usize) -> Option<Duration> {
    let pattern = format!("(?:{expression}){{{count}}}");
    (0..ATTEMPTS)
        .map(|_| {
            let start = Instant::now();
            compiles(&pattern).then(|| start.elapsed())
        })
        .min()
        .flatten()
}

fn main() {
    assert!(compiles("(?:a){10}"));
    assert!(!compiles(&format!("(?:a){{{MANY}}}")));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let expression = argument.to_string_lossy();
    let (Some(few), Some(many)) = (cost(&expression, FEW), cost(&expression, MANY)) else {
        println!("refused");
        end(false)
    };
    println!("{FEW} times: {few:?}, {MANY} times: {many:?}");
    end(many > few * GROWTH)
}
