//! What the pollers know between two looks: cursors under leases, finance as it was last seen, and what the guard
//! holds back. [`PollStore`] is the port; [`crate::store::sql::SqlStore`] keeps it in the database.
//!
//! Nothing here calls an outside system, or decides when to look.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::base::Base;
use crate::customer::{Customer, Field, Kind};
use crate::document::DocumentKind;
use crate::ports::{MatchKeys, Ring, Side};
use crate::store::{EntityType, IssuedDocument, LinkState, StoreResult};
use crate::text::normal;

pub mod entities;
mod fingerprint;
pub mod guard;
mod sql;

pub use fingerprint::{Fingerprint, checksum, document_checksum};
pub use guard::Guard;

/// The poll of the CRM's persons.
pub const CRM_PERSON: &str = "crm:person";
/// The poll of the CRM's organizations.
pub const CRM_ORGANIZATION: &str = "crm:organization";
/// The poll of finance's contacts.
pub const FINANCE_CONTACTS: &str = "finance:contacts";

/// The poll of the CRM's sales quotes.
pub const CRM_QUOTES: &str = "crm:quote";
/// The poll of the CRM's sales invoices.
pub const CRM_INVOICES: &str = "crm:invoice";

/// The poll of a kind of document.
#[must_use]
pub fn poll_of(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Quote => CRM_QUOTES,
        DocumentKind::Invoice => CRM_INVOICES,
    }
}

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
    pub problem: Option<String>,
}

/// A contact whose state in finance differs from what was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactNow {
    /// Its code.
    pub code: String,
    /// [`checksum`] of what it holds.
    pub checksum: String,
    /// The counter, grown.
    pub changes: i64,
    /// Person or organization.
    pub kind: Kind,
    /// The keys of a first meeting in normal form: mobile, national id, e-mail, customer number.
    pub keys: [Option<String>; 4],
}

impl ContactNow {
    /// Of what was read.
    #[must_use]
    pub fn new(code: String, customer: &Customer, changes: i64) -> Self {
        let key = |field| Some(normal(field, customer.get(field))).filter(|key| !key.is_empty());
        Self {
            code,
            checksum: checksum(customer),
            changes,
            kind: customer.kind,
            keys: [
                key(Field::Mobile),
                key(Field::NationalId),
                key(Field::Email),
                key(Field::CustomerNumber),
            ],
        }
    }
}

/// What is known of a contact between two looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactSeen {
    /// Its checksum.
    pub checksum: String,
    /// The counter.
    pub changes: i64,
    /// It was not in a complete answer.
    pub gone: bool,
}

/// When a contact came to its present state, as far as looks can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactTimes {
    /// [`checksum`] of that state.
    pub checksum: String,
    /// The end of the look that first saw it so: the change came before.
    pub seen_at: DateTime<Utc>,
    /// The beginning of the last complete look that still saw it otherwise: the change came after.
    pub look_before: Option<DateTime<Utc>>,
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
    /// Codes of contacts that are not there any more.
    pub gone: Vec<String>,
    /// Stands in every row, for the audit.
    pub payload: Value,
    /// The trace of this look.
    pub traceparent: Option<String>,
    /// Why the guard holds the changes back, in words; `None`: it does not.
    pub hold: Option<String>,
    /// For so many rows the bell is rung at once; the sweeper rings for the others.
    pub ring: usize,
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

/// A mapped record, for telling echoes.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    /// What each side was last known to hold.
    pub base: Option<Base>,
    /// Where the link stands.
    pub state: LinkState,
}

impl Linked {
    /// Whether what a poll sees on `side` is no news: as that side was last known to be. Where a field waits for a human,
    /// that may be the very answer: whoever takes an edit back has settled it.
    #[must_use]
    pub fn knows(&self, fingerprint: &Fingerprint, side: Side) -> bool {
        let base = self.base.as_ref();
        self.state != LinkState::Conflict && base.is_some_and(|base| fingerprint.echoes(base, side))
    }
}

