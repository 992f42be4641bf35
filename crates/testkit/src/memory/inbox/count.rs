//! How many rows there are, and how the last run of an entity ended.

use chrono::{DateTime, Utc};
use domain::store::{Backlog, LastRun, Stats, Status, message_of};
use uuid::Uuid;

use crate::memory::tables::Tables;

pub(in crate::memory) fn count(tables: &Tables) -> Stats {
    let mut stats = Stats::default();
    for row in tables.log.values() {
        *match row.status {
            Status::Pending => &mut stats.pending,
            Status::InProgress => &mut stats.in_progress,
            Status::Success => &mut stats.success,
            Status::Failed => &mut stats.failed,
            Status::Conflict => &mut stats.conflict,
            Status::Skipped => &mut stats.skipped,
        } += 1;
    }
    stats
}

pub(in crate::memory) fn backlog(tables: &Tables, now: DateTime<Utc>) -> Backlog {
    let stats = count(tables);
    let open = tables.open.iter().filter_map(|id| tables.log.get(id));
    let oldest = open.map(|row| row.started_at).min();
    let retries = tables.retries.values().filter(|retry| retry.next_retry_at > now);
    Backlog {
        pending: stats.pending,
        in_progress: stats.in_progress,
        conflict: stats.conflict,
        failed: stats.failed,
        retries: retries.count() as u64,
        oldest: oldest.and_then(|at| (now - at).to_std().ok()),
    }
}

/// The last row that a run has ended, and that is not merely covered by one.
pub(in crate::memory) fn last_run(tables: &Tables, link: Uuid) -> Option<LastRun> {
    let ended = tables.log.values().filter(|row| {
        row.entity_mapping_id == Some(link) && row.status.is_final() && row.covered_by.is_none()
    });
    let last = ended.max_by_key(|row| (row.completed_at, row.status == Status::Failed, row.id))?;
    Some(LastRun {
        row: last.id,
        status: last.status,
        class: last.error_class.clone(),
        message: message_of(last),
    })
}
