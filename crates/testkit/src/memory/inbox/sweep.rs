//! Finding rows that wait though nobody was told of late, and retrying by hand.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::ports::Ring;
use domain::store::Status;
use uuid::Uuid;

use crate::memory::tables::{Tables, is_free};

pub(in crate::memory) fn sweep(
    tables: &mut Tables,
    limit: u64,
    quiet_for: Duration,
    now: DateTime<Utc>,
) -> Vec<Ring> {
    let quiet = now - chrono::Duration::from_std(quiet_for).unwrap_or(chrono::Duration::MAX);
    let lost = |id: &&Uuid| {
        let Some(row) = tables.log.get(id) else {
            return false;
        };
        let link = row.entity_mapping_id.and_then(|id| tables.link(id));
        let retry = tables.retries.get(id);
        row.rung_at.is_none_or(|at| at <= quiet)
            && retry.is_none_or(|retry| retry.next_retry_at <= now)
            && (row.status == Status::Pending || link.is_none_or(|link| is_free(link, now)))
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
    rings
}

pub(in crate::memory) fn retry(tables: &mut Tables, only: Option<Uuid>) -> u64 {
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
        tables.taken.forget(*id);
        tables.set_status(*id, Status::Pending);
    }
    again.len() as u64
}
