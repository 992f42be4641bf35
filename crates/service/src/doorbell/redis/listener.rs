//! The end where rings are heard: one apalis worker after the other, because every hiccup of Redis ends one
//! (pitfalls 6). The handlers outlive them (see `crew`).

use std::{future::Future, time::Duration};

use domain::ports::{BellError, Ring};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use uuid::Uuid;

use super::{
    backend::Announced,
    keys::{self, Keys},
    link::Link,
    location::Location,
    options::RedisOptions,
    upkeep::Upkeep,
    wake::{self, Wake},
    wire::Wire,
};
use crate::doorbell::{crew::Crew, listening::Listening, worker};

/// How long a command of the worker may take: a pause of Redis shorter than this is not even noticed.
const ANSWER: Duration = Duration::from_secs(6);
/// The pauses before a new worker, from the first failure in a row on.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);
/// A worker that lived as long as this was well.
const WELL: Duration = Duration::from_secs(5);

/// Hears rings from Redis.
#[derive(Debug)]
pub struct RedisListener {
    location: Location,
    namespace: String,
}

impl RedisListener {
    /// A listener on this Redis, which need not be up yet.
    ///
    /// # Errors
    /// When `url` is no Redis address.
    pub fn new(url: &str, options: &RedisOptions) -> Result<Self, BellError> {
        Ok(Self {
            location: Location::new(url, &Keys::new(&options.namespace).active)?,
            namespace: options.namespace.clone(),
        })
    }

    /// See [`crate::doorbell::Listener::run`].
    pub async fn run<H, F>(self, how: Listening, handler: H, shutdown: CancellationToken)
    where
        H: Fn(Ring) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let keys = Keys::new(&self.namespace);
        let over = CancellationToken::new();
        let crew = Crew::new(handler, how.concurrency, &over, "redis", &self.namespace);
        let wake = Wake::default();
        let work = async {
            tokio::select! {
                () = self.workers(&how, &keys, &wake, &crew, &shutdown, &over) => {}
                () = wake::listen(&self.location, &keys.channel, &wake) => {}
            }
            crew.finished().await;
        };
        worker::within_grace(work, how.grace, &shutdown, &over).await;
    }

    /// One worker after the other, until shutdown.
    async fn workers<H, F>(
        &self,
        how: &Listening,
        keys: &Keys,
        wake: &Wake,
        crew: &Crew<H>,
        shutdown: &CancellationToken,
        over: &CancellationToken,
    ) where
        H: Fn(Ring) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let mut pause = SHORTEST;
        let mut failing = false;
        while !shutdown.is_cancelled() {
            let started = Instant::now();
            // Fresh each time: apalis refuses a name whose last sign of life is young.
            let name = format!("{}-{}", how.name, Uuid::new_v4().simple());
            let upkeep = Upkeep::new(&self.location, keys);
            let ended = tokio::select! {
                ended = self.one(&name, wake, crew, shutdown) => ended,
                () = upkeep.go_on(&name) => Ok(()),
                () = over.cancelled() => Ok(()),
            };
            upkeep.hand_back(&name).await;
            let Err(error) = ended else { continue };
            if started.elapsed() >= WELL {
                pause = SHORTEST;
                failing = false;
            }
            if failing {
                debug!(error, "the queue is still not there");
            } else {
                warn!(
                    error,
                    "the queue (Redis) broke off: {error}; it is tried again, rows are safe in the database"
                );
                failing = true;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST),
                () = shutdown.cancelled() => {}
            }
        }
        info!(running = crew.running(), "the queue is no longer listened to");
    }

    async fn one<H, F>(
        &self,
        name: &str,
        wake: &Wake,
        crew: &Crew<H>,
        shutdown: &CancellationToken,
    ) -> Result<(), String>
    where
        H: Fn(Ring) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let link = Link::new(Wire::new(&self.location, ANSWER));
        let config = keys::config(&self.namespace);
        let backend = Announced::new(config, link, wake.clone(), crew.permits());
        worker::live(name, backend, crew, shutdown).await
    }
}
