//! What the guard holds.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::message::{Code, Message};
use domain::polls::{
    Found, Harvest, Held, HeldChange, PollLease, Verdict, company_of, contacts_of, entity_type_of, side_of,
};
use domain::ports::Side;
use domain::store::entities::{held, link};
use domain::store::{EntityType, Status, StoreResult, message_of};
use uuid::Uuid;

use super::finish::{found, payload};
use crate::memory::own::Own;
use crate::memory::rows;
use crate::memory::tables::Tables;

fn change(id: &str, event_id: &str) -> Found {
    Found {
        id: id.to_owned(),
        event_id: event_id.to_owned(),
        vanished: false,
        problem: None,
    }
}

/// Keeps the changes of a look, each once, and writes the guard's row.
pub(super) fn hold(
    own: &Own,
    tables: &mut Tables,
    turn: &PollLease,
    harvest: &Harvest,
    (row, why): (Uuid, &Message),
    (clock, now): (&dyn Clock, DateTime<Utc>),
) -> StoreResult<()> {
    let mut known: HashSet<String> = of_poll(tables, &turn.poll).map(|h| h.event_id.clone()).collect();
    for found in harvest.changes.iter().filter(|found| found.problem.is_none()) {
        let id = clock.id();
        if known.insert(found.event_id.clone()) {
            tables.polls.held.push(held::Model {
                id,
                poll: turn.poll.clone(),
                entity_type: entity_type_of(&turn.poll),
                source_system: rows::system(side_of(&turn.poll)).to_owned(),
                source_entity_id: found.id.clone(),
                event_id: found.event_id.clone(),
                payload: Some(payload(found, harvest)),
                held_at: now,
            });
        }
    }
    let about = change(&turn.poll, &format!("guard:{row}"));
    let mut row = found(own, row, &about, &turn.poll, harvest, now);
    rows::say(&mut row, Some(why))?;
    row.status = Status::Conflict;
    row.error_class = Some("guard".to_owned());
    row.completed_at = Some(now);
    tables.insert(row);
    Ok(())
}

fn of_poll<'a>(tables: &'a Tables, poll: &'a str) -> impl Iterator<Item = &'a held::Model> {
    tables.polls.held.iter().filter(move |held| held.poll == poll)
}

/// Which of these events stand in rows, or are held.
pub(super) fn known_events(own: &Own, tables: &Tables, side: Side, events: &[&str]) -> HashSet<String> {
    let system = rows::system(side);
    // Held under the poll's name: what another company's poll holds says nothing.
    let poll = contacts_of(own.company, own.served.first());
    let ours = |held: &&held::Model| match side {
        Side::Crm => held.source_system == system,
        Side::Finance => held.poll == poll,
    };
    let ours = tables.polls.held.iter().filter(ours);
    let held: HashSet<&str> = ours.map(|held| held.event_id.as_str()).collect();
    let key = |event: &str| own.event_key(own.company, side, event);
    let known = |event: &&&str| tables.has_event(system, &key(event)) || held.contains(**event);
    let known = events.iter().filter(known);
    known.map(|event| (*event).to_owned()).collect()
}

pub(super) fn list(tables: &Tables, poll: Option<&str>) -> Vec<Held> {
    let cursors = tables.polls.cursors.values();
    let mut all = Vec::new();
    for cursor in cursors.filter(|cursor| poll.is_none_or(|poll| cursor.name == poll)) {
        let Some(row) = cursor.held_by else { continue };
        let said = tables.log.get(&row);
        let of_poll: Vec<_> = of_poll(tables, &cursor.name).collect();
        let examples = of_poll.iter().take(10);
        let why = said.and_then(message_of);
        all.push(Held {
            poll: cursor.name.clone(),
            row,
            since: said.map_or(cursor.updated_at, |row| row.started_at),
            why: why.unwrap_or_else(|| Message::new(Code::Words).with("words", "")),
            changes: of_poll.len() as u64,
            examples: examples.map(|held| held.source_entity_id.clone()).collect(),
        });
    }
    all
}

pub(super) fn changes(tables: &Tables, poll: &str) -> Vec<HeldChange> {
    of_poll(tables, poll).cloned().map(HeldChange::from).collect()
}

