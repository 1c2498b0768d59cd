//! What the tools are doing: who may begin, who waits, what a client hears meanwhile, and how it
//! is stopped. Knows nothing of what a job does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use backstitch_verify::sandbox::Cancel;
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::report::Progress;

/// How many jobs of a kind may wait; whoever comes then is told so.
pub const WAITING_MAX: usize = 8;
/// How many jobs that only read go on at one time. Of those that run something, one does.
const READING_AT_ONCE: usize = 2;
/// How often a client hears that a job goes on where nothing else is to be told.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// How long one message to a client may hold a job's end up.
const TELLING_MAX: Duration = Duration::from_secs(1);
/// How many steps may be untold; later ones are dropped until a client has read.
const STEPS_MAX: usize = 64;
/// The longest step that is told, in characters.
const STEP_CHARS_MAX: usize = 200;

/// What a job does to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Reads, and is soon done.
    Reading,
    /// Builds and tests.
    Judging,
}

/// Every job of this server.
#[derive(Debug)]
pub struct Jobs {
    reading: Arc<Semaphore>,
    judging: Arc<Semaphore>,
    listed: Mutex<Listed>,
    closing: CancellationToken,
}

#[derive(Debug, Default)]
struct Listed {
    next: u64,
    jobs: BTreeMap<u64, Job>,
}

#[derive(Debug)]
struct Job {
    tool: &'static str,
    kind: Kind,
    running: bool,
    since: Instant,
}

/// A job, for machines.
#[derive(Debug, Serialize)]
pub struct JobObject {
    tool: &'static str,
    state: &'static str,
    elapsed_ms: u64,
}

/// What a job works with.
pub struct Hands {
    /// Set where the client, or the end of the server, stops the job.
    pub cancel: Cancel,
    /// Tells the client.
    pub progress: Arc<Progress>,
}

/// Why a job has no result.
#[derive(Debug)]
pub enum Stopped {
    /// Too many wait already.
    Busy,
    /// The client, or the end of the server, stopped it.
    Cancelled,
    /// It failed.
    Failed(anyhow::Error),
    /// It broke off by a mistake of the program's own.
    Broken,
}

