//! Rows of the pollers' tables ↔ values, and the rows of the inbox that polls make.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use serde_json::Value;
use uuid::Uuid;

use crate::customer::Kind;
use crate::message::{Code, Message};
use crate::polls::{ContactNow, Found, Harvest, HeldChange, Look, PollLease, entity_type_of, side_of};
use crate::side::Side;
use crate::store::entities::{cursor, held, log, record, snapshot};
use crate::store::inbox::{ended, pending};
use crate::store::sql::{SqlStore, system};
use crate::store::{EntityRef, Event, Status, Trigger, says_gone};

pub(super) fn look(row: &cursor::Model) -> Option<Look> {
    Some(Look {
        started_at: row.started_at?,
        completed_at: row.completed_at?,
    })
}

pub(super) fn contact(contact: &ContactNow, turn: &PollLease, now: DateTime<Utc>) -> snapshot::ActiveModel {
    let [mobile, national_id, email, customer_number] = contact.keys.clone();
    snapshot::ActiveModel {
        code: Set(contact.code.clone()),
        checksum: Set(contact.checksum.clone()),
        changes: Set(contact.changes),
        kind: Set(match contact.kind {
            Kind::Person => "person".to_owned(),
            Kind::Organization => "organization".to_owned(),
        }),
        mobile: Set(mobile),
        national_id: Set(national_id),
        email: Set(email),
        customer_number: Set(customer_number),
        seen_at: Set(now),
        look_before: Set(turn.last.map(|look| look.started_at)),
        gone: Set(false),
    }
}

/// How the index keeps what a look saw of a contact; what it held is noted beside it.
pub(super) fn looked(
    store: &SqlStore,
    contact: &ContactNow,
    turn: &PollLease,
    now: DateTime<Utc>,
) -> record::ActiveModel {
    record::ActiveModel {
        side: Set(system(Side::Finance).to_owned()),
        company: Set(store.company().to_string()),
        entity_type: Set("CUSTOMER".to_owned()),
        id: Set(contact.code.clone()),
        first_seen_at: Set(Some(now)),
        look_checksum: Set(Some(contact.checksum.clone())),
        changes: Set(contact.changes),
        seen_at: Set(Some(now)),
        look_before: Set(turn.last.map(|look| look.started_at)),
        look_gone: Set(false),
        overwritten: Set(Some(contact.overwritten.join(" ")).filter(|all| !all.is_empty())),
        ..Default::default()
    }
}

/// A change that the guard holds.
pub(super) fn held(
    id: Uuid,
    change: &Found,
    turn: &PollLease,
    harvest: &Harvest,
    now: DateTime<Utc>,
) -> held::ActiveModel {
    held::ActiveModel {
        id: Set(id),
        poll: Set(turn.poll.clone()),
        entity_type: Set(entity_type_of(&turn.poll)),
        source_system: Set(system(side_of(&turn.poll)).to_owned()),
        source_entity_id: Set(change.id.clone()),
        event_id: Set(change.event_id.clone()),
        payload: Set(Some(payload(change, harvest))),
        held_at: Set(now),
    }
}

impl From<held::Model> for HeldChange {
    fn from(row: held::Model) -> Self {
        Self {
            vanished: row.payload.as_ref().is_some_and(says_gone),
            id: row.source_entity_id,
            event_id: row.event_id,
        }
    }
}

/// What stands in the row: the look's own words, and whether the record was missing.
fn payload(change: &Found, harvest: &Harvest) -> Value {
    let mut payload = harvest.payload.clone();
    if let (true, Some(object)) = (change.vanished, payload.as_object_mut()) {
        object.insert("vanished".to_owned(), true.into());
    }
    payload
}

fn event(row: Uuid, poll: &str, id: &str, event_id: String, payload: Value) -> Event {
    Event {
        row,
        entity: EntityRef {
            entity_type: entity_type_of(poll),
            side: side_of(poll),
            id: id.to_owned(),
        },
        company: None,
        trigger: Trigger::Poll,
        event_id: Some(event_id),
        payload,
        traceparent: None,
        rung: false,
    }
}

/// The row of a change: `PENDING`, or `FAILED` when it is set aside.
pub(super) fn row(
    store: &SqlStore,
    id: Uuid,
    change: &Found,
    poll: &str,
    harvest: &Harvest,
    rung: bool,
    now: DateTime<Utc>,
) -> log::ActiveModel {
    let event = Event {
        traceparent: harvest.traceparent.clone(),
        rung,
        ..event(
            id,
            poll,
            &change.id,
            change.event_id.clone(),
            payload(change, harvest),
        )
    };
    let row = pending(store, &event, now);
    match &change.problem {
        Some(problem) => ended(row, Status::Failed, "unreadable", problem, now),
        None => row,
    }
}

/// The guard's row: one `CONFLICT` about the poll, which names the setting and the commands.
pub(super) fn guard(
    store: &SqlStore,
    id: Uuid,
    turn: &PollLease,
    why: &Message,
    harvest: &Harvest,
    now: DateTime<Utc>,
) -> log::ActiveModel {
    let key = format!("guard:{id}");
    let event = Event {
        traceparent: harvest.traceparent.clone(),
        ..event(id, &turn.poll, &turn.poll, key, harvest.payload.clone())
    };
    ended(pending(store, &event, now), Status::Conflict, "guard", why, now)
}

/// The row of a change that was held.
pub(super) fn released(
    store: &SqlStore,
    held: &held::Model,
    dropped: bool,
    now: DateTime<Utc>,
) -> log::ActiveModel {
    let payload = held.payload.clone().unwrap_or_default();
    let key = held.event_id.clone();
    let row = pending(
        store,
        &event(held.id, &held.poll, &held.source_entity_id, key, payload),
        now,
    );
    match dropped {
        true => ended(
            row,
            Status::Skipped,
            "guard",
            &Message::new(Code::DroppedByGuard),
            now,
        ),
        false => row,
    }
}
