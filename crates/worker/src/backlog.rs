//! The figures of what is not done, for the metrics. It only counts.

use std::time::Duration;

use domain::store::{Backlog, Store};
use metrics::gauge;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How often the database is asked: two cheap statements.
const EVERY: Duration = Duration::from_secs(15);

/// Counts until `shutdown`.
pub(crate) async fn count(store: &dyn Store, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        match store.backlog().await {
            Ok(backlog) => set_gauges(&backlog),
            Err(error) => debug!(%error, "the backlog can't be counted: {error}"),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of rows")]
fn set_gauges(backlog: &Backlog) {
    for (status, rows) in [
        ("pending", backlog.pending),
        ("in_progress", backlog.in_progress),
        ("conflict", backlog.conflict),
        ("failed", backlog.failed),
    ] {
        gauge!("sync_rows", "status" => status).set(rows as f64);
    }
    gauge!("sync_retries_waiting").set(backlog.retries as f64);
    let oldest = backlog.oldest.unwrap_or_default();
    gauge!("sync_oldest_pending_seconds").set(oldest.as_secs_f64());
}
