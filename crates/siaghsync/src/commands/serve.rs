//! `siaghsync serve`: ingest and worker in one process, with an in-process queue. Only wiring: everything that runs
//! here is what the two services run.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use domain::store::sql::SqlStore;
use ingest::pollers::Pollers;
use ingest::store::LateStore;
use ingest::webhooks::App;
use service::database::{self, DatabaseCheck};
use service::doorbell::{Listener, in_process};
use service::gates::Gates;
use service::http;
use service::settings::Settings;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use worker::{Parts, assemble};

/// So many ids wait in memory; further rows wait in the database.
const CAPACITY: usize = 2000;
/// SQLite has one writer; readers need few.
const CONNECTIONS: u32 = 8;

pub(crate) fn run() -> ExitCode {
    service::process::run("siaghsync", super::SYSTEMS, |settings, shutdown| async move {
        let port = settings.http.port;
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
            .await
            .with_context(|| {
                format!("port {port} (PORT) can't be used: stop the program that has it, or set another PORT")
            })?;
        let Some(store) = database::wait(&settings, CONNECTIONS, &shutdown).await? else {
            return Ok(());
        };
        embedded(&settings, store, listener, shutdown).await
    })
}

/// Serves webhooks on `listener`, polls, and carries out what they say, until `shutdown`.
pub(crate) async fn embedded(
    settings: &Settings,
    store: SqlStore,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let (doorbell, rings) = in_process(CAPACITY);
    let gates = Gates::new(settings, &store);
    let of_syncs = gates.for_syncs(settings);
    let engine = assemble::engine(settings, &store, &of_syncs)?;
    let late = LateStore::default();
    late.set(Arc::new(store.clone()));
    let app = App::new(&settings.webhooks, late, Arc::new(doorbell.clone()));
    let checks: Vec<Arc<dyn http::Check>> = vec![Arc::new(DatabaseCheck(store.clone()))];
    let router = app
        .router()
        .merge(http::router("SiaghSync", store.clock(), checks));
    tracing::info!("listening on {}", listener.local_addr()?);
    let pollers = Pollers::new(settings, &store, Arc::new(doorbell.clone()), gates)?;
    let noted = app.note_last_events(store.clone(), shutdown.clone());
    let parts = Parts {
        store,
        doorbell: Arc::new(doorbell),
        listener: Listener::InProcess(rings),
        engine,
        gates: of_syncs,
    };
    let (served, (), (), ()) = tokio::join!(
        http::serve(listener, router, shutdown.clone()),
        pollers.run(shutdown.clone()),
        noted,
        worker::run(parts, settings, shutdown.clone())
    );
    app.drain().await;
    served
}
