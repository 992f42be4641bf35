//! The end of a complete look.

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::polls::{Found, Harvest, PollLease, Stored, entity_type_of, side_of};
use domain::ports::Ring;
use domain::store::entities::log;
use domain::store::{EntityRef, Event, Status, StoreError, StoreResult, Trigger};
use serde_json::Value;
use uuid::Uuid;

use super::guard;
use crate::memory::own::Own;
use crate::memory::rows;
use crate::memory::tables::Tables;

pub(super) fn finish(
    own: &Own,
    tables: &mut Tables,
    turn: &PollLease,
    harvest: &Harvest,
    clock: &dyn Clock,
    now: DateTime<Utc>,
) -> StoreResult<Stored> {
    let row = tables.polls.of(turn).ok_or(StoreError::Fenced)?;
    let held_by = harvest.hold.as_ref().map(|_| clock.id());
    row.value = harvest.cursor.clone().or(row.value.take());
    row.started_at = Some(turn.started_at);
    row.completed_at = Some(now);
    row.held_by = held_by;
    row.updated_at = now;
    (row.lease_owner, row.lease_until, row.not_before) = (None, None, None);
    tables.polls.see(own.company, turn, harvest, now);
    tables.note(own, &harvest.sightings(turn, own.company));
    let (side, entity_type) = super::kind_of(&turn.poll);
    let company = own.on(side_of(&turn.poll));
    let key = |id: &String| (side, entity_type, company, id.clone());
    let aside = harvest.aside.iter().map(|aside| key(&aside.id));
    tables.polls.aside.extend(aside);
    for id in &harvest.well {
        tables.polls.aside.remove(&key(id));
    }
    let mut stored = Stored {
        held_by,
        ..Stored::default()
    };
    if let (Some(why), Some(by)) = (&harvest.hold, held_by) {
        guard::hold(own, tables, turn, harvest, (by, why), (clock, now))?;
    }
    let aside = |change: &&Found| change.problem.is_some() || held_by.is_none();
    for change in harvest.changes.iter().filter(aside) {
        let ring = change.problem.is_none() && stored.rings.len() < harvest.ring;
        let mut row = found(own, clock.id(), change, &turn.poll, harvest, now);
        row.rung_at = ring.then_some(now);
        if let Some(problem) = &change.problem {
            rows::say(&mut row, Some(problem))?;
            row.status = Status::Failed;
            row.error_class = Some("unreadable".to_owned());
            row.completed_at = Some(now);
        }
        let id = row.id;
        if tables.insert(row) {
            stored.rows += 1;
            let traceparent = harvest.traceparent.clone();
            stored.rings.extend(ring.then_some(Ring { row: id, traceparent }));
        }
    }
    Ok(stored)
}

/// What stands in the row of a change.
pub(super) fn payload(change: &Found, harvest: &Harvest) -> Value {
    let mut payload = harvest.payload.clone();
    if let (true, Some(object)) = (change.vanished, payload.as_object_mut()) {
        object.insert("vanished".to_owned(), true.into());
    }
    payload
}

/// The row of a change that a poll found.
pub(super) fn found(
    own: &Own,
    id: Uuid,
    change: &Found,
    poll: &str,
    harvest: &Harvest,
    now: DateTime<Utc>,
) -> log::Model {
    let event = Event {
        row: id,
        entity: EntityRef {
            entity_type: entity_type_of(poll),
            side: side_of(poll),
            id: change.id.clone(),
        },
        company: None,
        trigger: Trigger::Poll,
        event_id: Some(change.event_id.clone()),
        payload: payload(change, harvest),
        traceparent: harvest.traceparent.clone(),
        rung: false,
    };
    rows::pending(own, &event, now)
}
