//! Whose turn it is to poll, and what a complete look brings.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::ContactNow;
use crate::company::Company;
use crate::index::Sighting;
use crate::message::Message;
use crate::ports::{Ring, SetAside};
use crate::side::Side;

/// How often a poll is to run, and for how long its lease is taken.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// From start to start.
    pub interval: Duration,
    /// A holder that does not renew for so long is taken for dead.
    pub lease: Duration,
}

/// A complete poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// When its read began: everything older than this was seen.
    pub started_at: DateTime<Utc>,
    /// When what it found was stored.
    pub completed_at: DateTime<Utc>,
}

/// The right to poll, until someone with a higher token has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollLease {
    /// The poll's name.
    pub poll: String,
    /// The fence.
    pub token: i64,
    /// Where the read goes on, in the server's own text; `None`: it was never read, or has no such thing.
    pub cursor: Option<String>,
    /// When this look began.
    pub started_at: DateTime<Utc>,
    /// The last complete look before this one.
    pub last: Option<Look>,
}

/// The answer to "may I poll?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Yes, now, and nobody else.
    Taken(PollLease),
    /// Its time comes after so long.
    NotDue(Duration),
    /// Another process polls; its lease lasts so long if it dies now.
    Busy(Duration),
    /// The guard holds the poll, by this row.
    Held(Uuid),
}

/// One change that a poll found: becomes a `PENDING` row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The record's id on the side that is polled.
    pub id: String,
    /// Unique per source system; the same for everyone who sees this change.
    pub event_id: String,
    /// The record was there, and is not in the answer any more.
    pub vanished: bool,
    /// Why it can't be synced: it is set aside as `FAILED`, and stops nobody.
    pub problem: Option<Message>,
}

/// Everything that one complete look brought; stored in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Harvest {
    /// The changes that become rows.
    pub changes: Vec<Found>,
    /// Where the next read goes on; `None`: where this one did.
    pub cursor: Option<String>,
    /// Contacts that hold something new.
    pub contacts: Vec<ContactNow>,
    /// Codes of contacts that were in the answer before and are not in this one: nothing is concluded from that yet.
    pub missing: Vec<String>,
    /// Codes of contacts that were missing before and still are: they are gone.
    pub gone: Vec<String>,
    /// What else was seen, for the index: all of the CRM, and contacts that it does not hold as they were last seen.
    pub seen: Vec<Sighting>,
    /// What was seen and can't be read as a record.
    pub aside: Vec<SetAside>,
    /// Ids that were set aside before and are no more.
    pub well: Vec<String>,
    /// Stands in every row, for the audit.
    pub payload: Value,
    /// The trace of this look.
    pub traceparent: Option<String>,
    /// Why the guard holds the changes back; `None`: it does not.
    pub hold: Option<Message>,
    /// For so many rows the bell is rung at once; the sweeper rings for the others.
    pub ring: usize,
}

impl Harvest {
    /// All that this look has seen, for the index; its contacts are those of `company`.
    #[must_use]
    pub fn sightings(&self, turn: &PollLease, company: Company) -> Vec<Sighting> {
        let contacts = self
            .contacts
            .iter()
            .map(|contact| contact.sighting(company, turn.started_at));
        let gone = self
            .gone
            .iter()
            .map(|code| Sighting::gone(Side::Finance, company, code, turn.started_at));
        self.seen.iter().cloned().chain(contacts).chain(gone).collect()
    }
}

/// What was stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// New rows.
    pub rows: u64,
    /// Those that are to be rung for.
    pub rings: Vec<Ring>,
    /// The guard's row, when it holds the changes.
    pub held_by: Option<Uuid>,
}
