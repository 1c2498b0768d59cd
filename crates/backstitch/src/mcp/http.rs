//! The protocol over HTTP, on an address of this machine alone. Whoever has the token is let in; a
//! web page is not, whatever name it found this machine under: a request that a page made
//! (`Origin`), or that was made under another name (`Host`), is refused.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::MESSAGE_BYTES_MAX;
use super::server::Server;
use super::token::Token;
use crate::report;

/// Where it is below the address.
const PATH: &str = "/mcp";
/// How many connections are open at one time; whoever comes then waits.
const CONNECTIONS_MAX: usize = 32;
/// How long a request's head may take to come.
const HEAD: Duration = Duration::from_secs(10);
/// The largest head, in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long a session is kept in which nothing is said; a judgement may take that long.
const SESSION_KEPT: Duration = Duration::from_secs(3 * 3600);
/// How long to wait where no connection can be taken, as where too many files are open.
const BREATH: Duration = Duration::from_millis(200);

type Answered = Response<BoxBody<Bytes, Infallible>>;

/// The server and its gate.
struct Gate {
    token: Token,
    service: StreamableHttpService<Server, LocalSessionManager>,
}

/// Serves until `closing` is cancelled.
pub async fn serve(
    server: Server,
    address: SocketAddr,
    token: Token,
    closing: CancellationToken,
) -> Result<()> {
    let about = || format!("serve at `{address}`");
    let listener = TcpListener::bind(address).await.with_context(about)?;
    let address = listener.local_addr().with_context(about)?;
    report::say(&format!("serving MCP at http://{address}{PATH}"));
    if let Some(token) = token.to_be_printed() {
        report::say(&format!(
            "clients send this header: Authorization: Bearer {token}"
        ));
    }
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.keep_alive = Some(SESSION_KEPT);
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts([address.to_string(), format!("localhost:{}", address.port())])
        .enforce_origin_validation()
        .with_max_request_body_bytes(MESSAGE_BYTES_MAX)
        .with_cancellation_token(closing.clone());
    let make = move || Ok(server.clone());
    let gate = Arc::new(Gate {
        token,
        service: StreamableHttpService::new(make, Arc::new(sessions), config),
    });
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = closing.cancelled() => return Ok(()),
            accepted = accepted => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let (gate, closing) = (Arc::clone(&gate), closing.clone());
        tokio::spawn(async move {
            let _slot = slot;
            tokio::select! {
                () = closing.cancelled() => {}
                () = converse(gate, stream) => {}
            }
        });
    }
}

/// Answers one connection's requests.
async fn converse(gate: Arc<Gate>, stream: TcpStream) {
    let service = service_fn(move |request| {
        let gate = Arc::clone(&gate);
        async move { Ok::<_, Infallible>(gate.answer(request).await) }
    });
    // What goes wrong on a connection is its client's affair.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Gate {
    async fn answer(&self, request: Request<Incoming>) -> Answered {
        let shown = request.headers().get(AUTHORIZATION);
        if !shown.is_some_and(|shown| self.token.is_in(shown.as_bytes())) {
            let why = "send the header `Authorization: Bearer …` with the token of this server\n";
            let mut refused = plain(StatusCode::UNAUTHORIZED, why);
            let scheme = HeaderValue::from_static("Bearer");
            refused.headers_mut().insert(WWW_AUTHENTICATE, scheme);
            return refused;
        }
        if request.uri().path() != PATH {
            return plain(StatusCode::NOT_FOUND, "there is only /mcp here\n");
        }
        self.service.handle(request).await
    }
}

fn plain(status: StatusCode, why: &'static str) -> Answered {
    let mut response = Response::new(Full::new(Bytes::from_static(why.as_bytes())).boxed());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
