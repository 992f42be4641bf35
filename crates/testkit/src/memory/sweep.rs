//! Finding rows that wait though nobody was told of late, retrying by hand, and counting.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::ports::Ring;
use domain::store::{Backlog, Stats, Status, StoreResult};
use uuid::Uuid;

use super::{MemoryStore, Tables};

impl MemoryStore {
    pub(super) async fn sweep_rows(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>> {
        let now = self.clock.now();
        let quiet = now - chrono::Duration::from_std(quiet_for).unwrap_or(chrono::Duration::MAX);
        self.carry_out("sweep", |tables| {
            let lost = |id: &&Uuid| {
                let Some(row) = tables.log.get(id) else {
                    return false;
                };
                let lease = row.entity_mapping_id.and_then(|id| tables.links.get(&id));
                row.rung_at.is_none_or(|at| at <= quiet)
                    && tables
                        .retries
                        .get(id)
                        .is_none_or(|retry| retry.next_retry_at <= now)
                    && (row.status == Status::Pending || lease.is_none_or(|lease| lease.free_at(now)))
            };
            let mut found: Vec<_> = tables.open.iter().filter(lost).copied().collect();
            found.sort_by_key(|id| tables.log.get(id).and_then(|row| row.rung_at));
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let mut rings = Vec::with_capacity(found.len());
            for id in found {
                if let Some(row) = tables.log.get_mut(&id) {
                    row.rung_at = Some(now);
                    rings.push(Ring {
                        row: id,
                        traceparent: row.trace_parent.clone(),
                    });
                }
            }
            Ok(rings)
        })
        .await
    }

    pub(super) async fn retry_rows(&self, only: Option<Uuid>) -> StoreResult<u64> {
        self.carry_out("retry", |tables| {
            let failed = tables
                .log
                .values_mut()
                .filter(|row| row.status == Status::Failed && only.is_none_or(|id| id == row.id));
            let mut again = Vec::new();
            for row in failed {
                row.retry_count = 0;
                row.lapses = 0;
                row.rung_at = None;
                row.completed_at = None;
                again.push(row.id);
            }
            for id in &again {
                tables.retries.remove(id);
                tables.set_status(*id, Status::Pending);
            }
            Ok(again.len() as u64)
        })
        .await
    }
}

pub(super) fn count(tables: &Tables) -> Stats {
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

pub(super) fn backlog(tables: &Tables, now: DateTime<Utc>) -> Backlog {
    let stats = count(tables);
    let heard = tables.open.iter().filter_map(|id| tables.log.get(id));
    let oldest = heard.map(|row| row.started_at).min();
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
