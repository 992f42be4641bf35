//! Rows that a run closes beside its own.

use chrono::{DateTime, Utc};
use domain::message::{Code, Message};
use domain::store::{Status, StoreResult, Work, message_of};

use crate::memory::rows;
use crate::memory::tables::Tables;

/// What it has claimed beside its lead row.
pub(super) fn cover(tables: &mut Tables, work: &Work, now: DateTime<Utc>) -> StoreResult<()> {
    if work.covered.is_empty() {
        return Ok(());
    }
    let said = Message::new(Code::CoveredBy).with("row", work.lead.id);
    for id in tables.claimed_by(work.lease.link) {
        if let Some(row) = tables.log.get_mut(&id) {
            rows::say(row, Some(&said))?;
            row.covered_by = Some(work.lead.id);
            row.company = work.link.company.to_string();
            row.completed_at = Some(now);
            row.duration_ms = Some(0);
        }
        tables.set_status(id, Status::Skipped);
    }
    Ok(())
}

/// The entity's earlier conflicts.
pub(super) fn settle(tables: &mut Tables, work: &Work) -> StoreResult<()> {
    for row in tables.log.values_mut() {
        let earlier = row.status == Status::Conflict
            && row.entity_mapping_id == Some(work.lease.link)
            && row.id != work.lead.id;
        if earlier {
            let settled = Message::new(Code::SettledByRun).with("row", work.lead.id);
            let settled = match message_of(row) {
                Some(was) => settled.with_message("earlier", &was),
                None => settled.with("earlier", ""),
            };
            rows::say(row, Some(&settled))?;
            row.status = Status::Skipped;
            row.covered_by = Some(work.lead.id);
        }
    }
    Ok(())
}
