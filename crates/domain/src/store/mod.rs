//! The link and audit store: what was heard, who works on what, what each side was known to hold.
//!
//! The database is the truth. A row is written before anyone is told that something was heard, and every
//! decision ends in one. [`Store`] is the port; [`sql::SqlStore`] keeps it in PostgreSQL or SQLite.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::DeriveActiveEnum;
use sea_orm::entity::prelude::{EnumIter, StringLen};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::base::Base;
use crate::message::Message;
use crate::ports::Ring;
use crate::side::Side;

pub use crate::change::Change;
pub use crate::entity::{EntityRef, EntityType};
pub use crate::in_flight::InFlight;
pub use crate::link::{IssuedDocument, Link, LinkState};

pub mod entities;
mod ruling;
pub mod sql;
mod words;

pub use ruling::Ruling;
pub use words::words;

/// `SyncLog.status` (design, "Statuses").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(StringLen::None)",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Waiting, also for its retry time.
    Pending,
    /// Claimed by a run under a lease.
    InProgress,
    /// Done, also with conflicts settled by policy.
    Success,
    /// Given up, or refused by the target; can be retried by hand.
    Failed,
    /// Waits for a human.
    Conflict,
    /// Nothing to do, or covered by another run.
    Skipped,
}

impl Status {
    /// Whether nothing more happens to such a row by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}

/// How a row came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(StringLen::None)",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Trigger {
    Webhook,
    Poll,
    Manual,
    Import,
}

/// Something that was heard: becomes one `PENDING` row.
#[derive(Debug, Clone)]
pub struct Event {
    /// The row's id, chosen by the caller so that it can ring without asking.
    pub row: Uuid,
    /// What it is about.
    pub entity: EntityRef,
    /// How it was heard.
    pub trigger: Trigger,
    /// Unique per source system; `None`: each hearing is a row of its own.
    pub event_id: Option<String>,
    /// What was received, for the audit.
    pub payload: Value,
    /// The trace of the request that was heard.
    pub traceparent: Option<String>,
    /// Whether the bell will be rung for it at once; if not, the sweeper may at any time.
    pub rung: bool,
}

/// The right to work on an entity, until it lapses or is lost to someone with a higher token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// `EntityMapping.id`.
    pub link: Uuid,
    /// The fence: every statement under the lease names it.
    pub token: i64,
}

/// A row that a run has claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedRow {
    /// `SyncLog.id`.
    pub id: Uuid,
    /// The side that was heard.
    pub side: Side,
    /// How it was heard.
    pub trigger: Trigger,
    /// When it was heard.
    pub heard_at: DateTime<Utc>,
    /// Failed tries so far.
    pub retry_count: u32,
    /// Whether it may have a retry entry: a run of it has ended before.
    pub scheduled: bool,
    /// Runs of it that ended without a word (killed, fenced out).
    pub lapses: u32,
    /// What an operator has ruled with it.
    pub ruling: Option<Ruling>,
}

/// Work that was claimed: an entity's lease with the rows that this run will close.
#[derive(Debug, Clone)]
pub struct Work {
    /// The lease.
    pub lease: Lease,
    /// The entity.
    pub link: Link,
    /// The row whose outcome is the run's.
    pub lead: ClaimedRow,
    /// Other rows of the entity that were waiting: covered by this run.
    pub covered: Vec<ClaimedRow>,
}

/// Another entity that is being met under the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Its link.
    pub link: Uuid,
    /// Whether a row of it is open, so that it goes on by itself.
    pub waits: bool,
    /// What it is.
    pub entity_type: EntityType,
    /// A document that stands in finance, or a customer that was met.
    pub known: bool,
}

/// How an entity's last run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// Its row.
    pub row: Uuid,
    /// Its status.
    pub status: Status,
    /// Why.
    pub message: Option<String>,
}

/// The answer to a claim.
#[derive(Debug, Clone)]
pub enum Claim {
    /// Work to do.
    Taken(Box<Work>),
    /// Nothing to do: the row is final, or unknown.
    Done,
    /// Someone else works on the entity; on release it looks for this row.
    Busy,
    /// Its retry time has not come.
    NotDue,
}

/// How a row ends, or waits on.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The status.
    pub status: Status,
    /// Why: a code with arguments, the target's own words among them where it refused.
    pub message: Option<Message>,
    /// The class of the error: `transient`, `session`, `refused`, `unknown_outcome`, `integrity`, …
    pub error_class: Option<&'static str>,
    /// Per field: before, after, which side won and why.
    pub changes: Option<Value>,
    /// The state of the side that was heard, in canonical terms.
    pub source_data: Option<Value>,
    /// The target's state before.
    pub target_before: Option<Value>,
    /// The target's state as it was read back.
    pub target_after: Option<Value>,
}

