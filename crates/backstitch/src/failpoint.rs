//! A way for tests to kill the program right after it wrote a given event. Debug builds only.

use crate::ledger::Event;

/// The environment variable: the number of events after which the process kills itself.
#[cfg(debug_assertions)]
const VARIABLE: &str = "BACKSTITCH_TEST_KILL_AFTER_EVENTS";

/// Kills this process with SIGKILL when as many events as the variable says were written.
#[cfg(debug_assertions)]
pub fn after_event(_event: &Event) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let written = WRITTEN.fetch_add(1, Ordering::SeqCst) + 1;
    let wanted = std::env::var(VARIABLE)
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    if wanted == Some(written) {
        let this = rustix::process::getpid();
        let _ = rustix::process::kill_process(this, rustix::process::Signal::KILL);
    }
}

/// Does nothing in a release build.
#[cfg(not(debug_assertions))]
pub fn after_event(_event: &Event) {}
