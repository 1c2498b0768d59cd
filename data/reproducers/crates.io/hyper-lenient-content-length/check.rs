//! Shows that a server accepts a Content-Length which is not made of digits alone.
//! The connection is a buffer in memory; the argument is the header's value.

use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Request, Response};
use std::convert::Infallible;
use std::future::Future;
use std::io::Cursor;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Waker};

const POLLS_MAX: usize = 100;

static REQUESTS: AtomicUsize = AtomicUsize::new(0);

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

/// Whether a request with this length reaches the service.
fn accepted(length: &str) -> bool {
    let before = REQUESTS.load(SeqCst);
    let request = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\nabc");
    serve(&request, |_| async {
        REQUESTS.fetch_add(1, SeqCst);
        Ok(Response::new(Body::empty()))
    });
    REQUESTS.load(SeqCst) > before
}

fn main() {
    assert!(accepted("3"));
    assert!(!accepted("three"));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let length = argument.to_string_lossy();
    if length.chars().any(char::is_control) {
        end(false);
    }
    let accepted = accepted(&length);
    println!("{length:?} accepted: {accepted}");
    // Equal lengths in a list are allowed, and so are blanks.
    let ordinary = |c: char| c.is_ascii_digit() || c == ',' || c == ' ';
    end(accepted && !length.chars().all(ordinary))
}
