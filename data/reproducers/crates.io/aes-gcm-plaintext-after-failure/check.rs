//! Shows that decryption in place leaves the plaintext in the buffer although the tag is wrong.
//! Encrypts the argument, spoils the tag and looks at the buffer after the failure.

use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};

/// A shorter message might be found in a buffer by chance.
const MESSAGE_BYTES_MIN: usize = 4;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn main() {
    let cipher = Aes128Gcm::new(&[7; 16].into());
    let nonce = Nonce::from([9; 12]);
    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let message = argument.to_string_lossy().into_owned().into_bytes();
    if message.len() < MESSAGE_BYTES_MIN {
        end(false);
    }

    let mut encrypted = message.clone();
    let mut tag = cipher
        .encrypt_in_place_detached(&nonce, b"", &mut encrypted)
        .expect("a message can be encrypted");
    assert_ne!(encrypted, message);
    let mut buffer = encrypted.clone();
    cipher
        .decrypt_in_place_detached(&nonce, b"", &mut buffer, &tag)
        .expect("the right tag is accepted");
    assert_eq!(buffer, message);

    tag[0] ^= 1;
    let mut buffer = encrypted;
    let decrypted = cipher.decrypt_in_place_detached(&nonce, b"", &mut buffer, &tag);
    assert!(decrypted.is_err(), "a wrong tag was accepted");
    end(buffer == message)
}