impl Outcome {
    /// An outcome with a message and nothing else.
    #[must_use]
    pub fn new(status: Status, message: impl Into<Option<Message>>) -> Self {
        Self {
            status,
            message: message.into(),
            error_class: None,
            changes: None,
            source_data: None,
            target_before: None,
            target_after: None,
        }
    }

    /// The message in English, as it stands in `errorMessage`.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.message.as_ref().map(Message::english)
    }
}

/// What is committed before something is sent: what is on its way, and what is known by now.
#[derive(Debug, Clone, Copy)]
pub struct Intended<'a> {
    /// All writes that are on their way, the new one last.
    pub in_flight: &'a InFlight,
    /// What each side is known to hold by now; `None`: as it stands in the store.
    pub base: Option<&'a Base>,
}

/// When a row is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Not before.
    pub at: DateTime<Utc>,
    /// Tries that have failed, this one included.
    pub count: u32,
    /// How many may.
    pub max: u32,
}

/// What a run leaves behind, in one transaction.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The entity as it is now known; `None`: the half link is dropped, there is no such record.
    pub link: Option<Link>,
    /// The run's transaction id, shared by its audit rows.
    pub transaction: Uuid,
    /// The side that was last written from (`lastSyncSource`), when something was written.
    pub synced_from: Option<Side>,
    /// How the lead row ends.
    pub outcome: Outcome,
    /// When to try again, with a `PENDING` outcome.
    pub retry: Option<Retry>,
    /// Writes that the lead row is not about (the other way, or before something failed): an audit row of its own
    /// each, from that side.
    pub audits: Vec<(Side, Outcome)>,
    /// Whether something was seen that this run did not carry over: a fresh `PENDING` row follows.
    pub look_again: bool,
    /// How long the run took.
    pub took: Duration,
}

/// What the store can fail with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The lease was lost: whatever this run found out is void.
    #[error("the lease of the entity was lost to another worker")]
    Fenced,
    /// The id is another link's already.
    #[error("{side} id {id} belongs to another link already")]
    LinkedElsewhere {
        /// The side of the id.
        side: Side,
        /// The id.
        id: String,
    },
    /// The database's own. Its words are all that there is to say: it has no source, so that nobody says them twice.
    #[error("database: {}", words(.0))]
    Database(sea_orm::DbErr),
}

impl From<sea_orm::DbErr> for StoreError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error)
    }
}

/// The outcome of a store operation.
pub type StoreResult<T> = Result<T, StoreError>;

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

    /// Ends a run: link, audit rows, retry entry, release; all or nothing, fenced. Says which row of the
    /// entity has come in meanwhile and waits.
    async fn commit(&self, work: &Work, commit: &Commit) -> StoreResult<Option<Ring>>;

    /// Gives the claimed rows back untouched: nothing was sent, someone else will take them.
    async fn release(&self, work: &Work) -> StoreResult<()>;

    /// Rows that wait though nobody was told of late: up to `limit`, those longest not rung for first, marked
    /// as rung for now. Rows rung for within `quiet_for` are left alone.
    async fn sweep(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>>;

    /// Makes a failed row (`None`: all of them) wait again with all its tries, and says how many that are.
    async fn retry(&self, row: Option<Uuid>) -> StoreResult<u64>;

    /// Empties what up to `limit` final rows still hold of the records that they were about (`triggerPayload`,
    /// `sourceData`, `targetDataBefore`, `targetDataAfter`, `changes`, `errorStack`), the oldest first, and says
    /// how many those were. Final here is `SUCCESS`, `SKIPPED`, `FAILED` since `older_than` or longer; what waits
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

/// How many rows there are of each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the statuses' names say it")]
pub struct Stats {
    pub pending: u64,
    pub in_progress: u64,
    pub success: u64,
    pub failed: u64,
    pub conflict: u64,
    pub skipped: u64,
}

/// What is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Rows that wait, also for their retry time.
    pub pending: u64,
    /// Rows that a run has claimed.
    pub in_progress: u64,
    /// Rows that wait for a human.
    pub conflict: u64,
    /// Rows that were given up.
    pub failed: u64,
    /// Rows whose retry time has not come.
    pub retries: u64,
    /// How long ago the oldest row was heard that is pending or in progress.
    pub oldest: Option<Duration>,
}

impl Stats {
    /// All rows.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.pending + self.in_progress + self.success + self.failed + self.conflict + self.skipped
    }
}

