//! A worker from start to end, whatever kind of queue rings.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::Doorbell;
use domain::store::sql::SqlStore;
use engine::Engine;
use service::doorbell::{Listener, Listening};
use service::gates::{self, Gates};
use service::settings::Settings;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{Handler, Pruner, Sweeper, backlog, greet};

/// What a worker is made of; only these differ between the two ways to run.
pub struct Parts {
    /// The store.
    pub store: SqlStore,
    /// The bell that is rung for retries and by the sweeper.
    pub doorbell: Arc<dyn Doorbell>,
    /// Where rings are heard.
    pub listener: Listener,
    /// The engine.
    pub engine: Engine,
    /// The gates that its calls pass.
    pub gates: Gates,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("store", &self.store)
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// Works until `shutdown`; then starts nothing new and returns when the running syncs have ended, at the latest
/// when their leases have.
pub async fn run(parts: Parts, settings: &Settings, shutdown: CancellationToken) {
    let engine = Arc::new(parts.engine);
    let handler = Handler::new(engine.clone(), parts.doorbell.clone());
    let store = Arc::new(parts.store);
    let pruner = Pruner {
        store: store.clone(),
        retention: settings.sync.audit_retention,
    };
    let sweeper = Sweeper {
        store: store.clone(),
        doorbell: parts.doorbell,
        interval: settings.sync.sweep_interval,
        gates: parts.gates.clone(),
    };
    let concurrency = gates::useful_concurrency(settings);
    if concurrency < settings.worker.concurrency {
        info!(
            concurrency,
            "the ceiling of calls per second leaves room for {concurrency} syncs at a time"
        );
    }
    let how = Listening {
        concurrency,
        grace: settings.sync.lease + Duration::from_secs(5),
        name: engine.owner.clone(),
    };
    let listening = parts
        .listener
        .run(how, move |ring| handler.clone().handle(ring), shutdown.clone());
    let finances = engine.finances();
    tokio::join!(
        listening,
        sweeper.clone().run(shutdown.clone()),
        sweeper.count(shutdown.clone()),
        pruner.run(shutdown.clone()),
        backlog::count(&*store, shutdown.clone()),
        greet(&engine, shutdown.clone()),
        parts.gates.keep(&*engine.crm, &finances, shutdown.clone()),
    );
}
