//! Who polls.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::polls::{Begin, Look, PollLease, Rhythm};
use domain::store::entities::cursor;

use super::Polls;

fn until(now: DateTime<Utc>, at: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

fn look(row: &cursor::Model) -> Option<Look> {
    Some(Look {
        started_at: row.started_at?,
        completed_at: row.completed_at?,
    })
}

fn fresh(poll: &str, now: DateTime<Utc>) -> cursor::Model {
    cursor::Model {
        name: poll.to_owned(),
        value: None,
        lease_owner: None,
        lease_token: 0,
        lease_until: None,
        attempted_at: None,
        not_before: None,
        started_at: None,
        completed_at: None,
        held_by: None,
        updated_at: now,
    }
}

impl Polls {
    pub(super) fn begin(&mut self, poll: &str, owner: &str, rhythm: Rhythm, now: DateTime<Utc>) -> Begin {
        let row = self
            .cursors
            .entry(poll.to_owned())
            .or_insert_with(|| fresh(poll, now));
        if let Some(by) = row.held_by {
            return Begin::Held(by);
        }
        match row.lease_until {
            Some(end) if end > now => return Begin::Busy(until(now, end)),
            Some(_) => {}
            None => {
                let due = row.not_before.or(row.attempted_at.map(|at| at + rhythm.interval));
                if let Some(due) = due.filter(|due| *due > now) {
                    return Begin::NotDue(until(now, due));
                }
            }
        }
        row.lease_token += 1;
        row.lease_owner = Some(owner.to_owned());
        row.lease_until = Some(now + rhythm.lease);
        row.attempted_at = Some(now);
        row.updated_at = now;
        Begin::Taken(PollLease {
            poll: poll.to_owned(),
            token: row.lease_token,
            last: look(row),
            cursor: row.value.clone(),
            started_at: now,
        })
    }

    pub(super) fn is_held(&self, poll: &str) -> bool {
        self.cursors.get(poll).is_some_and(|row| row.held_by.is_some())
    }

    /// The row of a turn that is still the last one given.
    pub(super) fn of(&mut self, turn: &PollLease) -> Option<&mut cursor::Model> {
        let row = self.cursors.get_mut(&turn.poll);
        row.filter(|row| row.lease_token == turn.token)
    }

    pub(super) fn last_look(&self, poll: &str) -> Option<Look> {
        self.cursors.get(poll).and_then(look)
    }
}
