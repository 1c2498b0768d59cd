//! Serves coding agents over the Model Context Protocol
//! (<https://modelcontextprotocol.io/specification>): they ask what is wrong, and have patches
//! judged. Changes no project; what is judged is judged as by `backstitch test`.
//!
//! This is the only part of the program that is asynchronous: nothing of it is made before the
//! command is asked for.

mod answer;
mod http;
mod jobs;
mod roots;
mod schema;
mod server;
mod stdio;
mod token;
mod tools;
mod work;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rmcp::service::{ServerInitializeError, serve_server};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::places::Places;

pub use roots::Roots;
pub use token::Token;

use jobs::Jobs;
use server::Server;

/// The largest message, in bytes: a patch and inputs as JSON fit in.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// The most threads that jobs may have, those that wait for the disk included.
const THREADS_MAX: usize = 8;
/// How long jobs that were stopped may take to end, once nobody is served any more.
const ENDING: Duration = Duration::from_secs(20);

/// What all clients share.
pub struct Settings {
    /// What they may name.
    pub roots: Roots,
    /// Where things live.
    pub places: Places,
    /// Settings in place of the projects' own.
    pub policy: Option<PathBuf>,
    /// An index in place of the installed one.
    pub db: Option<PathBuf>,
    /// Is the network not to be used?
    pub offline: bool,
}

/// Where clients come in.
pub enum Door {
    /// Standard input and output: one client, who started this process.
    Stdio,
    /// HTTP, on an address of this machine.
    Http {
        /// The address.
        address: SocketAddr,
        /// Who has it is let in.
        token: Token,
    },
}

/// Serves until the client leaves or the process is told to end.
pub fn serve(settings: Settings, door: Door) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(THREADS_MAX)
        .build()
        .context("start serving")?;
    let served = runtime.block_on(serve_at(settings, door));
    // What runs in the sandbox ends with its thread, if not before.
    runtime.shutdown_timeout(ENDING);
    served
}

async fn serve_at(settings: Settings, door: Door) -> Result<()> {
    let told_to_end = on_signal()?;
    let closing = told_to_end.child_token();
    let server = Server::new(Arc::new(settings), Jobs::new(closing.clone()));
    match door {
        Door::Stdio => over_stdio(server, told_to_end, closing).await,
        Door::Http { address, token } => http::serve(server, address, token, closing).await,
    }
}

async fn over_stdio(
    server: Server,
    told_to_end: CancellationToken,
    closing: CancellationToken,
) -> Result<()> {
    // The end of the input stops what is judged; what else was asked may still be answered.
    let (stdio, writer) = stdio::take(MESSAGE_BYTES_MAX, closing)?;
    let serving = async {
        let running = serve_server(server, stdio).await?;
        let _ = running.waiting().await;
        Ok(())
    };
    let ended = tokio::select! {
        ended = serving => ended,
        () = told_to_end.cancelled() => Ok(()),
    };
    writer.finish();
    match ended {
        // Whoever came may have left without a word.
        Ok(()) | Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(error).context("begin with a client"),
    }
}

/// Is cancelled when the process is told to end.
fn on_signal() -> Result<CancellationToken> {
    let told_to_end = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind).context("listen for signals")?;
        let told = told_to_end.clone();
        tokio::spawn(async move {
            signals.recv().await;
            told.cancel();
        });
    }
    Ok(told_to_end)
}
