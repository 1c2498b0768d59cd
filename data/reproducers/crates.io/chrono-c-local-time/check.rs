//! Shows that local time comes from C's `localtime_r`, which reads the environment without a lock.
//! The program brings a function of that name, so that the linker takes it, and notes a call.

use chrono::{Local, TimeZone, Utc};
use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

static ASKED: AtomicBool = AtomicBool::new(false);

/// The fields of C's broken-down time, in the order that Linux has.
#[repr(C)]
pub struct BrokenDown {
    /// Second, minute, hour, day, month, year, day of the week and of the year, summer time.
    numbers: [c_int; 9],
    offset: c_long,
    zone: *const u8,
}

/// Answers that it is the morning of the second day of 1970.
///
/// # Safety
///
/// The second pointer is to memory for the answer, as C's function of the name asks.
#[no_mangle]
pub unsafe extern "C" fn localtime_r(_: *const i64, answer: *mut BrokenDown) -> *mut BrokenDown {
    ASKED.store(true, SeqCst);
    answer.write(BrokenDown {
        numbers: [0, 0, 0, 2, 0, 70, 5, 1, 0],
        offset: 0,
        zone: c"UTC".as_ptr().cast(),
    });
    answer
}

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn main() {
    let first = Utc.timestamp_opt(86_400, 0).unwrap();
    assert_eq!(first.to_rfc3339(), "1970-01-02T00:00:00+00:00");
    assert!(!ASKED.load(SeqCst));

    let local = first.with_timezone(&Local);
    println!("local: {local}");
    println!("now: {}", Local::now());
    end(ASKED.load(SeqCst))
}