/// A poll that the guard holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The poll's name.
    pub poll: String,
    /// The guard's row.
    pub row: Uuid,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why, in words.
    pub why: String,
    /// How many changes.
    pub changes: u64,
    /// The first of their ids.
    pub examples: Vec<String>,
}

/// What becomes of a held set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The changes become `PENDING` rows.
    Release,
    /// They become `SKIPPED` rows, which say so: the same changes, read again, are not new.
    Drop,
}

/// What the pollers keep.
#[async_trait]
pub trait PollStore: Send + Sync {
    /// Takes the poll's lease when it is due and nobody has it. A lease that lapsed was a dead process's: its
    /// poll is due at once.
    async fn begin(&self, poll: &str, owner: &str, rhythm: Rhythm) -> StoreResult<Begin>;

    /// Renews the lease during a long read.
    ///
    /// # Errors
    /// [`crate::store::StoreError::Fenced`] when another process has it now.
    async fn renew(&self, turn: &PollLease, lease: Duration) -> StoreResult<()>;

    /// Gives the lease back without a result: nothing moves, and the next try comes after `wait`.
    async fn give_back(&self, turn: &PollLease, wait: Duration) -> StoreResult<()>;

    /// Ends a complete look: rows (or what is held), snapshot and cursor in one transaction, fenced.
    ///
    /// # Errors
    /// [`crate::store::StoreError::Fenced`]: nothing was stored.
    async fn finish(&self, turn: &PollLease, harvest: &Harvest) -> StoreResult<Stored>;

    /// The links of customers that have one of these ids on that side.
    async fn linked(&self, side: Side, ids: &[&str]) -> StoreResult<HashMap<String, Linked>>;

    /// Which of these event ids were heard before, or are held.
    async fn known_events(&self, side: Side, event_ids: &[&str]) -> StoreResult<HashSet<String>>;

    /// Finance codes of customers of whom a run has written something since then, to either side, after they were first
    /// seen as they look now: a contact among them that looks as at the last look may have been written by us and
    /// taken back by someone. (One whose present state came later was told of already, and maybe dropped by the guard.)
    async fn written_since(&self, since: DateTime<Utc>) -> StoreResult<HashSet<String>>;

    /// What stands in finance of the documents that have one of these ids in the CRM.
    async fn issued(&self, kind: DocumentKind, ids: &[&str]) -> StoreResult<HashMap<String, IssuedDocument>>;

    /// How many entities of that type are mapped on both sides, without tombstones.
    async fn linked_count(&self, entity_type: EntityType) -> StoreResult<u64>;

    /// When the tables were made: what the CRM held before is history.
    async fn installed_at(&self) -> StoreResult<DateTime<Utc>>;

    /// All contacts as they were last seen, by code.
    async fn contacts(&self) -> StoreResult<HashMap<String, ContactSeen>>;

    /// The last complete look of a poll. With [`FINANCE_CONTACTS`]: until then, finance held what the snapshot says.
    async fn last_look(&self, poll: &str) -> StoreResult<Option<Look>>;

    /// When a contact came to the state in which it was last seen; `None`: it was never seen.
    async fn contact_times(&self, code: &str) -> StoreResult<Option<ContactTimes>>;

    /// Codes of contacts that had one of these keys (in normal form) at the last look: candidates of a first
    /// meeting, to be read afresh, since a snapshot may be stale.
    async fn candidates(&self, keys: &MatchKeys) -> StoreResult<Vec<String>>;

    /// The polls that the guard holds, or the one of that name.
    async fn held(&self, poll: Option<&str>) -> StoreResult<Vec<Held>>;

    /// Ends a hold: exactly the held set is released or dropped, the guard's row is settled, the poll goes on.
    /// Says how many rows that made.
    async fn settle(&self, held: &Held, verdict: Verdict) -> StoreResult<u64>;
}
