//! Shows that the size limit does not stop a large repetition of an expression that matches nothing.
//! Repeats the argument few and many times under one limit and compares how the cost grows. Cost is
//! this thread's processor time, so that a busy machine does not matter.

use regex::RegexBuilder;

const SIZE_LIMIT_BYTES: usize = 1 << 20;
const FEW: u32 = 62_500;
const MANY: u32 = 16 * FEW;
/// The kernel counts in ticks, so that many of them are counted.
const ENOUGH_NS: u64 = 50_000_000;
const BUILDS_MAX: u64 = 1 << 16;
const ROUNDS: usize = 3;
/// A cost that follows the count grows sixteenfold, one that does not hardly at all. In between
/// nothing is said.
const FLAT_MAX: u64 = 3;
const GROWING_MIN: u64 = 6;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn unclear(why: &str) -> ! {
    println!("cannot tell: {why}");
    std::process::exit(3)
}

/// The time for which this thread has run, in nanoseconds.
fn spent_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = text.split(' ').next().and_then(|word| word.parse().ok());
    spent.unwrap_or_else(|| unclear("the kernel does not count this thread's processor time"))
}

fn compiles(pattern: &str) -> bool {
    RegexBuilder::new(pattern)
        .size_limit(SIZE_LIMIT_BYTES)
        .build()
        .is_ok()
}

/// What one build costs, or nothing where the expression is refused.
fn round_ns(pattern: &str) -> Option<u64> {
    let mut builds = 1;
    loop {
        let start = spent_ns();
        if !(0..builds).all(|_| compiles(pattern)) {
            return None;
        }
        let spent = spent_ns() - start;
        if spent >= ENOUGH_NS || builds >= BUILDS_MAX {
            return Some(spent / builds);
        }
        builds *= 2;
    }
}

/// The least cost of several rounds.
fn cost_ns(expression: &str, count: u32) -> Option<u64> {
    let pattern = format!("(?:{expression}){{{count}}}");
    (0..ROUNDS).map(|_| round_ns(&pattern)).min().flatten()
}

fn main() {
    assert!(compiles("(?:a){10}"));
    assert!(!compiles(&format!("(?:a){{{MANY}}}")));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let expression = argument.to_string_lossy();
    let (Some(few), Some(many)) = (cost_ns(&expression, FEW), cost_ns(&expression, MANY)) else {
        println!("refused");
        end(false)
    };
    println!("{FEW} times: {few} ns, {MANY} times: {many} ns");
    match many / few.max(1) {
        ..FLAT_MAX => end(false),
        GROWING_MIN.. => end(true),
        _ => unclear("the cost neither follows the count nor stays as it is"),
    }
}
