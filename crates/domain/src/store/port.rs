//! The port: what the engine and the services ask of the store.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{
    Backlog, Claim, Commit, Committed, EntityRef, Event, Holder, Intended, LastRun, Lease, Link, Stats,
    StoreResult, Work,
};
use crate::ports::Ring;

/// The link and audit store.
#[async_trait]
pub trait Store: Send + Sync {
    /// Writes what was heard, in one statement. Says for each event whether it is new (`false`: its event id, or
    /// the row itself, was there already).
    async fn enqueue(&self, events: &[Event]) -> StoreResult<Vec<bool>>;

    /// Takes the lease of a row's entity for `lease`, creating the half link of one that was never met,
    /// and claims all its open rows.
    async fn claim(&self, row: Uuid, owner: &str, lease: Duration) -> StoreResult<Claim>;

    /// Renews the lease and records what is about to be sent, with all that is known and decided by then, in one fenced
    /// statement: a run that is killed after it forgets nothing.
    async fn intend(&self, lease: &Lease, intended: Intended<'_>, duration: Duration) -> StoreResult<()>;

    /// The link that has that id, if there is one.
    async fn find_link(&self, entity: &EntityRef) -> StoreResult<Option<Link>>;

    /// The last row of that link that a run has ended; rows that it covered don't count, nor, of a run that failed,
    /// those that tell of what it had written before.
    async fn last_run(&self, link: Uuid) -> StoreResult<Option<LastRun>>;

    /// Reserves the keys of a first meeting (or of an order) for the link, all or none, until a commit of it after
    /// which it does not keep them ([`Link::keeps_its_locks`]). `Some`: who has one of them. Fenced.
    async fn lock(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>>;

    /// Makes that id part of the link, taking over a half link of it that nobody works on. Before anything
    /// is written to it.
    ///
    /// # Errors
    /// [`StoreError::LinkedElsewhere`] when it is another link's, is being worked on, or waits for something
    /// that was sent.
    async fn link(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()>;

    /// [`Self::link`] of what is known to be ours (an operator says so, or we have created it): takes over a half that
    /// waits for a human, too, and its conflict ends with that; and what a closed link has outlived, which then names
    /// only what is gone.
    async fn take_over(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()>;

    /// Ends a run: link, audit rows, retry entry, release; all or nothing, fenced. What waited for this customer
    /// ([`Commit::settles`]) is due with that; what is to wait for a customer ([`Commit::awaits`]) is due at once when a
    /// run of that one has ended since. Says who is to be rung for.
    async fn commit(&self, work: &Work, commit: &Commit) -> StoreResult<Committed>;

    /// Gives the claimed rows back untouched: nothing was sent, someone else will take them.
    async fn release(&self, work: &Work) -> StoreResult<()>;

    /// Rows that wait though nobody was told of late: up to `limit`, those longest not rung for first, marked
    /// as rung for now. Rows rung for within `quiet_for` are left alone.
    async fn sweep(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>>;

    /// Makes a failed row (`None`: all of them) wait again with all its tries, and says how many that are.
    async fn retry(&self, row: Option<Uuid>) -> StoreResult<u64>;

    /// Empties what up to `limit` final rows still hold of the records that they were about (`triggerPayload`,
    /// `sourceData`, `targetDataBefore`, `targetDataAfter`, `changes`, `errorStack`, `errorMessage`,
    /// `errorArguments`; the code of what was said stays), the oldest first, and says how many those were. Final here is `SUCCESS`, `SKIPPED`, `FAILED` since `older_than` or longer; what waits
    /// for a human keeps everything (so does an operator's failed row, whose payload is his ruling, for the retry),
    /// and so do the links. 0 also when another worker is about it just now.
    async fn prune(&self, older_than: Duration, limit: u64) -> StoreResult<u64>;

    /// Rows by status.
    async fn stats(&self) -> StoreResult<Stats>;

    /// What is not done, for the metrics: cheap, however many rows are.
    async fn backlog(&self) -> StoreResult<Backlog>;

    /// Whether the database answers, and takes writes.
    async fn ping(&self) -> StoreResult<()>;
}
