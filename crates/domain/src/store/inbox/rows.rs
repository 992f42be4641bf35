//! Rows of `"SyncLog"` ↔ values.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, QueryResult};
use serde_json::Value;
use uuid::Uuid;

use super::said::Said;
use crate::company::{Companies, Company};
use crate::message::Message;
use crate::ports::Ring;
use crate::side::Side;
use crate::store::entities::log;
use crate::store::sql::{SqlStore, side_of, system};
use crate::store::{
    ClaimedRow, EntityRef, EntityType, Event, Link, Outcome, Ruling, Status, StoreResult, Trigger, says_gone,
};

/// The columns of [`claimed`], by name: `*` would come to mean more when a newer version adds columns, and PostgreSQL
/// refuses a prepared statement for that.
pub(super) const CLAIMED: &str = r#""SyncLog"."id" AS "row", "sourceSystem", "triggerType", "triggerPayload", "startedAt", "retryCount",
    "errorClass", "lapses""#;

/// The columns of [`Lead`].
pub(super) const LEAD: &str = r#""id", "transactionId", "entityType", "sourceSystem", "sourceEntityId", "triggerType", "startedAt", "traceParent""#;

/// [`LEAD`] of a table.
pub(in crate::store) fn lead_of(table: &str) -> String {
    let all: Vec<_> = LEAD
        .split(", ")
        .map(|column| format!("{table}.{column}"))
        .collect();
    all.join(", ")
}

/// The row whose outcome is the run's, as those that follow from it need it.
pub(in crate::store) struct Lead {
    pub(super) id: Uuid,
    pub(super) transaction: Uuid,
    pub(super) entity: EntityRef,
    pub(super) trigger: Trigger,
    pub(super) started_at: DateTime<Utc>,
    pub(super) traceparent: Option<String>,
}

/// `SyncLog.direction` of what has its source on `side`.
fn direction(side: Side) -> &'static str {
    match side {
        Side::Crm => "CRM_TO_FINANCE",
        Side::Finance => "FINANCE_TO_CRM",
    }
}

/// The trace id inside a W3C `traceparent` (`00-<32 hex>-<16 hex>-<flags>`).
fn trace_id(traceparent: &str) -> Option<String> {
    traceparent
        .split('-')
        .nth(1)
        .filter(|id| id.len() == 32)
        .map(str::to_owned)
}

impl SqlStore {
    /// The key of an event of this company as it stands in its row.
    #[must_use]
    pub fn event_key(&self, side: Side, id: &str) -> String {
        event_key(self.served(), self.company(), side, id)
    }
}

/// Unique per source system, and each company has a finance system of its own.
fn event_key(served: &Companies, company: Company, side: Side, id: &str) -> String {
    match side {
        Side::Crm => id.to_owned(),
        Side::Finance => served.own_key(company, id),
    }
}

/// The row of an event. Every column is set: rows that go in one statement must name the same.
pub(in crate::store) fn pending(store: &SqlStore, event: &Event, now: DateTime<Utc>) -> log::ActiveModel {
    let side = event.entity.side;
    let company = event.company.unwrap_or(store.company());
    let key = |id: &str| event_key(store.served(), company, side, id);
    log::ActiveModel {
        id: Set(event.row),
        transaction_id: Set(event.row),
        entity_mapping_id: Set(None),
        entity_type: Set(event.entity.entity_type),
        company: Set(company.to_string()),
        direction: Set(direction(side).to_owned()),
        status: Set(Status::Pending),
        trigger_type: Set(event.trigger),
        trigger_payload: Set(Some(event.payload.clone())),
        source_system: Set(system(side).to_owned()),
        target_system: Set(system(side.other()).to_owned()),
        source_entity_id: Set(event.entity.id.clone()),
        target_entity_id: Set(None),
        source_data: Set(None),
        target_data_before: Set(None),
        target_data_after: Set(None),
        error_message: Set(None),
        error_stack: Set(None),
        retry_count: Set(0),
        started_at: Set(now),
        completed_at: Set(None),
        duration_ms: Set(None),
        event_id: Set(event.event_id.as_deref().map(key)),
        changes: Set(None),
        error_class: Set(None),
        error_code: Set(None),
        error_arguments: Set(None),
        covered_by: Set(None),
        trace_id: Set(event.traceparent.as_deref().and_then(trace_id)),
        trace_parent: Set(event.traceparent.clone()),
        rung_at: Set(event.rung.then_some(now)),
        lapses: Set(0),
    }
}

