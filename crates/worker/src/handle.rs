//! What happens when a bell rings: one run of the engine, or several while rows of the entity come in.

use std::sync::Arc;
use std::time::Duration;

use domain::company::Company;
use domain::ports::{Doorbell, Ring, Side};
use domain::store::{Outcome, Status};
use engine::{Engine, Ran};
use metrics::{counter, gauge, histogram};
use tracing::{debug, error, info, warn};

/// A retry further away than this is left to the sweeper.
const LONGEST_TIMER: Duration = Duration::from_secs(300);

/// Runs the engine for rung rows.
#[derive(Clone)]
pub struct Handler {
    engine: Arc<Engine>,
    doorbell: Arc<dyn Doorbell>,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

impl Handler {
    /// A handler on this engine; retries are rung for on `doorbell` when their time comes.
    #[must_use]
    pub fn new(engine: Arc<Engine>, doorbell: Arc<dyn Doorbell>) -> Self {
        // From zero, so that the first one is seen as a rise.
        for result in ["busy", "not_due", "fenced", "done_already", "unavailable"] {
            counter!("sync_rings_without_run_total", "result" => result).increment(0);
        }
        for name in [
            "sync_store_errors_total",
            "sync_handler_panics_total",
            "sync_swept_rows_total",
            "audit_rows_pruned_total",
        ] {
            counter!(name).increment(0);
        }
        Self { engine, doorbell }
    }

    /// Carries out what a rung row asks for. Never fails: whatever happens stands in the database, and what does
    /// not is found again by the sweeper.
    pub async fn handle(self, ring: Ring) {
        gauge!("sync_active").increment(1);
        let mut next = Some(ring);
        while let Some(ring) = next.take() {
            next = self.once(ring).await;
        }
        gauge!("sync_active").decrement(1);
    }

    async fn once(&self, ring: Ring) -> Option<Ring> {
        match self.engine.run(&ring).await {
            Ok(Ran::Ended {
                row,
                company,
                heard: source,
                outcome,
                took,
                next,
                also,
            }) => {
                log_outcome(row, (source, company), &outcome, took);
                // A bell that can't be rung now is the sweeper's business.
                let _ = self.doorbell.ring(&also).await;
                let (mut ring, wait) = next?;
                if wait.is_zero() {
                    return Some(ring);
                }
                ring.traceparent = ring.traceparent.or(service::telemetry::current_traceparent());
                self.later(ring, wait);
                None
            }
            Ok(quiet) => {
                let result = match quiet {
                    Ran::Busy => "busy",
                    Ran::NotDue => "not_due",
                    Ran::Fenced => "fenced",
                    // The sweeper rings again when the system is back.
                    Ran::Unavailable(_) => "unavailable",
                    Ran::Done | Ran::Ended { .. } => "done_already",
                };
                counter!("sync_rings_without_run_total", "result" => result).increment(1);
                None
            }
            Err(problem) => {
                counter!("sync_store_errors_total").increment(1);
                error!(row = %ring.row, error = %problem, "sync of row {} is put off: {problem}", ring.row);
                None
            }
        }
    }

    /// Rings when the retry is due, without holding a slot. A restart forgets this; the sweeper does not.
    fn later(&self, ring: Ring, wait: Duration) {
        if wait > LONGEST_TIMER {
            return;
        }
        let doorbell = self.doorbell.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            // A bell that can't be rung now is the sweeper's business.
            let _ = doorbell.ring(&[ring]).await;
        });
    }
}

/// One line and the figures. Never values of fields: they are personal data, and stand in the audit row.
fn log_outcome(row: uuid::Uuid, (source, company): (Side, Company), outcome: &Outcome, took: Duration) {
    let direction = match source {
        Side::Crm => "crm_to_finance",
        Side::Finance => "finance_to_crm",
    };
    let status = match outcome.status {
        Status::Success => "success",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
        Status::Conflict => "conflict",
        Status::Pending | Status::InProgress => "retry",
    };
    let class = outcome.error_class.unwrap_or("none");
    let of = company.to_string();
    counter!(
        "sync_runs_total",
        "company" => of, "direction" => direction, "result" => status, "error_class" => class
    )
    .increment(1);
    histogram!("sync_run_duration_seconds", "direction" => direction).record(took.as_secs_f64());
    let ms = took.as_millis();
    let why = outcome.text().filter(|_| class != "conflict").unwrap_or_default();
    match outcome.status {
        Status::Success => {
            info!(%row, direction, ms, "✅ Synced, row {row}: {}", if why.is_empty() { "updated" } else { &why })
        }
        Status::Skipped => info!(%row, direction, ms, "⏭️ Nothing to do, row {row}: {why}"),
        // Said once for all of them, by the circuit breaker.
        Status::Pending if class == "unavailable" => {
            debug!(%row, direction, class, "⏳ Sync waits, row {row}: {why}")
        }
        Status::Pending | Status::InProgress => {
            warn!(%row, direction, class, "⏳ Sync waits, row {row}: {why}")
        }
        Status::Conflict => {
            warn!(%row, direction, class, "⚠️ Sync needs a human, row {row}: see `siaghsync show {row}`")
        }
        Status::Failed => {
            error!(%row, direction, class, "❌ Sync failed, row {row}: {why}; see `siaghsync show {row}`")
        }
    }
}
