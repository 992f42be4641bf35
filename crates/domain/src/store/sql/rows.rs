//! Rows ↔ the store's types.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, DbErr};
use serde::Serialize;
use uuid::Uuid;

use super::{direction, side_of, system};
use crate::ports::Side;
use crate::store::entities::{link, log};
use crate::store::{ClaimedRow, EntityType, Event, Link, Outcome, Ruling, Status, StoreResult};

pub(super) fn json(value: &impl Serialize) -> StoreResult<serde_json::Value> {
    Ok(serde_json::to_value(value).map_err(|error| DbErr::Json(error.to_string()))?)
}

/// The trace id inside a W3C `traceparent` (`00-<32 hex>-<16 hex>-<flags>`).
fn trace_id(traceparent: &str) -> Option<String> {
    traceparent
        .split('-')
        .nth(1)
        .filter(|id| id.len() == 32)
        .map(str::to_owned)
}

/// The row of something that was heard.
pub(super) fn pending(event: &Event, now: DateTime<Utc>) -> log::ActiveModel {
    let side = event.entity.side;
    log::ActiveModel {
        id: Set(event.row),
        transaction_id: Set(event.row),
        entity_type: Set(event.entity.entity_type),
        direction: Set(direction(side).to_owned()),
        status: Set(Status::Pending),
        trigger_type: Set(event.trigger),
        trigger_payload: Set(Some(event.payload.clone())),
        source_system: Set(system(side).to_owned()),
        target_system: Set(system(side.other()).to_owned()),
        source_entity_id: Set(event.entity.id.clone()),
        event_id: Set(event.event_id.clone()),
        trace_id: Set(event.traceparent.as_deref().and_then(trace_id)),
        trace_parent: Set(event.traceparent.clone()),
        rung_at: Set(event.rung.then_some(now)),
        retry_count: Set(0),
        lapses: Set(0),
        started_at: Set(now),
        entity_mapping_id: Set(None),
        target_entity_id: Set(None),
        source_data: Set(None),
        target_data_before: Set(None),
        target_data_after: Set(None),
        error_message: Set(None),
        error_stack: Set(None),
        completed_at: Set(None),
        duration_ms: Set(None),
        changes: Set(None),
        error_class: Set(None),
    }
}

/// The audit row of a write that the lead row is not about.
pub(super) fn audit(
    lead: &log::Model,
    link: &Link,
    side: Side,
    outcome: &Outcome,
    took_ms: i32,
    now: DateTime<Utc>,
) -> log::ActiveModel {
    let event = Event {
        row: Uuid::now_v7(),
        entity: crate::store::EntityRef {
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
    log::ActiveModel {
        transaction_id: Set(lead.transaction_id),
        entity_mapping_id: Set(Some(link.id)),
        status: Set(outcome.status),
        trigger_payload: Set(None),
        target_entity_id: Set(link.id_on(side.other()).map(str::to_owned)),
        source_data: Set(outcome.source_data.clone()),
        target_data_before: Set(outcome.target_before.clone()),
        target_data_after: Set(outcome.target_after.clone()),
        error_message: Set(outcome.text()),
        error_class: Set(outcome.error_class.map(str::to_owned)),
        changes: Set(outcome.changes.clone()),
        completed_at: Set(Some(now)),
        duration_ms: Set(Some(took_ms)),
        ..pending(&event, lead.started_at)
    }
}

/// A link as the engine knows it, from its row.
///
/// # Errors
/// When a JSON column does not hold what this version writes.
pub fn link(model: link::Model) -> StoreResult<Link> {
    fn parse<T: serde::de::DeserializeOwned>(
        column: &str,
        json: Option<serde_json::Value>,
    ) -> Result<Option<T>, DbErr> {
        json.map(serde_json::from_value)
            .transpose()
            .map_err(|e| DbErr::Json(format!("EntityMapping.{column}: {e}")))
    }
    // What stands in `base` is what that type of entity was last known to be.
    let (base, issued) = match model.entity_type {
        EntityType::Customer => (parse("base", model.base)?, None),
        EntityType::PreInvoice | EntityType::Invoice => (None, parse("base", model.base)?),
    };
    Ok(Link {
        id: model.id,
        entity_type: model.entity_type,
        crm_id: model.crm_id,
        finance_id: model.finance_id,
        state: model.state,
        base,
        issued,
        in_flight: parse("inFlight", model.in_flight)?.unwrap_or_default(),
        crm_updated_at: model.crm_updated_at,
        finance_updated_at: model.finance_updated_at,
    })
}

pub(super) fn claimed(model: &log::Model) -> ClaimedRow {
    ClaimedRow {
        id: model.id,
        side: side_of(&model.source_system),
        trigger: model.trigger_type,
        heard_at: model.started_at,
        retry_count: u32::try_from(model.retry_count).unwrap_or(0),
        scheduled: model.retry_count > 0 || model.error_class.is_some(),
        lapses: u32::try_from(model.lapses).unwrap_or(0),
        ruling: Ruling::of(model.trigger_type, model.trigger_payload.as_ref()),
    }
}
