//! What a poll says of itself: the log lines that operators look for, and the figures.

use chrono::{DateTime, Utc};
use domain::message::Message;
use domain::polls::PollLease;
use metrics::{counter, gauge, histogram};
use tracing::{debug, info, warn};

use super::{Failure, Pollers, Source};

/// From zero, so that the first one is seen as a rise.
pub(super) fn starts(source: Source) {
    let (poll, system) = (source.poll(), source.system().to_ascii_lowercase());
    counter!("poll_changes_total", "poll" => poll.clone()).increment(0);
    counter!("poll_guard_trips_total", "poll" => poll.clone()).increment(0);
    counter!("poll_records_set_aside_total", "system" => system).increment(0);
}

/// Freshness: when what is known of the system was read.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of Unix time fit")]
fn known_since(poll: String, at: DateTime<Utc>) {
    gauge!("poll_last_success_timestamp_seconds", "poll" => poll).set(at.timestamp_millis() as f64 / 1000.0);
}

#[expect(clippy::cast_precision_loss, reason = "seconds")]
pub(super) fn begins(pollers: &Pollers, source: Source, turn: &PollLease) {
    let poll = source.poll();
    if let Some(last) = turn.last {
        known_since(poll.clone(), last.started_at);
        let lag = pollers.clock.now() - last.started_at;
        gauge!("poll_lag_seconds", "poll" => poll.clone()).set(lag.num_seconds().max(0) as f64);
    }
    info!(
        poll,
        "🔄 Polling {} for {} changes...",
        source.system(),
        source.record()
    );
}

pub(super) fn done(pollers: &Pollers, source: Source, turn: &PollLease) {
    let poll = source.poll();
    let took = (pollers.clock.now() - turn.started_at)
        .to_std()
        .unwrap_or_default();
    counter!("poll_runs_total", "poll" => poll.clone(), "result" => "done").increment(1);
    histogram!("poll_duration_seconds", "poll" => poll.clone()).record(took.as_secs_f64());
    gauge!("poll_lag_seconds", "poll" => poll.clone()).set(took.as_secs_f64());
    known_since(poll.clone(), turn.started_at);
}

pub(super) fn found(source: Source, changes: usize) {
    let (poll, system, record) = (source.poll(), source.system(), source.record());
    counter!("poll_changes_total", "poll" => poll.clone()).increment(changes as u64);
    if changes > 0 {
        info!(poll, "Found {changes} updated {record}s in {system}");
    } else {
        debug!(poll, "Found 0 updated {record}s in {system}");
    }
}

pub(super) fn queued(source: Source, rows: u64) {
    if rows > 0 {
        let record = source.record();
        info!(poll = source.poll(), "✅ Queued {rows} {record}s for sync");
    }
}

pub(super) fn held(source: Source, row: uuid::Uuid, why: &Message) {
    let poll = source.poll();
    counter!("poll_guard_trips_total", "poll" => poll.clone()).increment(1);
    gauge!("poll_held", "poll" => poll.clone()).set(1.0);
    warn!(poll, %row, "🛑 The guard holds poll {why}");
}

/// Once a failure lasts, each further one is for the curious only.
pub(super) fn failed(source: Source, failure: &Failure, times: u32) {
    let (poll, class) = (source.poll(), failure.class());
    counter!("poll_runs_total", "poll" => poll.clone(), "result" => class).increment(1);
    if matches!(failure, Failure::Store(domain::store::StoreError::Fenced)) {
        info!(poll, "poll {poll} was taken over by another process");
    } else if times.is_power_of_two() {
        warn!(
            poll,
            class, times, "poll {poll} failed, nothing was changed: {failure}"
        );
    } else {
        debug!(poll, class, times, "poll {poll} failed again: {failure}");
    }
}
