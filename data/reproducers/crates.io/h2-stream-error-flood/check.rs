//! Shows that a server goes on with a client however many of its requests are faulty.
//! The connection is a buffer in memory; the argument is the number of requests without a method.

use h2::Reason;
use std::future::Future;
use std::io::Cursor;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const POLLS_MAX: usize = 100;
const REQUESTS_MAX: u16 = 4_000;
/// A server may well answer as many as this.
const REQUESTS_HARMLESS: u16 = 1_500;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The head of a frame that is larger than allowed; it tells that all before was taken.
const TOO_LARGE: &[u8] = &[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1];
/// The path / and http from the static table, without a method.
const FAULTY: &[u8] = &[0x84, 0x86];

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn frame(kind: u8, flags: u8, stream: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, payload.len() as u8, kind, flags, 0, 0];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn poll<T>(mut step: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    (0..POLLS_MAX).find_map(|_| match step(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}

/// Why the connection was given up, if it was.
fn serve(buffer: &mut Cursor<Vec<u8>>) -> Option<Reason> {
    let builder = h2::server::Builder::new();
    let mut handshake = pin!(builder.handshake::<_, Cursor<Vec<u8>>>(buffer));
    let mut connection = poll(|context| handshake.as_mut().poll(context))?.ok()?;
    match poll(|context| connection.poll_accept(context))?? {
        Ok(_) => None,
        Err(error) => error.reason(),
    }
}

/// Whether the connection goes on after so many faulty requests.
fn taken(requests: u16) -> bool {
    // The server writes first and into the same buffer, so that much must stand before the rest.
    let mut empty = Cursor::new(Vec::new());
    serve(&mut empty);
    let mut bytes = vec![0; empty.into_inner().len()];
    bytes.extend(PREFACE);
    bytes.extend(frame(4, 0, 0, &[]));
    for number in 0..requests {
        bytes.extend(frame(1, 5, 2 * number + 1, FAULTY));
    }
    bytes.extend(TOO_LARGE);
    let reason = serve(&mut Cursor::new(bytes));
    println!("{requests} requests: {reason:?}");
    reason == Some(Reason::FRAME_SIZE_ERROR)
}

fn main() {
    assert!(taken(1));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let Ok(count) = argument.to_string_lossy().parse::<u16>() else {
        end(false)
    };
    end(taken(count.min(REQUESTS_MAX)) && count > REQUESTS_HARMLESS)
}
