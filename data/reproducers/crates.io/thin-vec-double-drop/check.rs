//! Shows that elements are dropped twice when the drop of one of them panics.
//! The argument says which one panics. The elements count their drops and own nothing.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use thin_vec::ThinVec;

const ELEMENTS: usize = 4;

static DROPS: [AtomicUsize; ELEMENTS] = [const { AtomicUsize::new(0) }; ELEMENTS];
static PANICS_AT: AtomicUsize = AtomicUsize::new(usize::MAX);

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

struct Witness(usize);

impl Drop for Witness {
    fn drop(&mut self) {
        let before = DROPS[self.0].fetch_add(1, SeqCst);
        // A second panic while unwinding would end the process.
        if before == 0 && PANICS_AT.load(SeqCst) == self.0 {
            panic!("as the argument says");
        }
    }
}

fn drops_after_iteration() -> [usize; ELEMENTS] {
    let elements: ThinVec<Witness> = (0..ELEMENTS).map(Witness).collect();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(elements.into_iter())));
    std::array::from_fn(|element| DROPS[element].swap(0, SeqCst))
}

fn main() {
    assert_eq!(drops_after_iteration(), [1; ELEMENTS]);

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let Ok(panics_at) = argument.to_string_lossy().parse::<usize>() else {
        end(false)
    };
    PANICS_AT.store(panics_at, SeqCst);
    let drops = drops_after_iteration();
    println!("drops: {drops:?}");
    end(drops.iter().any(|count| *count > 1))
}
