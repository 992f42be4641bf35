//! What a run leaves behind.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::Status;
use crate::entity::EntityType;
use crate::index::Sighting;
use crate::link::{Link, LinkState};
use crate::matching::Form;
use crate::message::Message;
use crate::ports::Ring;
use crate::side::Side;

/// The class of a row that ended since another record holds a value of its own: it is open again by itself once it does not.
pub const TAKEN: &str = "taken";

/// A value that a record holds, and that another one could not be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The holder's side.
    pub side: Side,
    /// The holder.
    pub holder: String,
    /// The value, as the index keeps it of the holder.
    pub form: Form,
}

/// How a row ends, or waits on.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The status.
    pub status: Status,
    /// Why: a code with arguments, the target's own words among them where it refused.
    pub message: Option<Message>,
    /// The class of the error: `transient`, `session`, `refused`, [`TAKEN`], `unknown_outcome`, `integrity`, …
    pub error_class: Option<&'static str>,
    /// Per field: before, after, which side won and why.
    pub changes: Option<Value>,
    /// The state of the side that was heard, in canonical terms.
    pub source_data: Option<Value>,
    /// The target's state before.
    pub target_before: Option<Value>,
    /// The target's state as it was read back.
    pub target_after: Option<Value>,
    /// Of class [`TAKEN`]: what is to be free for the row to be open again. It is so at once where the index shows that the
    /// holder no longer holds it.
    pub withheld: Vec<Withheld>,
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
            withheld: Vec::new(),
        }
    }

    /// The message in English, as it stands in `errorMessage`.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.message.as_ref().map(Message::english)
    }
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

/// The customer without whom a document can't go on, as the document's run has found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// Its id in the CRM.
    pub customer: String,
    /// Its link's version; `None`: it had no link.
    pub version: Option<i64>,
    /// A row of it was written down by that run, and will be run.
    pub enqueued: bool,
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
    /// With a retry: whose run makes it due before its time.
    pub awaits: Option<Awaited>,
    /// Writes that the lead row is not about (the other way, or before something failed): an audit row of its own
    /// each, from that side.
    pub audits: Vec<(Side, Outcome)>,
    /// Whether something was seen that this run did not carry over: a fresh `PENDING` row follows.
    pub look_again: bool,
    /// What the run saw of both systems, for the index.
    pub seen: Vec<Sighting>,
    /// How long the run took.
    pub took: Duration,
}

impl Commit {
    /// The customer, by its id in the CRM, whose documents are to look at it again: its run has ended, or it can be
    /// named to finance meanwhile. `claimed`: its link before.
    #[must_use]
    pub fn settles<'a>(&'a self, claimed: &'a Link) -> Option<&'a str> {
        let link = self.link.as_ref().unwrap_or(claimed);
        let named = link.state == LinkState::Active && link.finance_id.is_some();
        let settled = self.outcome.status.is_final() || named;
        let customer = settled && link.entity_type == EntityType::Customer;
        link.crm_id.as_deref().filter(|_| customer)
    }
}

/// Who is to be rung for after a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// A row of the same entity that has come in meanwhile and waits.
    pub next: Option<Ring>,
    /// Rows of documents that waited for this customer.
    pub woken: Vec<Ring>,
}
