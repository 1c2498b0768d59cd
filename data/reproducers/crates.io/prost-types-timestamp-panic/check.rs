//! Shows that turning a time stamp into a system time panics instead of failing.
//! The argument is the number of seconds; the nanoseconds carry over into two more.

use prost_types::Timestamp;
use std::convert::TryFrom;
use std::panic::catch_unwind;
use std::time::{Duration, SystemTime};

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn main() {
    let ordinary = Timestamp {
        seconds: 7,
        nanos: 5,
    };
    let expected = SystemTime::UNIX_EPOCH + Duration::new(7, 5);
    assert_eq!(SystemTime::try_from(ordinary).ok(), Some(expected));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let Ok(seconds) = argument.to_string_lossy().parse::<i64>() else {
        end(false)
    };
    // The smallest times overflow elsewhere, which is not this flaw.
    if seconds < 0 {
        end(false);
    }
    let nanos = i32::MAX;
    let converted = catch_unwind(|| SystemTime::try_from(Timestamp { seconds, nanos }).is_ok());
    println!("converted: {converted:?}");
    end(converted.is_err())
}
