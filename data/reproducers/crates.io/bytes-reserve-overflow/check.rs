//! Shows that `BytesMut::reserve` adds sizes without a check for overflow.
//! Reserves all but as many bytes as the argument says and tells an arithmetic panic from a refusal.

use bytes::BytesMut;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

/// The second half of a buffer, after the first half is gone.
fn tail() -> BytesMut {
    let mut head = BytesMut::from(&b"hello world"[..]);
    head.split_off(5)
}

fn main() {
    let mut ordinary = tail();
    ordinary.reserve(100);
    assert!(ordinary.capacity() >= 106);
    assert_eq!(&ordinary[..], b" world");

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let Ok(below_largest) = argument.to_string_lossy().parse::<usize>() else {
        end(false)
    };
    let reserved = std::panic::catch_unwind(|| {
        let mut buffer = tail();
        buffer.reserve(usize::MAX - below_largest);
        let capacity = buffer.capacity();
        std::mem::forget(buffer);
        capacity
    });
    match reserved {
        Ok(capacity) => {
            println!("capacity: {capacity}");
            end(capacity > isize::MAX as usize)
        }
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().copied().unwrap_or("");
            println!("panic: {text}");
            end(text == "attempt to add with overflow")
        }
    }
}
