//! The rows of `"SyncLog"` that polls make, and their insertion in groups.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryTrait};
use uuid::Uuid;

use super::{entity_type_of, side_of};
use crate::polls::entities::held;
use crate::polls::{Found, Harvest, PollLease};
use crate::store::entities::log;
use crate::store::sql::{direction, system};
use crate::store::{Status, StoreResult, Trigger};

/// Inserts one group, and says which rows are new: an event that was heard before keeps its row.
pub(super) async fn insert(
    tx: &impl ConnectionTrait,
    rows: Vec<log::ActiveModel>,
) -> StoreResult<HashSet<Uuid>> {
    let mut written = HashSet::with_capacity(rows.len());
    if rows.is_empty() {
        return Ok(written);
    }
    let mut insert = log::Entity::insert_many(rows);
    let insert = insert
        .query()
        .on_conflict(
            OnConflict::columns([log::Column::SourceSystem, log::Column::EventId])
                .do_nothing()
                .to_owned(),
        )
        .returning(Query::returning().column(log::Column::Id));
    for row in tx.query_all(insert).await? {
        written.insert(row.try_get::<Uuid>("", "id")?);
    }
    Ok(written)
}

/// What stands in the row: the look's own words, and whether the record was missing.
pub(super) fn payload(change: &Found, harvest: &Harvest) -> serde_json::Value {
    let mut payload = harvest.payload.clone();
    if let (true, Some(object)) = (change.vanished, payload.as_object_mut()) {
        object.insert("vanished".to_owned(), true.into());
    }
    payload
}

/// The trace id inside a W3C `traceparent`.
fn trace_id(traceparent: &str) -> Option<String> {
    traceparent
        .split('-')
        .nth(1)
        .filter(|id| id.len() == 32)
        .map(str::to_owned)
}

/// The row of a change: `PENDING`, or `FAILED` when it is set aside.
pub(super) fn row(
    id: Uuid,
    change: &Found,
    poll: &str,
    harvest: &Harvest,
    rung: bool,
    now: DateTime<Utc>,
) -> log::ActiveModel {
    let side = side_of(poll);
    let failed = change.problem.is_some();
    log::ActiveModel {
        id: Set(id),
        transaction_id: Set(id),
        entity_mapping_id: Set(None),
        entity_type: Set(entity_type_of(poll)),
        direction: Set(direction(side).to_owned()),
        status: Set(if failed { Status::Failed } else { Status::Pending }),
        trigger_type: Set(Trigger::Poll),
        trigger_payload: Set(Some(payload(change, harvest))),
        source_system: Set(system(side).to_owned()),
        target_system: Set(system(side.other()).to_owned()),
        source_entity_id: Set(change.id.clone()),
        target_entity_id: Set(None),
        source_data: Set(None),
        target_data_before: Set(None),
        target_data_after: Set(None),
        error_message: Set(change.problem.clone()),
        error_stack: Set(None),
        retry_count: Set(0),
        started_at: Set(now),
        completed_at: Set(failed.then_some(now)),
        duration_ms: Set(None),
        event_id: Set(Some(change.event_id.clone())),
        changes: Set(None),
        error_class: Set(failed.then(|| "unreadable".to_owned())),
        trace_id: Set(harvest.traceparent.as_deref().and_then(trace_id)),
        trace_parent: Set(harvest.traceparent.clone()),
        rung_at: Set(rung.then_some(now)),
        lapses: Set(0),
    }
}

/// The guard's row: one `CONFLICT` that names the poll, and in words the setting and the commands.
pub(super) fn guard(
    id: Uuid,
    turn: &PollLease,
    why: &str,
    harvest: &Harvest,
    now: DateTime<Utc>,
) -> log::ActiveModel {
    let change = Found {
        id: turn.poll.clone(),
        event_id: format!("guard:{id}"),
        vanished: false,
        problem: None,
    };
    log::ActiveModel {
        status: Set(Status::Conflict),
        error_message: Set(Some(why.to_owned())),
        error_class: Set(Some("guard".to_owned())),
        completed_at: Set(Some(now)),
        ..row(id, &change, &turn.poll, harvest, false, now)
    }
}

/// The row of a change that was held.
pub(super) fn released(model: &held::Model, dropped: bool, now: DateTime<Utc>) -> log::ActiveModel {
    let change = Found {
        id: model.source_entity_id.clone(),
        event_id: model.event_id.clone(),
        vanished: false,
        problem: None,
    };
    let harvest = Harvest {
        payload: model.payload.clone().unwrap_or_default(),
        ..Harvest::default()
    };
    let pending = row(model.id, &change, &model.poll, &harvest, false, now);
    if !dropped {
        return pending;
    }
    log::ActiveModel {
        status: Set(Status::Skipped),
        error_message: Set(Some(
            "held by the guard, and dropped with `siaghsync guard drop`".to_owned(),
        )),
        error_class: Set(Some("guard".to_owned())),
        completed_at: Set(Some(now)),
        ..pending
    }
}
