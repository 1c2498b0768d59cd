//! Shows that a packet's sample which ends in ones makes the QUIC header mask panic.
//! The argument is the sample in hexadecimal digits. The key is fixed.

use ring::aead::quic::{HeaderProtectionKey, AES_128, AES_256};
use std::panic::catch_unwind;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn mask(sample: &[u8]) -> Option<([u8; 5], [u8; 5])> {
    let short = HeaderProtectionKey::new(&AES_128, &[7; 16]).ok()?;
    let long = HeaderProtectionKey::new(&AES_256, &[7; 32]).ok()?;
    Some((short.new_mask(sample).ok()?, long.new_mask(sample).ok()?))
}

fn main() {
    #[cfg(target_arch = "x86_64")]
    assert!(std::is_x86_feature_detected!("aes"));
    assert_ne!(mask(&[0; 16]), mask(&[1; 16]));
    assert!(mask(&[0; 15]).is_none());

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let digits = argument.to_string_lossy();
    let Ok(sample) = u128::from_str_radix(&digits, 16) else {
        end(false)
    };
    let masked = catch_unwind(|| mask(&sample.to_be_bytes()));
    println!("masked: {masked:?}");
    end(masked.is_err())
}
