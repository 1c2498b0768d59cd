//! Owns how a registry is asked: again where the trouble may pass, not at all once the network
//! is a lost cause, and never for more bytes than an answer may have.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ureq::http::{Request, Response};

/// How many entries are asked for at one time.
const REQUESTS_MAX: usize = 8;

/// How many requests without an answer make the network a lost cause for this run.
const FAILURES_MAX: usize = 40;

/// How often an entry is asked for.
const TRIES_MAX: u32 = 5;

/// What is remembered between requests.
#[derive(Default)]
pub(super) struct Asking {
    /// How many requests got no answer. Past [`FAILURES_MAX`] nobody is asked any more.
    failures: AtomicUsize,
}

impl Asking {
    /// Sends a request, again where the trouble may pass: a name server that is asked for
    /// much at one time answers now and then that it cannot.
    pub(super) fn send(
        &self,
        agent: &ureq::Agent,
        request: &Request<()>,
        bytes_max: u64,
    ) -> Result<Response<Vec<u8>>, String> {
        let mut trouble = String::from("the registry did not answer before");
        for attempt in 0..TRIES_MAX {
            if self.failures.load(Ordering::Relaxed) >= FAILURES_MAX {
                break;
            }
            if attempt > 0 {
                std::thread::sleep(Duration::from_millis(150 << attempt));
            }
            match send_once(agent, request.clone(), bytes_max) {
                Ok(response) if response.status().is_server_error() => {
                    trouble = format!("the server answered {}", response.status());
                }
                Ok(response) => return Ok(response),
                Err(error) => trouble = error.to_string(),
            }
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        Err(trouble)
    }
}

fn send_once(
    agent: &ureq::Agent,
    request: Request<()>,
    bytes_max: u64,
) -> Result<Response<Vec<u8>>, ureq::Error> {
    let (parts, mut body) = agent.run(request)?.into_parts();
    let body = body.with_config().limit(bytes_max).read_to_vec()?;
    Ok(Response::from_parts(parts, body))
}

/// Calls `look_up` for many packages at one time.
pub(super) fn all_at_once(packages: &[&str], look_up: impl Fn(&str) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..REQUESTS_MAX.min(packages.len()) {
            scope.spawn(|| {
                while let Some(package) = packages.get(next.fetch_add(1, Ordering::Relaxed)) {
                    look_up(package);
                }
            });
        }
    });
}

/// The map behind a lock that a thread which panicked may have left.
pub(super) fn unlocked<T>(known: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    known
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
