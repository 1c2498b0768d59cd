//! The conversation with an agent, as the client of the Agent Client Protocol, version 1. It asks
//! once and then answers: for files of the copy and for permissions. Terminals are not offered.
//! Nothing here waits for an agent longer than it was given.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    CancelNotification, ClientCapabilities, ContentBlock, FileSystemCapabilities, Implementation,
    InitializeRequest, NewSessionRequest, PromptRequest, ReadTextFileRequest, ReadTextFileResponse,
    RequestPermissionRequest, RequestPermissionResponse, SessionNotification, SessionUpdate,
    StopReason, TextContent, WriteTextFileRequest, WriteTextFileResponse,
};
use agent_client_protocol::{self as acp, Agent, Client, ErrorCode};
use backstitch_engine::acp::Stop;
use backstitch_engine::outcome::Unavailable;
use backstitch_engine::wire::bounded;
use backstitch_verify::sandbox::{Cancel, Exit, Job, Ran, SandboxError, Stream};
use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::{Stream as StreamOf, StreamExt};

use super::COPY_INSIDE;
use super::pipes::{Lines, Pipes};
use super::room::{self, Room};
use crate::engines::Walls;

/// How often it is looked whether the time is over.
const TICK: Duration = Duration::from_millis(20);

/// How long an agent may take to end by itself once it was told that nothing more comes.
const LEAVE_PATIENCE: Duration = Duration::from_secs(1);

/// How many lines are taken before something else gets its turn.
const LINES_IN_A_ROW: u32 = 32;

/// How much of an agent's last message is kept, in bytes.
const SAID_BYTES_MAX: usize = 8 << 10;

/// What an agent is told.
#[derive(Debug)]
pub struct Told<'told> {
    /// The prompt.
    pub prompt: &'told str,
    /// After this time it is told to stop.
    pub within: Duration,
    /// After this time it is stopped.
    pub patience: Duration,
}

/// What came of talking.
#[derive(Debug)]
pub struct Spoken {
    /// How its turn ended.
    pub end: Result<Stop, Trouble>,
    /// Its last message.
    pub said: String,
    /// How many requests for permission were denied.
    pub denied: u32,
}

/// Why a turn did not end.
#[derive(Debug)]
pub enum Trouble {
    /// It wrote what is no message of the protocol.
    Malformed(String),
    /// It answered with an error, or speaks another version.
    Refused(Unavailable, String),
    /// Its time was over; how it took that.
    Stopped(Stopped),
    /// It went away.
    Gone,
}

/// How an agent took it that its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It ended its turn.
    Obeyed,
    /// It had to be stopped.
    Killed,
}

/// What the conversation knows by now; shared between those who answer.
#[derive(Debug)]
struct Seen {
    said: String,
    denied: u32,
    garbled: Option<String>,
    room: Room,
}

type Shared = Arc<Mutex<Seen>>;

