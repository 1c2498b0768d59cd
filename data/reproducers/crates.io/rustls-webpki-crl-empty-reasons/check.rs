//! Shows that an empty set of reasons in a revocation list makes its reader panic.
//! The argument is the content of the list's distribution point, in hexadecimal digits.

use std::panic::catch_unwind;
use webpki::OwnedCertRevocationList;

const CONTENT_BYTES_MAX: usize = 40;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut encoded = vec![tag];
    match content.len() {
        length @ 0..=127 => encoded.push(length as u8),
        length => encoded.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    encoded.extend(content);
    // A length of 128 to 255 takes one byte, as the rules ask for the shortest form.
    if encoded[1] == 0x82 && encoded[2] == 0 {
        encoded[1] = 0x81;
        encoded.remove(2);
    }
    encoded
}

/// A list without entries; `extension` is the last byte of its only extension's name.
fn list(extension: u8, value: &[u8]) -> Vec<u8> {
    let algorithm = der(0x30, &[&der(0x06, &[&[0x2b, 0x65, 0x70]])]);
    let common_name = [der(0x06, &[&[0x55, 4, 3]]), der(0x0c, &[b"issuer"])].concat();
    let issuer = der(0x30, &[&der(0x31, &[&der(0x30, &[&common_name])])]);
    let time = der(0x17, &[b"240101000000Z"]);
    let name = der(0x06, &[&[0x55, 0x1d, extension]]);
    let extension = der(0x30, &[&name, &der(0x04, &[value])]);
    let extensions = der(0xa0, &[&der(0x30, &[&extension])]);
    let version = der(0x02, &[&[1]]);
    let signed = [&version, &algorithm, &issuer, &time, &time, &extensions];
    let signed = der(0x30, &signed.map(|part| &part[..]));
    der(0x30, &[&signed, &algorithm, &der(0x03, &[&[0, 7, 7]])])
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let even = digits.is_ascii() && digits.len() % 2 == 0;
    let starts = (0..digits.len()).step_by(2);
    let bytes = starts.map(|start| u8::from_str_radix(&digits[start..start + 2], 16).ok());
    even.then(|| bytes.collect()).flatten()
}

fn main() {
    let number = list(20, &der(0x02, &[&[5]]));
    OwnedCertRevocationList::from_der(&number).expect("an ordinary list is read");

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let content = bytes(&argument.to_string_lossy());
    let Some(content) = content.filter(|content| content.len() <= CONTENT_BYTES_MAX) else {
        end(false)
    };
    let point = list(28, &der(0x30, &[&content]));
    let read = catch_unwind(|| OwnedCertRevocationList::from_der(&point).map(|_| ()));
    println!("read: {read:?}");
    end(read.is_err())
}
