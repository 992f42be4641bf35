//! Writes events down, then rings for them. One writer takes whatever waits, up to a hundred, as one insert: an
//! idle writer takes a single event at once, a busy one grows its groups. What was handed to it is stored even
//! when the sender hangs up. It never answers before the row stands, and a bell that fails is no failure.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{
    ports::{BellError, Doorbell, Ring},
    store::{Event, Store},
};
use metrics::counter;
use service::telemetry::set_remote_parent;
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinHandle, JoinSet},
};
use tracing::{Instrument as _, Span, debug, info, info_span, warn};

use crate::store::LateStore;

/// The largest group.
const GROUP: usize = 100;
/// How many events may wait for the writer: more than one burst of the CRM.
const WAITING: usize = 4096;
/// How long one insert may take.
const INSERT: Duration = Duration::from_secs(4);
/// How long an event may wait for its turn and its insert; its sender is answered `503` then.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the database may take to say that it is there.
const PING: Duration = Duration::from_secs(1);
/// How long the bell may take; it fails faster by itself.
const BELL: Duration = Duration::from_secs(2);

/// The event is not in the database, as far as can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotStored;

/// The end where events are handed over.
#[derive(Debug, Clone)]
pub(super) struct Recorder(mpsc::Sender<Arrival>);

/// An event on its way into its row.
#[derive(Debug)]
struct Arrival {
    event: Event,
    since: Instant,
    answer: oneshot::Sender<bool>,
}

/// Starts the writer on the current runtime; it ends when the last recorder is gone and everything is written.
pub(super) fn start(store: LateStore, doorbell: Arc<dyn Doorbell>) -> (Recorder, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let writer = Writer {
        store,
        bell: Arc::new(Bell {
            doorbell,
            failing: AtomicBool::new(false),
        }),
        failing: false,
        rings: JoinSet::new(),
    };
    (Recorder(sender), tokio::spawn(writer.run(receiver)))
}

impl Recorder {
    /// Stores the event and rings for it; whether it is new.
    pub(super) async fn record(&self, event: Event) -> Result<bool, NotStored> {
        let (answer, wait) = oneshot::channel();
        let arrival = Arrival {
            event,
            since: Instant::now(),
            answer,
        };
        self.0.try_send(arrival).map_err(|_| NotStored)?;
        match tokio::time::timeout(PATIENCE + BELL, wait).await {
            Ok(Ok(new)) => Ok(new),
            _ => Err(NotStored),
        }
    }
}

struct Writer {
    store: LateStore,
    bell: Arc<Bell>,
    /// Whether the last insert failed: an outage is told once.
    failing: bool,
    rings: JoinSet<()>,
}

