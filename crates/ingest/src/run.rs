//! The service: listens at once, has its database when it comes, ends in good order. It never migrates tables.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{clock::SystemClock, ports::Doorbell};
use service::{
    database,
    gates::Gates,
    http::{self, Check},
    settings::Settings,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{pollers::Pollers, store::LateStore, webhooks::App};

/// One for the writer of webhooks, one for each poll and its lease, the others for readiness.
const CONNECTIONS: u32 = 8;
/// How long the last events may take to be stored.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves webhooks, health and metrics on `listener` until `shutdown`; then running requests end and what was
/// heard is stored. Database and doorbell may come later.
///
/// # Errors
/// When the tables are older than the program ([`database::OldSchema`]), or the listener breaks.
pub async fn run<D>(
    settings: &Settings,
    listener: TcpListener,
    doorbell: D,
    shutdown: CancellationToken,
) -> anyhow::Result<()>
where
    D: Doorbell + Check + Clone + 'static,
{
    let store = LateStore::default();
    let bell: Arc<dyn Doorbell> = Arc::new(doorbell.clone());
    let app = App::new(&settings.webhooks, store.clone(), bell.clone());
    let checks: Vec<Arc<dyn Check>> = vec![Arc::new(store.clone()), Arc::new(Required(doorbell))];
    let health = http::router("SiaghSync", Arc::new(SystemClock), checks);
    let router = app.router().merge(health);
    info!("listening on {}", listener.local_addr()?);

    let stop = shutdown.child_token();
    let opening = async {
        let ended = with_database(settings, &store, bell, &app, &stop).await;
        if ended.is_err() {
            stop.cancel();
        }
        ended
    };
    let (served, opened) = tokio::join!(http::serve(listener, router, stop.clone()), opening);
    if tokio::time::timeout(DRAIN, app.drain()).await.is_err() {
        warn!(
            "some webhooks were not stored within {} s; they were not answered 202",
            DRAIN.as_secs()
        );
    }
    opened.and(served)
}

/// What begins when the database has come: webhooks are stored, and both systems are polled (if their settings are
/// there, as the binary demands).
async fn with_database(
    settings: &Settings,
    store: &LateStore,
    bell: Arc<dyn Doorbell>,
    app: &App,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let Some(opened) = database::wait(settings, CONNECTIONS, stop).await? else {
        return Ok(());
    };
    store.set(Arc::new(opened.clone()));
    if settings.crm.is_some() && !settings.finance.is_empty() {
        let gates = Gates::new(settings, &opened);
        let pollers = Pollers::new(settings, &opened, bell, gates)?;
        tokio::join!(
            pollers.run(stop.clone()),
            app.note_last_events(opened, stop.clone())
        );
    }
    Ok(())
}

/// Readiness names every part that is down with `503` (design, "Ingest HTTP"), though webhooks are stored without
/// a bell.
struct Required<C>(C);

#[async_trait]
impl<C: Check> Check for Required<C> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn check(&self) -> Result<(), String> {
        self.0.check().await
    }
}