impl Jobs {
    /// Nothing goes on yet. What judges is stopped when `closing` is.
    pub fn new(closing: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            reading: Arc::new(Semaphore::new(READING_AT_ONCE)),
            judging: Arc::new(Semaphore::new(1)),
            listed: Mutex::default(),
            closing,
        })
    }

    /// What goes on and what waits, oldest first.
    pub fn told(&self) -> Vec<JobObject> {
        let object = |job: &Job| JobObject {
            tool: job.tool,
            state: if job.running { "running" } else { "waiting" },
            elapsed_ms: u64::try_from(job.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        self.listed().jobs.values().map(object).collect()
    }

    /// Does a job when its turn has come, and tells the client how it goes. Comes back only when
    /// nothing of it goes on any more, unless it is dropped, which stops the job.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        tool: &'static str,
        kind: Kind,
        context: &RequestContext<RoleServer>,
        work: impl FnOnce(&Hands) -> Result<T> + Send + 'static,
    ) -> Result<T, Stopped> {
        let place = self.enter(tool, kind).ok_or(Stopped::Busy)?;
        let mut teller = Teller::of(context);
        let stop = self.stop(kind, context);
        tokio::pin!(stop);
        let slots = match kind {
            Kind::Reading => &self.reading,
            Kind::Judging => &self.judging,
        };
        let turn = Arc::clone(slots).acquire_owned();
        tokio::pin!(turn);
        let permit = loop {
            tokio::select! {
                biased;
                () = &mut stop => return Err(Stopped::Cancelled),
                permit = &mut turn => break permit.map_err(|_| Stopped::Broken)?,
                () = tokio::time::sleep(SIGN_OF_LIFE) => {
                    teller.tell("waiting for an earlier job to end").await;
                }
            }
        };
        place.begins();
        let cancel = Cancel::default();
        // Whoever no longer asks, as where a connection is gone, stops it too.
        let _stopped_at_last = StopOnDrop(cancel.clone());
        let (sender, steps) = mpsc::channel(STEPS_MAX);
        let hands = Hands {
            cancel: cancel.clone(),
            progress: Arc::new(Progress::told_to(move |step: &str| {
                let _ = sender.try_send(step.chars().take(STEP_CHARS_MAX).collect());
            })),
        };
        let job = tokio::task::spawn_blocking(move || {
            let _held = (permit, place);
            work(&hands)
        });
        tokio::pin!(job);
        let told = teller.tell_all(steps);
        tokio::pin!(told);
        let mut stopped = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut job => return match ended {
                    _ if stopped => Err(Stopped::Cancelled),
                    Ok(result) => result.map_err(Stopped::Failed),
                    Err(_) => Err(Stopped::Broken),
                },
                () = &mut stop, if !stopped => {
                    stopped = true;
                    cancel.cancel();
                }
                () = &mut told => {}
            }
        }
    }

    /// Ends when the client or the end of the server stops a job.
    async fn stop(&self, kind: Kind, context: &RequestContext<RoleServer>) {
        match kind {
            // It is soon done, and whoever only asked and left may have its answer yet.
            Kind::Reading => context.ct.cancelled().await,
            Kind::Judging => tokio::select! {
                () = context.ct.cancelled() => {}
                () = self.closing.cancelled() => {}
            },
        }
    }

    fn enter(self: &Arc<Self>, tool: &'static str, kind: Kind) -> Option<Place> {
        let mut listed = self.listed();
        let waits = |job: &&Job| job.kind == kind && !job.running;
        if listed.jobs.values().filter(waits).count() >= WAITING_MAX {
            return None;
        }
        let number = listed.next;
        listed.next += 1;
        let job = Job {
            tool,
            kind,
            running: false,
            since: Instant::now(),
        };
        listed.jobs.insert(number, job);
        Some(Place {
            jobs: Arc::clone(self),
            number,
        })
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job's place in the list, given back when it is dropped.
struct Place {
    jobs: Arc<Jobs>,
    number: u64,
}

impl Place {
    fn begins(&self) {
        if let Some(job) = self.jobs.listed().jobs.get_mut(&self.number) {
            job.running = true;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.jobs.listed().jobs.remove(&self.number);
    }
}

struct StopOnDrop(Cancel);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Tells a client that asked for it how a job goes.
struct Teller {
    peer: Peer<RoleServer>,
    token: Option<ProgressToken>,
    count: f64,
}

impl Teller {
    fn of(context: &RequestContext<RoleServer>) -> Self {
        Self {
            peer: context.peer.clone(),
            token: context.meta.get_progress_token(),
            count: 0.0,
        }
    }

    async fn tell(&mut self, what: &str) {
        let Some(token) = self.token.clone() else {
            return;
        };
        self.count += 1.0;
        let told = ProgressNotificationParam::new(token, self.count).with_message(what);
        // Who does not listen misses it.
        let _ = tokio::time::timeout(TELLING_MAX, self.peer.notify_progress(told)).await;
    }

    /// Tells each step, and that the last one goes on. Never ends.
    async fn tell_all(&mut self, mut steps: mpsc::Receiver<String>) {
        let mut last = String::from("at work");
        let mut since = Instant::now();
        loop {
            match tokio::time::timeout(SIGN_OF_LIFE, steps.recv()).await {
                Ok(Some(step)) => {
                    last = step;
                    since = Instant::now();
                    self.tell(&last).await;
                }
                Ok(None) => std::future::pending().await,
                Err(_) => {
                    let seconds = since.elapsed().as_secs();
                    self.tell(&format!("{last} ({seconds} s)")).await;
                }
            }
        }
    }
}
