//! `siagh-worker`: carries out syncs; any number of these may run.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use secrecy::ExposeSecret;
use service::database::{self, DatabaseCheck};
use service::doorbell::{Listener, RedisDoorbell, RedisListener, RedisOptions};
use service::gates::Gates;
use service::http;
use service::settings::{Needs, Settings};
use tokio_util::sync::CancellationToken;
use worker::{Parts, assemble};

fn main() -> ExitCode {
    service::process::run("siagh-worker", Needs::DISTRIBUTED, work)
}

async fn work(settings: Settings, shutdown: CancellationToken) -> anyhow::Result<()> {
    let address = SocketAddr::from(([0, 0, 0, 0], settings.http.worker_port));
    let http = tokio::net::TcpListener::bind(address).await.with_context(|| {
        format!(
            "port {} (WORKER_PORT) can't be used: stop the program that has it, or set another WORKER_PORT",
            settings.http.worker_port
        )
    })?;
    // A running sync holds no connection while it waits for an outside system.
    let connections = u32::try_from(settings.worker.concurrency / 2 + 4).unwrap_or(32);
    let Some(store) = database::wait(&settings, connections, &shutdown).await? else {
        return Ok(());
    };
    let redis = settings.redis()?.url.expose_secret();
    let options = RedisOptions::default();
    let doorbell = RedisDoorbell::connect(redis, &options)?;
    let listener = Listener::Redis(Box::new(RedisListener::new(redis, &options)?));
    let gates = Gates::new(&settings, &store).for_syncs(&settings);
    let engine = assemble::engine(&settings, &store, &gates)?;
    let checks: Vec<Arc<dyn http::Check>> =
        vec![Arc::new(DatabaseCheck(store.clone())), Arc::new(doorbell.clone())];
    let router = http::router("SiaghSync", store.clock(), checks);
    let parts = Parts {
        store,
        doorbell: Arc::new(doorbell),
        listener,
        engine,
        gates,
    };
    // Health answers until the last sync has ended.
    let ended = CancellationToken::new();
    let serving = tokio::spawn(http::serve(http, router, ended.clone()));
    worker::run(parts, &settings, shutdown).await;
    ended.cancel();
    serving.await??;
    Ok(())
}
