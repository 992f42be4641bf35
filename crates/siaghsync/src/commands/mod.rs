//! The commands, one file each, and what they share.

use std::future::Future;

use domain::store::sql::SqlStore;
use service::gates::Gates;
use service::settings::{Needs, Settings};

pub(crate) mod aside;
pub(crate) mod check;
pub(crate) mod clocks;
mod column;
pub(crate) mod completions;
pub(crate) mod dates;
pub(crate) mod documents;
pub(crate) mod guard;
pub(crate) mod hash_password;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod migrate;
mod one_sided;
pub(crate) mod output;
pub(crate) mod part;
pub(crate) mod plan;
pub(crate) mod province;
pub(crate) mod queue;
pub(crate) mod resolve;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod row;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod sync;
pub(crate) mod typed;
pub(crate) mod webhooks;

/// Only `DATABASE_URL` is needed.
pub(crate) const DATABASE: Needs = Needs {
    redis: false,
    crm: false,
    finance: false,
};
/// Both outside systems are needed, too.
pub(crate) const SYSTEMS: Needs = Needs {
    redis: false,
    crm: true,
    finance: true,
};

/// Runs a command's future with the log quiet unless `RUST_LOG` says otherwise.
pub(crate) fn block_on<T>(
    settings: &Settings,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    service::crypto::install();
    let mut telemetry = settings.telemetry.clone();
    telemetry.filter.get_or_insert_with(|| "warn".to_owned());
    let guard = service::telemetry::init("siaghsync", &telemetry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    guard.shutdown();
    result
}

/// The store, on few connections.
pub(crate) async fn open(settings: &Settings) -> anyhow::Result<SqlStore> {
    service::database::open(settings, 4).await
}

/// The gates before both systems, with what the services know of outages.
pub(crate) async fn gates(settings: &Settings, store: &SqlStore) -> anyhow::Result<Gates> {
    let gates = Gates::new(settings, store);
    gates.refresh().await?;
    Ok(gates)
}
