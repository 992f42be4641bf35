//! When rows are tried again, and what waits now.

use chrono::{DateTime, Utc};
use domain::ports::{Ring, Side};
use domain::store::entities::{log, retry};
use domain::store::{Awaited, Link, Retry, Status, Work};
use uuid::Uuid;

use crate::memory::rows;
use crate::memory::tables::{Tables, micros};

pub(super) fn schedule(
    tables: &mut Tables,
    id: Uuid,
    row: Uuid,
    (again, awaits): (Retry, Option<&Awaited>),
    now: DateTime<Utc>,
) {
    let entry = tables.retries.entry(row).or_insert(retry::Model {
        id,
        sync_log_id: row,
        next_retry_at: again.at,
        retry_count: 0,
        max_retries: 0,
        created_at: now,
        waits_for: None,
    });
    entry.next_retry_at = micros(again.at);
    entry.retry_count = again.count.cast_signed();
    entry.max_retries = again.max.cast_signed();
    entry.waits_for = awaits.map(|awaited| awaited.customer.clone());
}

pub(super) fn unschedule(tables: &mut Tables, work: &Work, ends: bool) {
    let closed = ends.then_some(&work.lead).into_iter().chain(&work.covered);
    for row in closed.filter(|row| row.scheduled) {
        tables.retries.remove(&row.id);
    }
}

/// A row of the entity that waits and is due.
pub(in crate::memory) fn waiting(tables: &Tables, link: &Link, now: DateTime<Utc>) -> Option<Ring> {
    let due = |row: &&log::Model| {
        let side = rows::side_of(&row.source_system);
        let of_it = row.entity_type == link.entity_type
            && link.id_on(side) == Some(row.source_entity_id.as_str())
            && (side == Side::Crm || row.company.parse() == Ok(link.company));
        let retry = tables.retries.get(&row.id);
        of_it && row.status == Status::Pending && retry.is_none_or(|retry| retry.next_retry_at <= now)
    };
    let mut rows = tables.open.iter().filter_map(|id| tables.log.get(id));
    rows.find(due).map(|row| Ring {
        row: row.id,
        traceparent: row.trace_parent.clone(),
    })
}
