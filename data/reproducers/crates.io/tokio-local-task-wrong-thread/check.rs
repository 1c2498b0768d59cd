//! Shows that a task which belongs to one thread is dropped in the thread that aborts it.
//! The task holds a value whose drop notes the thread. No input is needed.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, ThreadId};
use tokio::runtime::Builder;
use tokio::task::{yield_now, LocalSet};

static DROPPED: AtomicBool = AtomicBool::new(false);
static DROPPED_ELSEWHERE: AtomicBool = AtomicBool::new(false);

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

struct Witness(ThreadId);

impl Drop for Witness {
    fn drop(&mut self) {
        DROPPED.store(true, SeqCst);
        if thread::current().id() != self.0 {
            DROPPED_ELSEWHERE.store(true, SeqCst);
        }
    }
}

fn main() {
    let runtime = Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    let local = LocalSet::new();
    let sum = local.run_until(async { tokio::task::spawn_local(async { 3 + 4 }).await });
    assert_eq!(runtime.block_on(sum).expect("an ordinary task ends"), 7);

    let witness = Witness(thread::current().id());
    let task = local.spawn_local(async move {
        let _witness = witness;
        std::future::pending::<()>().await
    });
    runtime.block_on(local.run_until(yield_now()));
    assert!(!DROPPED.load(SeqCst));
    let aborted = thread::spawn(move || task.abort()).join();
    // Where the flaw is, aborting may panic once the task is dropped.
    println!("aborted: {}", aborted.is_ok());
    runtime.block_on(local.run_until(yield_now()));
    drop(local);
    assert!(DROPPED.load(SeqCst), "the task was never dropped");
    end(DROPPED_ELSEWHERE.load(SeqCst))
}
