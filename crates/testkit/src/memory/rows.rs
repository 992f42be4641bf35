//! The rows of the tables, as `SqlStore` writes them.

use chrono::{DateTime, Utc};
use domain::base::Known;
use domain::polls::{Found, Harvest};
use domain::ports::Side;
use domain::store::entities::{link, log};
use domain::store::{ClaimedRow, EntityRef, Event, Link, Outcome, Ruling, Status, Trigger};
use uuid::Uuid;

use super::MappingRow;
use super::polls::{entity_type_of, side_of as polls_side_of};

pub(crate) fn system(side: Side) -> &'static str {
    match side {
        Side::Crm => "CRM",
        Side::Finance => "FINANCE",
    }
}

pub(crate) fn side_of(system: &str) -> Side {
    if system == "CRM" { Side::Crm } else { Side::Finance }
}

pub(crate) fn pending(event: &Event, now: DateTime<Utc>) -> log::Model {
    let side = event.entity.side;
    let direction = match side {
        Side::Crm => "CRM_TO_FINANCE",
        Side::Finance => "FINANCE_TO_CRM",
    };
    let trace_id = event.traceparent.as_deref().and_then(|t| t.split('-').nth(1));
    log::Model {
        id: event.row,
        transaction_id: event.row,
        entity_mapping_id: None,
        entity_type: event.entity.entity_type,
        direction: direction.to_owned(),
        status: Status::Pending,
        trigger_type: event.trigger,
        trigger_payload: Some(event.payload.clone()),
        source_system: system(side).to_owned(),
        target_system: system(side.other()).to_owned(),
        source_entity_id: event.entity.id.clone(),
        target_entity_id: None,
        source_data: None,
        target_data_before: None,
        target_data_after: None,
        error_message: None,
        error_stack: None,
        retry_count: 0,
        started_at: now,
        completed_at: None,
        duration_ms: None,
        event_id: event.event_id.clone(),
        changes: None,
        error_class: None,
        trace_id: trace_id.filter(|id| id.len() == 32).map(str::to_owned),
        trace_parent: event.traceparent.clone(),
        rung_at: event.rung.then_some(now),
        lapses: 0,
    }
}

/// The row of a change that a poll found: `PENDING`, or `FAILED` when it is set aside.
pub(crate) fn found(
    id: Uuid,
    change: &Found,
    poll: &str,
    harvest: &Harvest,
    rung: bool,
    now: DateTime<Utc>,
) -> log::Model {
    let mut payload = harvest.payload.clone();
    if let (true, Some(object)) = (change.vanished, payload.as_object_mut()) {
        object.insert("vanished".to_owned(), true.into());
    }
    let event = Event {
        row: id,
        entity: EntityRef {
            entity_type: entity_type_of(poll),
            side: polls_side_of(poll),
            id: change.id.clone(),
        },
        trigger: Trigger::Poll,
        event_id: Some(change.event_id.clone()),
        payload,
        traceparent: harvest.traceparent.clone(),
        rung,
    };
    let row = pending(&event, now);
    if change.problem.is_none() {
        return row;
    }
    log::Model {
        status: Status::Failed,
        error_message: change.problem.clone(),
        error_class: Some("unreadable".to_owned()),
        completed_at: Some(now),
        ..row
    }
}

/// The audit row of a write that the lead row is not about.
pub(crate) fn audit(
    id: Uuid,
    lead: &log::Model,
    link: &Link,
    side: Side,
    outcome: &Outcome,
    took: Option<i32>,
    now: DateTime<Utc>,
) -> log::Model {
    let event = Event {
        row: id,
        entity: EntityRef {
            entity_type: link.entity_type,
            side,
            id: link.id_on(side).unwrap_or_default().to_owned(),
        },
        trigger: lead.trigger_type,
        event_id: None,
        payload: serde_json::Value::Null,
        traceparent: lead.trace_parent.clone(),
        rung: false,
    };
    log::Model {
        transaction_id: lead.transaction_id,
        entity_mapping_id: Some(link.id),
        status: outcome.status,
        trigger_payload: None,
        target_entity_id: link.id_on(side.other()).map(str::to_owned),
        source_data: outcome.source_data.clone(),
        target_data_before: outcome.target_before.clone(),
        target_data_after: outcome.target_after.clone(),
        error_message: outcome.text(),
        error_class: outcome.error_class.map(str::to_owned),
        changes: outcome.changes.clone(),
        completed_at: Some(now),
        duration_ms: took,
        ..pending(&event, lead.started_at)
    }
}

pub(crate) fn claimed(row: &log::Model) -> ClaimedRow {
    ClaimedRow {
        id: row.id,
        side: side_of(&row.source_system),
        trigger: row.trigger_type,
        heard_at: row.started_at,
        retry_count: row.retry_count.unsigned_abs(),
        scheduled: row.retry_count > 0 || row.error_class.is_some(),
        lapses: row.lapses.unsigned_abs(),
        ruling: Ruling::of(row.trigger_type, row.trigger_payload.as_ref()),
    }
}

/// The link as the tables show it.
pub(crate) fn model(row: &MappingRow) -> link::Model {
    let link = &row.link;
    let base = link.base.as_ref();
    link::Model {
        id: link.id,
        entity_type: link.entity_type,
        crm_id: link.crm_id.clone(),
        finance_id: link.finance_id.clone(),
        last_sync_at: row.last_sync_at,
        last_sync_source: row.last_sync_source.clone(),
        last_sync_transaction_id: row.last_sync_transaction_id,
        crm_checksum: base.map(|base| checksum(&base.crm)),
        finance_checksum: base.map(|base| checksum(&base.finance)),
        crm_updated_at: link.crm_updated_at,
        finance_updated_at: link.finance_updated_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
        base: match &link.issued {
            Some(issued) => serde_json::to_value(issued).ok(),
            None => base.and_then(|base| serde_json::to_value(base).ok()),
        },
        in_flight: row
            .in_flight
            .as_ref()
            .and_then(|sent| serde_json::to_value(sent).ok()),
        version: row.version,
        state: link.state,
        lease_owner: row.lease_owner.clone(),
        lease_token: row.lease_token,
        lease_until: row.lease_until,
    }
}

fn checksum(values: &Known) -> String {
    use sha2::Digest;
    let mut text = String::new();
    for (field, value) in values {
        text.extend([field.name(), "\u{1}", value, "\u{2}"]);
    }
    hex::encode(sha2::Sha256::digest(text))
}

/// The last row that a run has ended, and that is not merely covered by one.
pub(crate) fn last_run(tables: &super::Tables, link: uuid::Uuid) -> Option<domain::store::LastRun> {
    let covered = |row: &&log::Model| {
        row.status == Status::Skipped
            && row
                .error_message
                .as_deref()
                .is_some_and(|why| why.starts_with("covered by "))
    };
    let rows = tables.log.values();
    let ended = rows.filter(|row| row.entity_mapping_id == Some(link) && row.status.is_final());
    let last = ended
        .filter(|row| !covered(row))
        .max_by_key(|row| (row.completed_at, row.status == Status::Failed, row.id))?;
    Some(domain::store::LastRun {
        row: last.id,
        status: last.status,
        message: last.error_message.clone(),
    })
}
