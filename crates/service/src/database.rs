//! Opening the database: refuses tables older than the program, waits for a server that is down.

use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use domain::store::sql::{SqlStore, connect};
use domain::store::{NotServed, Store, StoreError, words};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::http::Check;
use crate::settings::Settings;

/// How long to wait before a server that is down is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// The tables are older than the program.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database's tables are {0} step(s) older than this program: run `siaghsync migrate`, then start again"
)]
pub struct OldSchema(pub usize);

/// The tables can be read and not written.
#[derive(Debug, thiserror::Error)]
#[error(
    "DATABASE_URL: the tables can't be written ({0}): give its user the right to (it best owns the tables, as the one \
     that ran `siaghsync migrate` does), or name the server that is no read-only copy"
)]
pub struct ReadOnly(pub StoreError);

/// Opens the store on at most `connections` connections.
///
/// # Errors
/// When the database can't be reached, [`OldSchema`], or [`NotServed`].
pub async fn open(settings: &Settings, connections: u32) -> anyhow::Result<SqlStore> {
    let store = opened(settings, connections).await?;
    info!("✅ Database connected");
    Ok(store)
}

async fn opened(settings: &Settings, connections: u32) -> anyhow::Result<SqlStore> {
    let db = connect(settings.database.url.expose_secret(), connections)
        .await
        .context("DATABASE_URL: the database can't be reached")?;
    let behind = migrations::pending(&db)
        .await
        .map_err(|error| anyhow::anyhow!("the database can't be asked for its tables: {}", words(&error)))?;
    if behind > 0 {
        return Err(OldSchema(behind).into());
    }
    let store = SqlStore::new(db).await?;
    store.can_serve(&settings.companies).await??;
    Ok(store.serving(settings.companies.clone()))
}

/// [`open`] for a service that writes: tries that first.
async fn open_to_write(settings: &Settings, connections: u32) -> anyhow::Result<SqlStore> {
    let store = opened(settings, connections).await?;
    store.try_writing().await.map_err(ReadOnly)?;
    info!("✅ Database connected");
    Ok(store)
}

/// [`open_to_write`], again and again while the server is down; `None` when `shutdown` came first.
///
/// # Errors
/// [`OldSchema`] and [`NotServed`]: waiting does not help. A database that can't be written may be so for a moment only (a failover):
/// that is waited for.
pub async fn wait(
    settings: &Settings,
    connections: u32,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<SqlStore>> {
    let mut told = String::new();
    loop {
        match open_to_write(settings, connections).await {
            Ok(store) => return Ok(Some(store)),
            Err(error) if error.is::<OldSchema>() || error.is::<NotServed>() => return Err(error),
            Err(error) => {
                let error = format!("{error:#}");
                if error != told {
                    warn!(%error, "waiting for the database: {error}");
                    told = error;
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// The `database` part of readiness.
#[derive(Debug, Clone)]
pub struct DatabaseCheck(pub SqlStore);

#[async_trait]
impl Check for DatabaseCheck {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.ping().await.map_err(|error| error.to_string())
    }
}
