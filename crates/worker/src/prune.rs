//! Empties audit rows that are older than `AUDIT_RETENTION_DAYS` of what they hold of people. In small steps, so that
//! no sync waits for it. It never deletes a row, an event key or a link.

use std::sync::Arc;
use std::time::Duration;

use domain::store::{Store, StoreResult};
use metrics::counter;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// So many rows are emptied in one statement.
const BATCH: u64 = 200;
/// The rest between two statements.
const REST: Duration = Duration::from_millis(200);
/// How often to look for rows that have become old.
const EVERY: Duration = Duration::from_secs(3600);

/// Prunes in every worker; the store lets one at a time.
#[derive(Clone)]
pub struct Pruner {
    /// Where the rows are.
    pub store: Arc<dyn Store>,
    /// `AUDIT_RETENTION_DAYS`; `None`: rows keep everything for ever.
    pub retention: Option<Duration>,
}

impl std::fmt::Debug for Pruner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pruner")
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

impl Pruner {
    /// Looks once at the start and then every hour, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let Some(retention) = self.retention else { return };
        loop {
            let looked = tokio::select! {
                () = shutdown.cancelled() => return,
                looked = self.look(retention) => looked,
            };
            match looked {
                Ok(0) => {}
                Ok(rows) => info!(rows, "emptied {rows} audit rows older than AUDIT_RETENTION_DAYS"),
                Err(error) => warn!(%error, "old audit rows can't be emptied now: {error}; trying again"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(EVERY.mul_f64(rand::random_range(0.8..=1.0))) => {}
            }
        }
    }

    async fn look(&self, retention: Duration) -> StoreResult<u64> {
        let mut all = 0;
        loop {
            let rows = self.store.prune(retention, BATCH).await?;
            counter!("audit_rows_pruned_total").increment(rows);
            all += rows;
            if rows < BATCH {
                return Ok(all);
            }
            tokio::time::sleep(REST).await;
        }
    }
}
