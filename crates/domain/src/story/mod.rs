//! The life of one row as data: heard, held, decided, written, ended, and what comes next. Pure.
//!
//! [`explain`] makes it from the audit rows alone; [`text`] writes it out in English. Whoever shows it otherwise (a web
//! page, another language) takes the data: every sentence in it is a [`Message`](crate::message::Message). It never asks
//! the store or a system, and decides nothing.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::customer::Field;
use crate::entity::EntityType;
use crate::side::Side;
use crate::store::Status;

mod decided;
mod ended;
mod heard;
mod held;
mod next;
mod row;
mod sides;
#[cfg(test)]
mod tests;
pub mod text;
mod written;

pub use decided::{Before, Decided, Decision};
pub use ended::{Also, Ended};
pub use heard::Heard;
pub use held::{By, Held};
pub use next::{Action, Next};
pub use row::{LinkNow, Retry, Row, Worker};
pub use sides::{Counterpart, Sides};
pub use written::{Put, Written};

/// What a story is made from.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The row itself.
    pub row: Row,
    /// What the runs of the same row have written besides: rows of the same transaction, and of earlier tries.
    pub others: Vec<Row>,
    /// When it is tried again.
    pub retry: Option<Retry>,
    /// The link of its entity, as it is now.
    pub link: Option<LinkNow>,
    /// Rows that its run has covered.
    pub covers: Vec<Uuid>,
}

impl Facts {
    /// The row, and all that its runs have written.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        std::iter::once(&self.row).chain(&self.others)
    }
}

/// A record of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The side.
    pub side: Side,
    /// Its id there; `None`: it has none yet.
    pub id: Option<String>,
}

/// What a row's life was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// `SyncLog.id`.
    pub row: Uuid,
    /// The run that ended it, or was the last to try.
    pub transaction: Uuid,
    /// What kind of thing it is about.
    pub entity_type: EntityType,
    /// The name that the side that was heard held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it stands.
    pub status: Status,
    /// The record that was heard of.
    pub source: Record,
    /// Its counterpart.
    pub target: Record,
    /// How it came about.
    pub heard: Heard,
    /// What each side held before anything was written.
    pub sides: Sides,
    /// What it waits for.
    pub held: Held,
    /// What was decided, and why.
    pub decided: Decided,
    /// What was written, per side.
    pub written: Vec<Written>,
    /// How it ended.
    pub ended: Ended,
    /// What comes next.
    pub next: Next,
}

/// The story of a row.
#[must_use]
pub fn explain(facts: &Facts) -> Story {
    let row = &facts.row;
    let name = row
        .customer()
        .map(|customer| customer.get(Field::Name).to_owned());
    Story {
        row: row.id,
        transaction: row.transaction,
        entity_type: row.entity_type,
        name: name.filter(|name| !name.is_empty()),
        status: row.status,
        source: row.source_record(),
        target: row.target_record(),
        heard: heard::of(facts),
        sides: sides::of(facts),
        held: held::of(facts),
        decided: decided::of(facts),
        written: written::of(facts),
        ended: ended::of(facts),
        next: next::of(facts),
    }
}