/// That row, ended with those words before anyone has run it.
pub(in crate::store) fn ended(
    row: log::ActiveModel,
    status: Status,
    class: &str,
    why: &Message,
    now: DateTime<Utc>,
) -> log::ActiveModel {
    let said = Said::from(Some(why));
    log::ActiveModel {
        status: Set(status),
        error_message: Set(said.text),
        error_code: Set(said.code),
        error_arguments: Set(said.arguments),
        error_class: Set(Some(class.to_owned())),
        completed_at: Set(Some(now)),
        ..row
    }
}

/// The audit row of a write that the lead row is not about.
pub(super) fn audit(
    store: &SqlStore,
    lead: &Lead,
    link: &Link,
    side: Side,
    outcome: &Outcome,
    took_ms: i32,
    now: DateTime<Utc>,
) -> log::ActiveModel {
    let event = Event {
        row: Uuid::now_v7(),
        entity: EntityRef {
            entity_type: link.entity_type,
            side,
            id: link.id_on(side).unwrap_or_default().to_owned(),
        },
        company: None,
        trigger: lead.trigger,
        event_id: None,
        payload: Value::Null,
        traceparent: lead.traceparent.clone(),
        rung: false,
    };
    let said = Said::from(outcome.message.as_ref());
    log::ActiveModel {
        transaction_id: Set(lead.transaction),
        entity_mapping_id: Set(Some(link.id)),
        status: Set(outcome.status),
        trigger_payload: Set(None),
        target_entity_id: Set(link.id_on(side.other()).map(str::to_owned)),
        source_data: Set(outcome.source_data.clone()),
        target_data_before: Set(outcome.target_before.clone()),
        target_data_after: Set(outcome.target_after.clone()),
        error_message: Set(said.text),
        error_code: Set(said.code),
        error_arguments: Set(said.arguments),
        error_class: Set(outcome.error_class.map(str::to_owned)),
        changes: Set(outcome.changes.clone()),
        completed_at: Set(Some(now)),
        duration_ms: Set(Some(took_ms)),
        ..pending(store, &event, lead.started_at)
    }
}

/// From [`CLAIMED`], if there is one.
pub(super) fn claimed(row: &QueryResult) -> StoreResult<Option<ClaimedRow>> {
    let Some(id) = row.try_get("", "row")? else {
        return Ok(None);
    };
    let trigger = row.try_get("", "triggerType")?;
    let payload: Option<Value> = row.try_get("", "triggerPayload")?;
    let retries: i32 = row.try_get("", "retryCount")?;
    let class: Option<String> = row.try_get("", "errorClass")?;
    let lapses: i32 = row.try_get("", "lapses")?;
    Ok(Some(ClaimedRow {
        id,
        side: side_of(&row.try_get::<String>("", "sourceSystem")?),
        trigger,
        heard_at: row.try_get("", "startedAt")?,
        retry_count: u32::try_from(retries).unwrap_or(0),
        scheduled: retries > 0 || class.is_some(),
        lapses: u32::try_from(lapses).unwrap_or(0),
        ruling: Ruling::of(trigger, payload.as_ref()),
        gone: payload.as_ref().is_some_and(says_gone),
    }))
}

pub(in crate::store) fn lead(row: &QueryResult) -> StoreResult<Lead> {
    Ok(Lead {
        id: row.try_get("", "id")?,
        transaction: row.try_get("", "transactionId")?,
        entity: entity(row)?,
        trigger: row.try_get("", "triggerType")?,
        started_at: row.try_get("", "startedAt")?,
        traceparent: row.try_get("", "traceParent")?,
    })
}

/// What a row is about.
pub(super) fn entity(row: &QueryResult) -> StoreResult<EntityRef> {
    Ok(EntityRef {
        entity_type: row.try_get::<EntityType>("", "entityType")?,
        side: side_of(&row.try_get::<String>("", "sourceSystem")?),
        id: row.try_get("", "sourceEntityId")?,
    })
}

pub(super) fn ring(row: &QueryResult) -> StoreResult<Ring> {
    Ok(Ring {
        row: row.try_get("", "id")?,
        traceparent: row.try_get("", "traceParent")?,
    })
}
