//! Shows that a chunk size of more than 64 bits overflows instead of being refused.
//! The connection is a buffer in memory; the argument is the size in hexadecimal digits.

use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Request, Response};
use std::convert::Infallible;
use std::future::Future;
use std::io::Cursor;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Waker};

const POLLS_MAX: usize = 100;
const SIZE_DIGITS: usize = 16;

static COMPLETE: AtomicUsize = AtomicUsize::new(0);

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn serve<F>(request: &str, service: impl Fn(Request<Body>) -> F)
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let buffer = Cursor::new(request.as_bytes().to_vec());
    let service = service_fn(service);
    let mut http = Http::new();
    // The buffer ends after the request, which must not be taken for a client that went away.
    http.http1_half_close(true);
    let mut connection = pin!(http.serve_connection(buffer, service));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..POLLS_MAX {
        if connection.as_mut().poll(&mut context).is_ready() {
            break;
        }
    }
}

/// Whether the content of a request with a chunk of this size is taken as complete.
fn taken(size: &str) -> bool {
    let before = COMPLETE.load(SeqCst);
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked";
    let request = format!("{head}\r\n\r\n{size}\r\nabc\r\n0\r\n\r\n");
    serve(&request, |request| async {
        if hyper::body::to_bytes(request.into_body()).await.is_ok() {
            COMPLETE.fetch_add(1, SeqCst);
        }
        Ok(Response::new(Body::empty()))
    });
    COMPLETE.load(SeqCst) > before
}

fn main() {
    assert!(taken("3"));
    assert!(!taken("x"));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let size = argument.to_string_lossy();
    let significant = size.trim_start_matches('0');
    if significant.len() <= SIZE_DIGITS || !size.chars().all(|c| c.is_ascii_hexdigit()) {
        end(false);
    }
    let taken = catch_unwind(|| taken(&size));
    println!("size {size} taken: {taken:?}");
    end(taken.unwrap_or(true))
}
