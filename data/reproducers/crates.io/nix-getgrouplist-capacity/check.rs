//! Shows that `getgrouplist` tells C of a larger buffer than there is when a user has many groups.
//! The program brings a C function of that name, which knows how much was allocated.
//! The argument is the number of groups.

use nix::unistd::{self, Gid};
use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{c_char, c_int, CString};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// No more groups than the system allows at all.
const GROUPS_MAX: usize = 60_000;

static GROUPS: AtomicUsize = AtomicUsize::new(0);

/// Room before every allocation, in which its size stands.
const HEAD_BYTES: usize = 64;

struct Measured;

fn with_head(layout: Layout) -> Layout {
    assert!(layout.align() <= HEAD_BYTES);
    let size = layout.size() + HEAD_BYTES;
    Layout::from_size_align(size, HEAD_BYTES).expect("a small layout")
}

// SAFETY: every call goes to the system allocator with the same larger layout.
unsafe impl GlobalAlloc for Measured {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = System.alloc(with_head(layout));
        start.cast::<usize>().write(layout.size());
        start.add(HEAD_BYTES)
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        System.dealloc(pointer.sub(HEAD_BYTES), with_head(layout))
    }
}

#[global_allocator]
static ALLOCATOR: Measured = Measured;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

/// Answers as the GNU library does: where the room is too small it tells how much is needed.
///
/// # Safety
///
/// The third pointer is to an allocation, the fourth to a number, as C's function asks.
#[no_mangle]
pub unsafe extern "C" fn getgrouplist(
    _: *const c_char,
    group: u32,
    groups: *mut u32,
    count: *mut c_int,
) -> c_int {
    let wanted = GROUPS.load(SeqCst);
    let said = *count as usize;
    let room = groups.cast::<u8>().sub(HEAD_BYTES).cast::<usize>().read() / size_of::<u32>();
    println!("groups: {wanted}, room said: {said}, room: {room}");
    if said > room {
        end(true);
    }
    *count = wanted as c_int;
    if wanted > said {
        return -1;
    }
    for place in 0..wanted {
        groups.add(place).write(group);
    }
    wanted as c_int
}

fn groups(count: usize) -> Option<usize> {
    GROUPS.store(count, SeqCst);
    let user = CString::new("user").expect("a name");
    let groups = unistd::getgrouplist(&user, Gid::from_raw(7)).ok()?;
    Some(groups.len())
}

fn main() {
    assert_eq!(groups(3), Some(3));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let count = argument.to_string_lossy().parse::<usize>();
    let Some(count) = count.ok().filter(|count| *count <= GROUPS_MAX) else {
        end(false)
    };
    println!("groups told: {:?}", groups(count));
    end(false)
}