fn seen(shared: &Shared) -> MutexGuard<'_, Seen> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the agent, talks with it and ends it. Nothing of it runs any more afterwards.
pub fn with(
    told: &Told<'_>,
    pipes: Pipes,
    room: Room,
    walls: &Walls,
    job: &Job,
) -> (Spoken, Result<Ran, SandboxError>) {
    let shared = Arc::new(Mutex::new(Seen {
        said: String::new(),
        denied: 0,
        garbled: None,
        room,
    }));
    let (incoming_into, incoming) = unbounded();
    let (outgoing, outgoing_from) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let watch = Arc::new(Watch {
        kill: Cancel::default(),
        has_ended: AtomicBool::new(false),
        is_deaf: AtomicBool::new(false),
        is_over: AtomicBool::new(false),
    });
    let (watched, cancel) = (&watch, &walls.cancel);
    let (end, ran) = thread::scope(|scope| {
        let running = scope.spawn(|| {
            let mut lines = Lines::new(incoming_into);
            let ran = walls.sandbox.run(job, &watch.kill, &mut |stream, piece| {
                if stream == Stream::Stdout
                    && let Some(why) = lines.take(piece)
                {
                    seen(&shared).garbled = Some(why);
                    watch.stop();
                }
            });
            // What is left of a flood is not listened to.
            if !matches!(&ran, Ok(ran) if matches!(ran.exit, Exit::Code(_))) {
                watch.is_deaf.store(true, Ordering::SeqCst);
            }
            watch.has_ended.store(true, Ordering::SeqCst);
            ran
        });
        scope.spawn(move || watched.feed(pipes, &outgoing_from, told, cancel, stop));
        let incoming = heard(incoming, Arc::clone(&watch));
        let talk = converse(told.prompt, &shared, incoming, outgoing, stopped);
        // The one place where something waits for futures: on this thread, and only for this long.
        let end = futures::executor::block_on(talk);
        let ran = running.join();
        (
            end,
            ran.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    });
    let mut seen = seen(&shared);
    let end = match seen.garbled.take() {
        Some(why) => Err(Trouble::Malformed(why)),
        None => end,
    };
    let end = match end {
        // Whatever else went wrong then: its time was over.
        Err(Trouble::Refused(..) | Trouble::Gone) if watch.is_over.load(Ordering::SeqCst) => {
            Err(Trouble::Stopped(Stopped::Killed))
        }
        end => end,
    };
    let spoken = Spoken {
        end,
        said: std::mem::take(&mut seen.said),
        denied: seen.denied,
    };
    (spoken, ran)
}

/// Watches over a running agent.
#[derive(Debug)]
struct Watch {
    kill: Cancel,
    has_ended: AtomicBool,
    /// Is nothing of what it still says listened to?
    is_deaf: AtomicBool,
    /// Is its time over?
    is_over: AtomicBool,
}

impl Watch {
    /// Stops it, and listens no more.
    fn stop(&self) {
        self.is_deaf.store(true, Ordering::SeqCst);
        self.kill.cancel();
    }

    /// Gives an agent what it is told as fast as it reads, tells it to stop when its time is over,
    /// and stops it when that does not help. Ends when the agent has.
    fn feed(
        &self,
        pipes: Pipes,
        queue: &Receiver<String>,
        told: &Told<'_>,
        cancel: &Cancel,
        stop: oneshot::Sender<()>,
    ) {
        let (began, mut stop) = (Instant::now(), Some(stop));
        let mut kill_at = None;
        let mut pipes = Some(pipes);
        let mut waiting: Vec<u8> = Vec::new();
        while !self.has_ended.load(Ordering::SeqCst) {
            let is_over = began.elapsed() >= told.within || cancel.is_cancelled();
            if is_over && let Some(stop) = stop.take() {
                // Whoever listens may have gone.
                let _ = stop.send(());
                self.is_over.store(true, Ordering::SeqCst);
                kill_at.get_or_insert(Instant::now() + told.patience);
            }
            if kill_at.is_some_and(|at| Instant::now() >= at) {
                self.stop();
            }
            let Some(pipe) = &mut pipes else {
                thread::sleep(TICK);
                continue;
            };
            if waiting.is_empty() {
                match queue.recv_timeout(TICK) {
                    Ok(line) => waiting = format!("{line}\n").into_bytes(),
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => {
                        // The end of its input tells it to go.
                        pipes = None;
                        kill_at = Some(Instant::now() + LEAVE_PATIENCE.min(told.patience));
                        continue;
                    }
                }
            }
            match pipe.write(&waiting) {
                Ok(0) => thread::sleep(TICK),
                Ok(count) => drop(waiting.drain(..count)),
                Err(_) => pipes = None,
            }
        }
    }
}

/// What an agent says, as long as it is listened to. Lets others have their turn now and then, so
/// that one who says much cannot keep its time from ending.
fn heard(
    mut incoming: UnboundedReceiver<io::Result<String>>,
    watch: Arc<Watch>,
) -> impl StreamOf<Item = io::Result<String>> + Send {
    let mut in_a_row = 0;
    futures::stream::poll_fn(move |context| {
        if watch.is_deaf.load(Ordering::SeqCst) {
            return Poll::Ready(None);
        }
        if in_a_row == LINES_IN_A_ROW {
            in_a_row = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        in_a_row += 1;
        incoming.poll_next_unpin(context)
    })
}

/// The conversation: initialise, open a session in the copy, ask, and wait for the turn's end.
async fn converse(
    prompt: &str,
    shared: &Shared,
    incoming: impl StreamOf<Item = io::Result<String>> + Send + 'static,
    outgoing: mpsc::Sender<String>,
    stopped: oneshot::Receiver<()>,
) -> Result<Stop, Trouble> {
    let (of_updates, of_permissions) = (Arc::clone(shared), Arc::clone(shared));
    let (of_reads, of_writes) = (Arc::clone(shared), Arc::clone(shared));
    let client = Client
        .v1()
        .on_receive_notification(
            async move |update: SessionNotification, _| {
                hear(&of_updates, update.update);
                Ok(())
            },
            acp::on_receive_notification!(),
        )
        .on_receive_request(
            async move |request: RequestPermissionRequest, responder, _| {
                let (outcome, granted) = room::permitted(&request);
                seen(&of_permissions).denied += u32::from(!granted);
                responder.respond(RequestPermissionResponse::new(outcome))
            },
            acp::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: ReadTextFileRequest, responder, _| {
                let (path, line, limit) = (&request.path, request.line, request.limit);
                let read = seen(&of_reads).room.read(path, line, limit);
                responder.respond_with_result(
                    read.map(ReadTextFileResponse::new)
                        .map_err(|error| not_done(&error)),
                )
            },
            acp::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: WriteTextFileRequest, responder, _| {
                let wrote = seen(&of_writes).room.write(&request.path, &request.content);
                let wrote = wrote.map(|()| WriteTextFileResponse::new());
                responder.respond_with_result(wrote.map_err(|error| not_done(&error)))
            },
            acp::on_receive_request!(),
        );
    let sink = futures::sink::unfold(outgoing, |outgoing, line: String| async move {
        // One that has gone is not told anything any more; that it has, its own output says.
        let _ = outgoing.send(line);
        Ok::<_, io::Error>(outgoing)
    });
    let turn = client.connect_with(acp::Lines::new(sink, incoming), async |agent| {
        Ok(turn(&agent, prompt, stopped).await)
    });
    match turn.await {
        Ok(end) => end,
        Err(error) => Err(trouble(&error)),
    }
}

/// What an agent is answered that asks for something it does not get.
fn not_done(error: &anyhow::Error) -> acp::Error {
    acp::Error::new(ErrorCode::INVALID_PARAMS, format!("{error:#}"))
}

/// One turn. Told to stop, it cancels the turn and still waits for its end.
async fn turn(
    agent: &ConnectionTo<Agent>,
    prompt: &str,
    stopped: oneshot::Receiver<()>,
) -> Result<Stop, Trouble> {
    // One whose watch has ended is not told to stop: it is gone, and its output says so.
    let stopped = Box::pin(async {
        if stopped.await.is_err() {
            futures::future::pending::<()>().await;
        }
    });
    let begun = Box::pin(begin(agent));
    let (session, stopped) = match select(begun, stopped).await {
        Either::Left((session, stopped)) => (session?, stopped),
        Either::Right(_) => return Err(Trouble::Stopped(Stopped::Killed)),
    };
    let blocks = vec![ContentBlock::Text(TextContent::new(prompt))];
    let answer = agent.send_request(PromptRequest::new(session.clone(), blocks));
    let answer = Box::pin(answer.block_task());
    let answered = match select(answer, stopped).await {
        Either::Left((answered, _)) => answered,
        Either::Right(((), answer)) => {
            let cancel = agent.send_notification(CancelNotification::new(session));
            // Its time is over, whatever it says now; but it may put things in order.
            let obeyed = cancel.is_ok() && answer.await.is_ok();
            return Err(Trouble::Stopped(if obeyed {
                Stopped::Obeyed
            } else {
                Stopped::Killed
            }));
        }
    };
    match answered.map_err(|error| trouble(&error))?.stop_reason {
        StopReason::EndTurn => Ok(Stop::EndTurn),
        StopReason::MaxTokens => Ok(Stop::MaxTokens),
        StopReason::MaxTurnRequests => Ok(Stop::MaxTurnRequests),
        StopReason::Refusal => Ok(Stop::Refusal),
        StopReason::Cancelled => Ok(Stop::Cancelled),
        // The list may grow.
        _ => Err(Trouble::Malformed(
            "it stopped for a reason of a later version".into(),
        )),
    }
}

/// Agrees on the version and opens a session in the copy.
async fn begin(
    agent: &ConnectionTo<Agent>,
) -> Result<agent_client_protocol::v1::schema::SessionId, Trouble> {
    let files = FileSystemCapabilities::new()
        .read_text_file(true)
        .write_text_file(true);
    let hello = InitializeRequest::new(ProtocolVersion::V1)
        .client_capabilities(ClientCapabilities::new().fs(files).terminal(false))
        .client_info(Implementation::new("backstitch", env!("CARGO_PKG_VERSION")));
    let hello = agent.send_request(hello).block_task().await;
    let hello = hello.map_err(|error| trouble(&error))?;
    if hello.protocol_version != ProtocolVersion::V1 {
        let why = format!(
            "it speaks version {} of the protocol",
            hello.protocol_version
        );
        return Err(Trouble::Refused(Unavailable::RequestNotTaken, why));
    }
    let session = agent.send_request(NewSessionRequest::new(COPY_INSIDE));
    let session = session.block_task().await;
    Ok(session.map_err(|error| trouble(&error))?.session_id)
}

/// What an error amounts to: the agent's own, or one of the connection.
fn trouble(error: &acp::Error) -> Trouble {
    if acp::is_connection_terminated(error) || acp::is_incoming_transport_closed(error) {
        return Trouble::Gone;
    }
    let data = error.data.as_ref().map(ToString::to_string);
    let said = bounded(&format!("{} {}", error.message, data.unwrap_or_default()));
    match error.code {
        ErrorCode::PARSE_ERROR => {
            let data = error.data.as_ref();
            let why = data.and_then(|data| data["error"].as_str());
            Trouble::Malformed(format!(
                "an answer of it cannot be read: {}",
                bounded(why.unwrap_or(&said))
            ))
        }
        ErrorCode::AUTH_REQUIRED => {
            let why = format!("it wants a login, and only has what `env` gives it: {said}");
            Trouble::Refused(Unavailable::Program, why)
        }
        _ => Trouble::Refused(Unavailable::Program, format!("it answered: {said}")),
    }
}

/// Keeps the words of its last message; what it thinks and does on the way is its own.
fn hear(shared: &Shared, update: SessionUpdate) {
    let mut seen = seen(shared);
    match update {
        SessionUpdate::AgentMessageChunk(chunk) => {
            if let ContentBlock::Text(text) = chunk.content
                && seen.said.len() + text.text.len() <= SAID_BYTES_MAX
            {
                seen.said.push_str(&text.text);
            }
        }
        // What it said before it did something was not its last word.
        SessionUpdate::ToolCall(_) => seen.said.clear(),
        // The list may grow, and nothing of the rest is kept.
        _ => {}
    }
}
