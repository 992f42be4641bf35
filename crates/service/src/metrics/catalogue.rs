//! Every figure that the processes tell: its name, what it counts, and who tells it. `deploy/METRICS.md` says the same,
//! row by row, and a test compares the two with what the processes really tell.

/// What kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// As it is now.
    Gauge,
    /// Spread over buckets.
    Histogram,
}

impl Kind {
    /// As Prometheus says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Who tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Workers.
    Worker,
    /// Ingest.
    Ingest,
    /// Both.
    Both,
}

/// One figure.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// Who tells it.
    pub by: By,
    /// Its name, unit included.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its labels, separated by commas; empty: none.
    pub labels: &'static str,
    /// What it means, for `# HELP`.
    pub meaning: &'static str,
}

const fn figure(
    by: By,
    kind: Kind,
    name: &'static str,
    labels: &'static str,
    meaning: &'static str,
) -> Figure {
    Figure {
        by,
        name,
        kind,
        labels,
        meaning,
    }
}

/// All of them, in the order of `deploy/METRICS.md`.
pub const FIGURES: &[Figure] = &[
    figure(
        By::Worker,
        Kind::Counter,
        "sync_runs_total",
        "company, direction, result, error_class",
        "syncs that ran; result: success, skipped, failed, conflict, retry; error_class: none, transient, unavailable, session, refused, taken, unknown_outcome, dependency, conflict, integrity, invalid, poison",
    ),
    figure(
        By::Worker,
        Kind::Histogram,
        "sync_run_duration_seconds",
        "direction",
        "time of a sync, from its claim to its commit",
    ),
    figure(
        By::Worker,
        Kind::Gauge,
        "sync_active",
        "",
        "syncs under way in this worker",
    ),
    figure(
        By::Worker,
        Kind::Counter,
        "sync_rings_without_run_total",
        "result",
        "rings that led to no sync; result: busy, not_due, fenced, done_already, unavailable",
    ),
    figure(
        By::Worker,
        Kind::Counter,
        "sync_store_errors_total",
        "",
        "syncs put off because the database failed",
    ),
    figure(
        By::Worker,
        Kind::Counter,
        "sync_handler_panics_total",
        "",
        "syncs that broke; each is a bug",
    ),
    figure(
        By::Worker,
        Kind::Counter,
        "sync_swept_rows_total",
        "",
        "rows that the sweeper rang for",
    ),
    figure(
        By::Worker,
        Kind::Counter,
        "audit_rows_pruned_total",
        "",
        "audit rows that this worker has emptied (AUDIT_RETENTION_DAYS)",
    ),
    figure(
        By::Worker,
        Kind::Gauge,
        "sync_doorbell_depth",
        "",
        "ids that wait in the queue",
    ),
    figure(
        By::Worker,
        Kind::Gauge,
        "sync_rows",
        "status",
        "rows of \"SyncLog\" that are not done; status: pending, in_progress, conflict, failed",
    ),
    figure(
        By::Worker,
        Kind::Gauge,
        "sync_oldest_pending_seconds",
        "",
        "age of the oldest row that is PENDING or IN_PROGRESS; 0: there is none",
    ),
    figure(
        By::Worker,
        Kind::Gauge,
        "sync_retries_waiting",
        "",
        "rows that wait for their retry time",
    ),
    figure(
        By::Both,
        Kind::Counter,
        "outside_calls_total",
        "system, endpoint, result",
        "calls that were sent; endpoint: the path; result: success, refused (4xx), unavailable (5xx, 429, a web page), no_answer",
    ),
    figure(
        By::Both,
        Kind::Histogram,
        "outside_call_duration_seconds",
        "system, endpoint",
        "time until the whole answer was there",
    ),
    figure(
        By::Both,
        Kind::Gauge,
        "outside_breaker_open",
        "system",
        "1: the system is down, only probes are sent; 0: it answers",
    ),
    figure(
        By::Both,
        Kind::Counter,
        "outside_held_calls_total",
        "system",
        "calls not sent because the breaker was open",
    ),
    figure(
        By::Both,
        Kind::Counter,
        "outside_paced_total",
        "system, result",
        "calls that met the ceiling of calls per second; result: waited, put_off",
    ),
    figure(
        By::Ingest,
        Kind::Counter,
        "webhooks_received_total",
        "source, form, result",
        "webhooks by what became of them",
    ),
    figure(
        By::Ingest,
        Kind::Histogram,
        "webhook_duration_seconds",
        "source, form",
        "time until a webhook was answered",
    ),
    figure(
        By::Ingest,
        Kind::Counter,
        "webhook_inserts_total",
        "result",
        "groups of webhooks written to the database; result: done, failed",
    ),
    figure(
        By::Ingest,
        Kind::Counter,
        "webhook_rings_total",
        "result",
        "rings for them; result: rung, full, unreachable",
    ),
    figure(
        By::Ingest,
        Kind::Counter,
        "poll_runs_total",
        "poll, result",
        "looks; result: done or the class of the failure",
    ),
    figure(
        By::Ingest,
        Kind::Histogram,
        "poll_duration_seconds",
        "poll",
        "time of a look that was done",
    ),
    figure(
        By::Ingest,
        Kind::Gauge,
        "poll_last_success_timestamp_seconds",
        "poll",
        "when the last look that was done began (Unix time); freshness is time() less this",
    ),
    figure(
        By::Ingest,
        Kind::Gauge,
        "poll_lag_seconds",
        "poll",
        "how old what is known of the system was when last looked",
    ),
    figure(
        By::Ingest,
        Kind::Counter,
        "poll_changes_total",
        "poll",
        "changes found",
    ),
    figure(
        By::Ingest,
        Kind::Gauge,
        "poll_held",
        "poll",
        "1: the guard holds this poll until siaghsync resume",
    ),
    figure(
        By::Ingest,
        Kind::Counter,
        "poll_guard_trips_total",
        "poll",
        "how often the guard has stopped it",
    ),
    figure(
        By::Ingest,
        Kind::Counter,
        "poll_records_set_aside_total",
        "system",
        "records that a look could not read, each look anew",
    ),
    figure(
        By::Ingest,
        Kind::Gauge,
        "poll_records_set_aside",
        "system, record",
        "records that can't be read at present; siaghsync check lists them",
    ),
    figure(
        By::Ingest,
        Kind::Gauge,
        "finance_contacts",
        "company",
        "contacts that finance showed at the last look",
    ),
];
