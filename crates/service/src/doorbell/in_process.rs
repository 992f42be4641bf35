//! The doorbell within one process: a bounded channel behind apalis's worker. `MemoryStorage` can't be used:
//! its cloned sink panics with several pushers at once (pitfalls 14).

use std::{
    convert::Infallible,
    future::Future,
    task::{Context, Poll},
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    task::{Task, builder::TaskBuilder, task_id::RandomId},
    worker::context::WorkerContext,
};
use async_trait::async_trait;
use domain::ports::{BellError, Doorbell, Ring};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;
use tower::layer::util::Identity;
use tracing::error;

use super::{crew::Crew, delivery::Delivery, listening::Listening, worker};

const NAME: &str = "in-process";

/// A doorbell and its listener, for one process; it holds at most `capacity` (at least 1) ids.
#[must_use]
pub fn in_process(capacity: usize) -> (InProcessDoorbell, InProcessListener) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    (InProcessDoorbell { sender }, InProcessListener { receiver })
}

/// Rings within the process. Clones ring the same bell.
#[derive(Debug, Clone)]
pub struct InProcessDoorbell {
    sender: mpsc::Sender<Ring>,
}

#[async_trait]
impl Doorbell for InProcessDoorbell {
    async fn ring(&self, rings: &[Ring]) -> Result<(), BellError> {
        if rings.is_empty() {
            return Ok(());
        }
        let places = self
            .sender
            .try_reserve_many(rings.len())
            .map_err(|error| match error {
                TrySendError::Full(()) => BellError::Full,
                TrySendError::Closed(()) => BellError::Unreachable("nobody listens any more".to_owned()),
            })?;
        for (place, ring) in places.zip(rings) {
            place.send(ring.clone());
        }
        Ok(())
    }

    async fn depth(&self) -> Result<usize, BellError> {
        Ok(self.sender.max_capacity() - self.sender.capacity())
    }

    fn capacity(&self) -> usize {
        self.sender.max_capacity()
    }

    fn is_full(&self) -> bool {
        self.sender.capacity() == 0
    }
}

/// Hears the rings of the process.
#[derive(Debug)]
pub struct InProcessListener {
    receiver: mpsc::Receiver<Ring>,
}

impl InProcessListener {
    /// See [`super::Listener::run`]. It also returns when the last doorbell is gone and all is handled.
    pub async fn run<H, F>(self, how: Listening, handler: H, shutdown: CancellationToken)
    where
        H: Fn(Ring) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let over = CancellationToken::new();
        let crew = Crew::new(handler, how.concurrency, &over, NAME, NAME);
        let work = async {
            // A channel can't fail: there is one worker, and one life.
            let life = worker::live(&how.name, Channel(self.receiver), &crew, &shutdown);
            if let Some(Err(error)) = over.run_until_cancelled(life).await {
                error!(error, "the in-process queue stopped");
            }
            crew.finished().await;
        };
        worker::within_grace(work, how.grace, &shutdown, &over).await;
    }
}

/// apalis's view of the channel.
struct Channel(mpsc::Receiver<Ring>);

impl Backend for Channel {
    type Task = Task<Delivery>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|ring| ring.map(|ring| Ok(TaskBuilder::new(Delivery::Ring(ring)).build())))
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Channel {
    type Args = Delivery;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