/// Which of these records somebody has heard of already.
pub(super) fn in_hand(
    own: &Own,
    tables: &Tables,
    (side, entity_type): (Side, EntityType),
    ids: &[&str],
    since: DateTime<Utc>,
) -> HashSet<String> {
    let system = rows::system(side);
    let of_it = tables.log.values().filter(|row| {
        row.source_system == system
            && row.entity_type == entity_type
            && own.is_ours(side, &row.company)
            && ids.contains(&row.source_entity_id.as_str())
    });
    let heard = of_it
        .filter(|row| !row.status.is_final() && row.status != Status::Conflict || row.started_at >= since);
    heard.map(|row| row.source_entity_id.clone()).collect()
}

/// Lets go of what was done since it was held. Whether nothing is left: then the hold has ended.
pub(super) fn ease(own: &Own, tables: &mut Tables, poll: &str, now: DateTime<Utc>) -> StoreResult<bool> {
    let all = std::mem::take(&mut tables.polls.held);
    let left = all
        .into_iter()
        .filter(|held| held.poll != poll || !is_done(own, tables, held));
    tables.polls.held = left.collect();
    if of_poll(tables, poll).next().is_some() {
        return Ok(false);
    }
    for held in list(tables, Some(poll)) {
        settle(own, tables, &held, Verdict::Done, now)?;
    }
    Ok(true)
}

fn is_done(own: &Own, tables: &Tables, held: &held::Model) -> bool {
    let side = rows::side_of(&held.source_system);
    let id = Some(&held.source_entity_id);
    let linked = |link: &&link::Model| {
        let named = match side {
            Side::Crm => &link.crm_id,
            Side::Finance => &link.finance_id,
        };
        link.entity_type == held.entity_type && named.as_ref() == id && own.is_ours(side, &link.company)
    };
    let link = tables.links().find(linked).map(|link| link.id);
    tables.log.values().any(|row| {
        let since = row.completed_at.is_some_and(|at| at > held.held_at);
        let its = row.source_system == held.source_system
            && row.entity_type == held.entity_type
            && Some(&row.source_entity_id) == id
            && own.is_ours(side, &row.company);
        let open = matches!(row.status, Status::Pending | Status::InProgress);
        let of_link = link.is_some() && row.entity_mapping_id == link;
        its && (open || since) || of_link && since && matches!(row.status, Status::Success | Status::Skipped)
    })
}

pub(super) fn settle(
    own: &Own,
    tables: &mut Tables,
    held: &Held,
    verdict: Verdict,
    now: DateTime<Utc>,
) -> StoreResult<u64> {
    let cursor = tables.polls.cursors.get_mut(&held.poll);
    let Some(cursor) = cursor.filter(|cursor| cursor.held_by == Some(held.row)) else {
        return Ok(0);
    };
    cursor.held_by = None;
    cursor.updated_at = now;
    let of_poll = own.of(company_of(&held.poll, own.served.first()));
    let made = enqueue(&of_poll, tables, held, verdict, now)?;
    let (status, code) = match verdict {
        Verdict::Release => (Status::Success, Code::HoldReleased),
        Verdict::Drop => (Status::Skipped, Code::HoldDropped),
        Verdict::Done => (Status::Skipped, Code::HoldDone),
    };
    if let Some(row) = tables.log.get_mut(&held.row) {
        let said = Message::new(code)
            .with_message("why", &held.why)
            .with("rows", made);
        rows::say(row, Some(&said))?;
        row.completed_at = Some(now);
    }
    tables.set_status(held.row, status);
    Ok(made)
}

fn enqueue(
    own: &Own,
    tables: &mut Tables,
    held: &Held,
    verdict: Verdict,
    now: DateTime<Utc>,
) -> StoreResult<u64> {
    let all = std::mem::take(&mut tables.polls.held);
    let (settled, left) = all.into_iter().partition(|one| one.poll == held.poll);
    tables.polls.held = left;
    let mut made = 0;
    for one in settled {
        let harvest = Harvest {
            payload: one.payload.unwrap_or_default(),
            ..Harvest::default()
        };
        let about = change(&one.source_entity_id, &one.event_id);
        let mut row = found(own, one.id, &about, &one.poll, &harvest, now);
        if verdict == Verdict::Drop {
            rows::say(&mut row, Some(&Message::new(Code::DroppedByGuard)))?;
            row.status = Status::Skipped;
            row.error_class = Some("guard".to_owned());
            row.completed_at = Some(now);
        }
        made += u64::from(tables.insert(row));
    }
    Ok(made)
}
