//! `"SetAside"`: what a system shows and nobody can read as a record, until it reads well again. Polls write it, with the
//! rest of what a look brought; `siaghsync check` lists it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::entity::EntityType;
use crate::message::Message;
use crate::polls::{entity_type_of, side_of};
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::{QUICK, SqlStore, in_time};

mod list;
mod note;
mod rows;

pub(super) use note::note;

/// A record that is set aside at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The system that shows it.
    pub side: Side,
    /// The company whose finance system shows it; empty: the CRM does.
    pub company: String,
    /// What it should be.
    pub entity_type: EntityType,
    /// Its id, as far as it can be told.
    pub id: String,
    /// Why it can't be read.
    pub why: Message,
    /// Since when.
    pub first_seen: DateTime<Utc>,
    /// When it was last seen so.
    pub last_seen: DateTime<Utc>,
}

impl SqlStore {
    /// What is set aside, the oldest first, `limit` at most; and how many there are.
    ///
    /// # Errors
    /// The database's own.
    pub async fn set_aside(&self, limit: u64) -> StoreResult<(Vec<Aside>, u64)> {
        in_time(QUICK, || list::list(self, limit)).await
    }
}

/// The ids of those that a poll may find to read well again.
pub(super) async fn set_aside_by(store: &SqlStore, poll: &str) -> StoreResult<HashSet<String>> {
    list::ids(store, side_of(poll), entity_type_of(poll)).await
}
