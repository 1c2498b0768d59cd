//! Shows that two receivers of a broadcast channel clone one value at the same time.
//! A clone waits a while for the other one to begin; a channel that takes turns never lets it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;
use tokio::sync::broadcast;

const WAITS_MAX: usize = 200;
const WAIT: Duration = Duration::from_millis(5);

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static OVERLAPPED: AtomicBool = AtomicBool::new(false);

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

struct Value;

impl Clone for Value {
    fn clone(&self) -> Self {
        if RUNNING.fetch_add(1, SeqCst) > 0 {
            OVERLAPPED.store(true, SeqCst);
        }
        for _ in 0..WAITS_MAX {
            if OVERLAPPED.load(SeqCst) {
                break;
            }
            thread::sleep(WAIT);
        }
        RUNNING.fetch_sub(1, SeqCst);
        Value
    }
}

fn main() {
    let (numbers, mut number) = broadcast::channel(4);
    assert!(numbers.send(7).is_ok());
    assert_eq!(number.try_recv(), Ok(7));

    let (values, first) = broadcast::channel(4);
    let second = values.subscribe();
    // The last receiver takes the value without a clone, so a third one stays.
    let _third = values.subscribe();
    assert!(values.send(Value).is_ok());
    // Nobody waits for a thread that has yet to begin, however busy the machine is.
    let begun = Arc::new(Barrier::new(2));
    let receive = |mut receiver: broadcast::Receiver<Value>| {
        let begun = Arc::clone(&begun);
        thread::spawn(move || {
            begun.wait();
            receiver.try_recv().is_ok()
        })
    };
    let threads = [first, second].map(receive);
    for thread in threads {
        assert!(thread.join().expect("a receiver does not panic"));
    }
    end(OVERLAPPED.load(SeqCst))
}
