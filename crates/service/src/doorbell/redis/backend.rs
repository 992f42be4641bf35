//! apalis-redis's storage, fetched from at the right moments: at once when something was announced, never
//! more than there are free hands for, and once a second in any case. This takes the place of a
//! `PollStrategy`, which can't see whether a fetch is under way and so loses an announcement that comes
//! between the server's empty answer and its arrival.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    task::Task,
    worker::context::WorkerContext,
};
use apalis_redis::{Config, Error, RedisStorage};
use tokio::{
    sync::Semaphore,
    time::{Interval, MissedTickBehavior},
};

use super::{link::Link, wake::Wake};
use crate::doorbell::delivery::Delivery;

/// How often to look without an announcement, should one be lost.
const NET: Duration = Duration::from_secs(1);
/// The most that is fetched at once (pitfalls 4).
const BATCH: usize = 8;

type Storage = RedisStorage<Vec<u8>, Link>;

/// The backend of one worker.
pub(super) struct Announced {
    /// Always there; only taken to give it another batch size.
    storage: Option<Storage>,
    config: Config,
    link: Link,
    wake: Wake,
    net: Interval,
    free: Arc<Semaphore>,
}

impl Announced {
    /// `free` are the permits of the crew, of which the service holds one whenever it is ready.
    pub(super) fn new(config: Config, link: Link, wake: Wake, free: Arc<Semaphore>) -> Self {
        let storage = RedisStorage::new(link.clone()).with_config(config.clone());
        let mut net = tokio::time::interval(NET);
        net.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            storage: Some(storage),
            config,
            link,
            wake,
            net,
            free,
        }
    }

    /// Only what can start at once is fetched: a batch that waits in apalis's buffer would stop the
    /// heartbeats, and other workers would take a live worker's ids (pitfalls 4).
    fn fit_batch(&mut self) {
        let batch = (1 + self.free.available_permits()).min(BATCH);
        if batch != self.config.batch_size {
            self.config = self.config.clone().batch_size(batch);
            self.storage = self
                .storage
                .take()
                .map(|storage| storage.with_config(self.config.clone()));
        }
    }
}

impl Backend for Announced {
    type Task = Task<Delivery>;
    type Error = Error;

    fn poll_ready(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Error>> {
        match &mut self.storage {
            Some(storage) => Backend::poll_ready(storage, cx, worker),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Error>>> {
        loop {
            if !self.link.is_busy() {
                // A fetch begins now, or follows before the worker rests: it sees all announced before.
                self.wake.answer();
                self.fit_batch();
            }
            let Some(storage) = &mut self.storage else {
                return Poll::Ready(None);
            };
            match storage.poll_next(cx, worker) {
                Poll::Ready(next) => {
                    let decode = |task: Task<Vec<u8>>| task.map_args(|bytes| Delivery::decode(&bytes));
                    return Poll::Ready(next.map(|task| task.map(decode)));
                }
                Poll::Pending if self.link.is_busy() => return Poll::Pending,
                // It came back empty.
                Poll::Pending => {
                    let due = self.net.poll_tick(cx).is_ready();
                    if !self.wake.knocked_or_wait(cx) && !due {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Error>> {
        match &mut self.storage {
            Some(storage) => Backend::poll_close(storage, cx, worker),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl BackendConfig for Announced {
    type Args = Delivery;
    type Id = <Storage as BackendConfig>::Id;
    type Kind = Ephemeral;
    type Config = Config;
    type Layer = <Storage as BackendConfig>::Layer;

    fn config(&self) -> &Config {
        &self.config
    }

    fn middleware(&mut self, worker: &mut WorkerContext) -> Self::Layer {
        // The channel of acknowledgements is made for the largest batch; `new` gave it the smallest.
        let largest = self.config.clone().batch_size(BATCH);
        let storage = self.storage.take().map(|storage| storage.with_config(largest));
        let mut storage = storage.unwrap_or_else(|| RedisStorage::new(self.link.clone()));
        let layer = storage.middleware(worker);
        self.storage = Some(storage.with_config(self.config.clone()));
        layer
    }
}
