//! Shows that a `NotNan` holds NaN after an assignment that panicked.
//! Adds the argument to infinity, catches the panic and asks the value what it is.

use ordered_float::NotNan;
use std::panic::{catch_unwind, AssertUnwindSafe};

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn main() {
    let mut ordinary = NotNan::new(1.5f64).expect("a number");
    ordinary += 2.0;
    assert_eq!(ordinary.into_inner(), 3.5);
    assert!(NotNan::new(f64::NAN).is_err());

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let Ok(summand) = argument.to_string_lossy().parse::<f64>() else {
        end(false)
    };
    let mut value = NotNan::new(f64::INFINITY).expect("infinity is not NaN");
    let added = catch_unwind(AssertUnwindSafe(|| value += summand));
    let inner = value.into_inner();
    println!("panicked: {}, value: {inner}", added.is_err());
    end(inner.is_nan())
}