impl Writer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Arrival>) {
        let mut group = Vec::with_capacity(GROUP);
        while receiver.recv_many(&mut group, GROUP).await > 0 {
            self.write(&mut group).await;
            while self.rings.try_join_next().is_some() {}
        }
        while self.rings.join_next().await.is_some() {}
    }

    /// Dropping one answers its sender that nothing was stored.
    async fn write(&mut self, group: &mut Vec<Arrival>) {
        group.retain(|arrival| arrival.since.elapsed() < PATIENCE);
        let Some(store) = self.store.get().cloned() else {
            group.clear();
            return;
        };
        if group.is_empty() {
            return;
        }
        let rung = !self.bell.doorbell.is_full();
        let (events, answers): (Vec<Event>, Vec<_>) = group
            .drain(..)
            .map(|Arrival { event, since, answer }| (Event { rung, ..event }, (since, answer)))
            .unzip();
        match self.insert(&*store, &events).await {
            Ok(new) => {
                self.log_failure("");
                self.stored(
                    events
                        .into_iter()
                        .zip(new)
                        .zip(answers.into_iter().map(|(_, answer)| answer)),
                    rung,
                );
            }
            Err((_, false)) if events.len() > 1 => {
                self.one_by_one(&*store, events, answers, rung).await;
            }
            Err((why, _)) => self.log_failure(&why),
        }
    }

    /// A group that failed, again row by row: one that can't be stored must not fail its neighbours. Ends early
    /// when it is the database that fails.
    async fn one_by_one(
        &mut self,
        store: &dyn Store,
        events: Vec<Event>,
        answers: Vec<(Instant, oneshot::Sender<bool>)>,
        rung: bool,
    ) {
        for (event, (since, answer)) in events.into_iter().zip(answers) {
            if since.elapsed() >= PATIENCE {
                continue;
            }
            match self.insert(store, std::slice::from_ref(&event)).await {
                Ok(new) => {
                    self.log_failure("");
                    let new = new.first().copied().unwrap_or(true);
                    self.stored(std::iter::once(((event, new), answer)), rung);
                }
                Err((why, _)) => {
                    let there = tokio::time::timeout(PING, store.ping()).await;
                    if !matches!(there, Ok(Ok(()))) {
                        self.log_failure(&why);
                        return;
                    }
                    warn!(row = %event.row, error = why, "a webhook can't be stored, though the database answers");
                }
            }
        }
    }

    /// The error in words, and whether it was a time-out.
    async fn insert(&self, store: &dyn Store, events: &[Event]) -> Result<Vec<bool>, (String, bool)> {
        let span = group_span(
            "store",
            events.first().and_then(|event| event.traceparent.as_deref()),
        );
        let result = match tokio::time::timeout(INSERT, store.enqueue(events).instrument(span)).await {
            Ok(Ok(new)) => Ok(new),
            Ok(Err(error)) => Err((error.to_string(), false)),
            Err(_) => Err((format!("no answer within {} s", INSERT.as_secs()), true)),
        };
        let outcome = if result.is_ok() { "done" } else { "failed" };
        counter!("webhook_inserts_total", "result" => outcome).increment(1);
        result
    }

    /// Rings for the new rows in a task of its own, so that the next group need not wait for it, and answers.
    fn stored(&mut self, stored: impl Iterator<Item = ((Event, bool), oneshot::Sender<bool>)>, rung: bool) {
        let mut rings = Vec::new();
        let mut answers = Vec::new();
        for ((event, new), answer) in stored {
            if new && rung {
                rings.push(Ring {
                    row: event.row,
                    traceparent: event.traceparent,
                });
            }
            answers.push((answer, new));
        }
        let bell = self.bell.clone();
        let span = group_span(
            "announce",
            rings.first().and_then(|ring| ring.traceparent.as_deref()),
        );
        self.rings.spawn(async move {
            bell.ring(&rings).instrument(span).await;
            for (answer, new) in answers {
                // The sender may have hung up.
                let _ = answer.send(new);
            }
        });
    }

    /// Says when storing begins to fail, and when it works again. No error: it works.
    fn log_failure(&mut self, error: &str) {
        match (self.failing, error.is_empty()) {
            (false, false) => warn!(error, "webhooks can't be stored and are answered 503: {error}"),
            (true, false) => debug!(error, "webhooks still can't be stored"),
            (true, true) => info!("webhooks are stored again"),
            (false, true) => {}
        }
        self.failing = !error.is_empty();
    }
}

/// The doorbell, with one word about each of its outages.
struct Bell {
    doorbell: Arc<dyn Doorbell>,
    failing: AtomicBool,
}

impl Bell {
    async fn ring(&self, rings: &[Ring]) {
        if rings.is_empty() {
            return;
        }
        let result = match tokio::time::timeout(BELL, self.doorbell.ring(rings)).await {
            Ok(result) => result,
            Err(_) => Err(BellError::Unreachable("no answer".to_owned())),
        };
        let outcome = match &result {
            Ok(()) => "rung",
            Err(BellError::Full) => "full",
            Err(BellError::Unreachable(_)) => "unreachable",
        };
        counter!("webhook_rings_total", "result" => outcome).increment(1);
        match result {
            Ok(()) if self.failing.swap(false, Ordering::Relaxed) => info!("the queue is rung again"),
            Ok(()) | Err(BellError::Full) => {}
            Err(error) if self.failing.swap(true, Ordering::Relaxed) => {
                debug!(%error, "the queue is still not rung")
            }
            Err(error) => {
                warn!(%error, "the queue is not rung; webhooks are stored, and swept up later: {error}")
            }
        }
    }
}

/// What is done for a group stands in the trace of its first event: a span has one parent.
fn group_span(name: &'static str, traceparent: Option<&str>) -> Span {
    let span = info_span!("webhooks", otel.name = name);
    if let Some(traceparent) = traceparent {
        set_remote_parent(&span, traceparent);
    }
    span
}
