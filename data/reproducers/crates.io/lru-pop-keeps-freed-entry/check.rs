//! Shows that an entry stays in the cache's list when the drop of its key panics on removal.
//! The argument is the number of later entries. Memory that is given back is kept and not reused.

use lru::LruCache;
use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

const ENTRIES_MAX: u32 = 64;

static PANICS: AtomicBool = AtomicBool::new(false);

struct Keeping;

// SAFETY: memory comes from the system allocator and is never given back.
unsafe impl GlobalAlloc for Keeping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        System.alloc(layout)
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Keeping = Keeping;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

#[derive(PartialEq, Eq, Hash)]
struct Key(u32);

impl Drop for Key {
    fn drop(&mut self) {
        if self.0 == 0 && PANICS.swap(false, SeqCst) {
            panic!("once, for the first key");
        }
    }
}

/// The oldest key in the cache after the first one is removed, with or without a panic.
fn oldest_after_removal(later: u32, panics: bool) -> Option<u32> {
    let mut cache = LruCache::unbounded();
    for number in 0..=later {
        cache.put(Key(number), ());
    }
    let first = Key(0);
    PANICS.store(panics, SeqCst);
    let removed = catch_unwind(AssertUnwindSafe(|| cache.pop(&first)));
    PANICS.store(false, SeqCst);
    assert_eq!(removed.is_err(), panics);
    let oldest = cache.peek_lru().map(|(key, ())| key.0);
    std::mem::forget(cache);
    oldest
}

fn main() {
    assert_eq!(oldest_after_removal(2, false), Some(1));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let later = argument.to_string_lossy().parse::<u32>();
    let Some(later) = later.ok().filter(|later| *later <= ENTRIES_MAX) else {
        end(false)
    };
    let oldest = oldest_after_removal(later, true);
    println!("oldest key: {oldest:?}");
    end(oldest == Some(0))
}
