//! Shows that `insert_many` does not grow for an iterator that yields more than its hint says.
//! Inserts as many elements as the argument says and compares length and capacity.
//! An allocator with room behind every allocation keeps a write that goes too far harmless.

use smallvec::SmallVec;
use std::alloc::{GlobalAlloc, Layout, System};

const ROOM_BYTES: usize = 4096;
const ELEMENTS_MAX: usize = 64;

struct Roomy;

fn with_room(layout: Layout) -> Layout {
    Layout::from_size_align(layout.size() + ROOM_BYTES, layout.align()).expect("a small layout")
}

// SAFETY: every call goes to the system allocator with the same larger layout.
unsafe impl GlobalAlloc for Roomy {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        System.alloc(with_room(layout))
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        System.dealloc(pointer, with_room(layout))
    }
}

#[global_allocator]
static ALLOCATOR: Roomy = Roomy;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn main() {
    let mut ordinary: SmallVec<[u8; 2]> = SmallVec::from_slice(&[1, 2, 5]);
    ordinary.insert_many(2, [3, 4].iter().copied());
    assert_eq!(&ordinary[..], &[1, 2, 3, 4, 5]);

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let Ok(count) = argument.to_string_lossy().parse::<usize>() else {
        end(false)
    };
    let mut elements: SmallVec<[u8; 2]> = SmallVec::new();
    elements.reserve_exact(8);
    elements.extend([7u8; 7]);
    let mut left = count.min(ELEMENTS_MAX);
    // The hint of `from_fn` is that there may be no element at all.
    let more = std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        Some(9u8)
    });
    elements.insert_many(0, more);
    let (length, capacity) = (elements.len(), elements.capacity());
    std::mem::forget(elements);
    println!("length {length}, capacity {capacity}");
    end(length > capacity)
}
