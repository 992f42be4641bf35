//! The port: what pollers ask of the store.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Begin, ContactSeen, ContactTimes, Harvest, Held, HeldChange, Linked, Look, PollLease, Rhythm, Stored,
    Verdict,
};
use crate::document::DocumentKind;
use crate::side::Side;
use crate::store::{EntityType, IssuedDocument, StoreResult};

/// What the pollers keep.
#[async_trait]
pub trait PollStore: Send + Sync {
    /// Takes the poll's lease when it is due and nobody has it. A lease that lapsed was a dead process's: its
    /// poll is due at once. What a hold still holds is looked through first: it ends by itself when nothing of it is left
    /// to be done.
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
    /// seen as they look now, or since that look began, the last one: a contact among them that looks as at the last look
    /// may have been written by us and taken back by someone. (One whose present state came later was told of already, and
    /// maybe dropped by the guard.)
    async fn written_since(&self, since: DateTime<Utc>, look: DateTime<Utc>) -> StoreResult<HashSet<String>>;

    /// What stands in finance of the documents that have one of these ids in the CRM.
    async fn issued(&self, kind: DocumentKind, ids: &[&str]) -> StoreResult<HashMap<String, IssuedDocument>>;

    /// The ids of records of that poll's kind that were set aside before: whoever reads well again is to be told of
    /// ([`Harvest::well`]).
    async fn set_aside_by(&self, poll: &str) -> StoreResult<HashSet<String>>;

    /// Which of these records need no poll any more: a row of theirs is open, or was heard since then.
    async fn in_hand(
        &self,
        of: (Side, EntityType),
        ids: &[&str],
        since: DateTime<Utc>,
    ) -> StoreResult<HashSet<String>>;

    /// How many entities of that type are linked on both sides, without tombstones; of finance's side, those of its company.
    async fn linked_count(&self, side: Side, entity_type: EntityType) -> StoreResult<u64>;

    /// When the tables were made: what the CRM held before is history.
    async fn installed_at(&self) -> StoreResult<DateTime<Utc>>;

    /// The company's contacts that have one of these codes, as they were last seen, by code.
    async fn contacts(&self, codes: &[&str]) -> StoreResult<HashMap<String, ContactSeen>>;

    /// The same of all that have none of these codes.
    async fn contacts_but(&self, codes: &HashSet<Box<str>>) -> StoreResult<HashMap<String, ContactSeen>>;

    /// The last complete look of a poll. With [`super::contacts_of`]: until then, finance held what the snapshot says.
    async fn last_look(&self, poll: &str) -> StoreResult<Option<Look>>;

    /// When a contact came to the state in which it was last seen; `None`: it was never seen.
    async fn contact_times(&self, code: &str) -> StoreResult<Option<ContactTimes>>;

    /// The polls that the guard holds, or the one of that name.
    async fn held(&self, poll: Option<&str>) -> StoreResult<Vec<Held>>;

    /// All that is held of that poll.
    async fn held_changes(&self, poll: &str) -> StoreResult<Vec<HeldChange>>;

    /// These are held no more: nothing of them is left to be done.
    async fn let_go(&self, poll: &str, event_ids: &[&str]) -> StoreResult<()>;

    /// Ends a hold: exactly the held set is released or dropped, the guard's row is settled, the poll goes on.
    /// Says how many rows that made.
    async fn settle(&self, held: &Held, verdict: Verdict) -> StoreResult<u64>;
}
