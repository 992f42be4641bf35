//! The handlers at work. They run as tasks of their own and keep their permit, because the worker that
//! fetched their ring dies with every hiccup of Redis, and a sync must not be cut off in the middle for that.
//! That is also why this takes the place of tower's concurrency limit and apalis's catch-panic: both would
//! end with the worker. They do end when the listener is dropped.

use std::{
    any::Any,
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use apalis_core::task::Task;
use domain::ports::Ring;
use futures::{FutureExt as _, future::BoxFuture};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{
    sync::{CancellationToken, DropGuard, PollSemaphore},
    task::TaskTracker,
};
use tower::Service;
use tracing::{Instrument as _, error, warn};

use super::{delivery::Delivery, span};

/// Runs handlers, at most so many at once, for one listener after the other.
pub(super) struct Crew<H> {
    shared: Shared<H>,
    /// Dropped with the listener: ends the handlers.
    _kill: DropGuard,
}

#[derive(Clone)]
struct Shared<H> {
    handler: H,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    kill: CancellationToken,
    running: Arc<AtomicUsize>,
    system: &'static str,
    queue: Arc<str>,
}

impl<H> Crew<H> {
    /// `over` ends all handlers, as dropping the crew does.
    pub(super) fn new(
        handler: H,
        concurrency: usize,
        over: &CancellationToken,
        system: &'static str,
        queue: &str,
    ) -> Self {
        let kill = over.child_token();
        let shared = Shared {
            handler,
            permits: Arc::new(Semaphore::new(concurrency.max(1))),
            tasks: TaskTracker::new(),
            kill: kill.clone(),
            running: Arc::default(),
            system,
            queue: queue.into(),
        };
        Self {
            shared,
            _kill: kill.drop_guard(),
        }
    }

    /// How many more handlers could start now.
    pub(super) fn permits(&self) -> Arc<Semaphore> {
        self.shared.permits.clone()
    }

    /// How many handlers are at work.
    pub(super) fn running(&self) -> usize {
        self.shared.running.load(Ordering::Relaxed)
    }

    /// Waits for all handlers that have been started, or until they are dropped.
    pub(super) async fn finished(&self) {
        self.shared.tasks.close();
        self.shared
            .kill
            .run_until_cancelled(self.shared.tasks.wait())
            .await;
    }
}

impl<H: Clone> Crew<H> {
    /// The service for one worker.
    pub(super) fn service(&self) -> CrewService<H> {
        CrewService {
            permits: PollSemaphore::new(self.shared.permits.clone()),
            permit: None,
            shared: self.shared.clone(),
        }
    }
}

/// The tower service that apalis calls. Ready means that a permit is held, so that nothing is fetched that
/// can't start at once.
pub(super) struct CrewService<H> {
    permits: PollSemaphore,
    permit: Option<OwnedSemaphorePermit>,
    shared: Shared<H>,
}

impl<H, F> Service<Task<Delivery>> for CrewService<H>
where
    H: Fn(Ring) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    type Response = ();
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<(), Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.permit.is_none() {
            // The semaphore is never closed; `None` would only mean no limit.
            self.permit = ready!(self.permits.poll_acquire(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Delivery>) -> Self::Future {
        let permit = self.permit.take();
        let ring = match task.take().0 {
            Delivery::Ring(ring) => ring,
            Delivery::Unreadable(bytes) => {
                warn!(bytes, "something in the queue is no ring and was thrown away");
                return futures::future::ready(Ok(())).boxed();
            }
        };
        let work = self.shared.clone().work(ring, permit);
        let done = self.shared.tasks.spawn(work);
        // Its outcome is the database's business: for the queue it is done in any case.
        done.map(|_| Ok(())).boxed()
    }
}

impl<H, F> Shared<H>
where
    H: Fn(Ring) -> F,
    F: Future<Output = ()>,
{
    async fn work(self, ring: Ring, permit: Option<OwnedSemaphorePermit>) {
        let _permit = permit;
        let _running = Running::enter(&self.running);
        let span = span::of(&ring, self.system, &self.queue);
        let row = ring.row;
        let handled = async {
            // Calling the handler may panic as well as polling it.
            let handled = AssertUnwindSafe(async { (self.handler)(ring).await }).catch_unwind();
            if let Some(Err(panic)) = self.kill.run_until_cancelled(handled).await {
                error!(%row, error = message(&*panic), "a handler panicked; its row stays as it is");
                metrics::counter!("sync_handler_panics_total").increment(1);
            }
        };
        handled.instrument(span).await;
    }
}

/// Counts a handler while it is at work.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn enter(running: &Arc<AtomicUsize>) -> Self {
        running.fetch_add(1, Ordering::Relaxed);
        Self(running.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
