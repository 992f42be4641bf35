//! What the guard holds, in memory.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::polls::{entity_type_of, side_of};
use super::{Tables, rows};
use domain::clock::Clock;
use domain::store::entities::held;
use domain::polls::{Found, Harvest, Held, PollLease, Verdict};
use domain::store::Status;
use domain::store::entities::log;

fn change(id: &str, event_id: &str) -> Found {
    Found {
        id: id.to_owned(),
        event_id: event_id.to_owned(),
        vanished: false,
        problem: None,
    }
}

/// Keeps the changes of a look, and writes the guard's row.
pub(super) fn hold(
    tables: &mut Tables,
    turn: &PollLease,
    harvest: &Harvest,
    (row, why): (Uuid, &str),
    clock: &dyn Clock,
) {
    let now = clock.now();
    let side = side_of(&turn.poll);
    for found in harvest.changes.iter().filter(|found| found.problem.is_none()) {
        let held = &tables.polls.held;
        if held
            .iter()
            .any(|h| h.poll == turn.poll && h.event_id == found.event_id)
        {
            continue;
        }
        tables.polls.held.push(held::Model {
            id: clock.id(),
            poll: turn.poll.clone(),
            entity_type: entity_type_of(&turn.poll),
            source_system: rows::system(side).to_owned(),
            source_entity_id: found.id.clone(),
            event_id: found.event_id.clone(),
            payload: Some(harvest.payload.clone()),
            held_at: now,
        });
    }
    let said = change(&turn.poll, &format!("guard:{row}"));
    tables.insert(log::Model {
        status: Status::Conflict,
        error_message: Some(why.to_owned()),
        error_class: Some("guard".to_owned()),
        completed_at: Some(now),
        ..rows::found(row, &said, &turn.poll, harvest, false, now)
    });
}

pub(super) fn list(tables: &Tables, poll: Option<&str>) -> Vec<Held> {
    let cursors = tables.polls.cursors.values();
    let mut all = Vec::new();
    for cursor in cursors.filter(|cursor| poll.is_none_or(|poll| cursor.name == poll)) {
        let Some(row) = cursor.held_by else { continue };
        let said = tables.log.get(&row);
        let of_poll: Vec<_> = tables
            .polls
            .held
            .iter()
            .filter(|held| held.poll == cursor.name)
            .collect();
        all.push(Held {
            poll: cursor.name.clone(),
            row,
            since: said.map_or(cursor.updated_at, |row| row.started_at),
            why: said.and_then(|row| row.error_message.clone()).unwrap_or_default(),
            changes: of_poll.len() as u64,
            examples: of_poll
                .iter()
                .take(10)
                .map(|held| held.source_entity_id.clone())
                .collect(),
        });
    }
    all
}

pub(super) fn settle(tables: &mut Tables, held: &Held, verdict: Verdict, now: DateTime<Utc>) -> u64 {
    let cursor = tables.polls.cursors.get_mut(&held.poll);
    let Some(cursor) = cursor.filter(|cursor| cursor.held_by == Some(held.row)) else {
        return 0;
    };
    cursor.held_by = None;
    let all = std::mem::take(&mut tables.polls.held);
    let (settled, left) = all.into_iter().partition(|one| one.poll == held.poll);
    tables.polls.held = left;
    let mut made = 0;
    for one in settled {
        let harvest = Harvest {
            payload: one.payload.unwrap_or_default(),
            ..Harvest::default()
        };
        let found = change(&one.source_entity_id, &one.event_id);
        let mut row = rows::found(one.id, &found, &one.poll, &harvest, false, now);
        if verdict == Verdict::Drop {
            row.status = Status::Skipped;
            row.error_message = Some("held by the guard, and dropped with `siaghsync guard drop`".to_owned());
            row.error_class = Some("guard".to_owned());
            row.completed_at = Some(now);
        }
        if tables.is_new(&row) {
            tables.insert(row);
            made += 1;
        }
    }
    let (status, how) = match verdict {
        Verdict::Release => (Status::Success, "released with `siaghsync resume`"),
        Verdict::Drop => (Status::Skipped, "dropped with `siaghsync guard drop`"),
    };
    if let Some(row) = tables.log.get_mut(&held.row) {
        let said = row.error_message.take().unwrap_or_default();
        row.error_message = Some(format!("{said} [{how}: {made} rows]"));
    }
    tables.set_status(held.row, status);
    made
}
