//! What a run has claimed, and the answers that it gets on its way.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{Ruling, Status, Trigger};
use crate::base::Base;
use crate::entity::EntityType;
use crate::in_flight::InFlight;
use crate::link::Link;
use crate::message::Message;
use crate::side::Side;

/// The right to work on an entity, until it lapses or is lost to someone with a higher token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// Whether it says that the record is gone ([`says_gone`]).
    pub gone: bool,
}

/// Whether what was heard says that the record is gone: a webhook of a deletion, or a poll whose full looks did not show
/// it.
#[must_use]
pub fn says_gone(payload: &Value) -> bool {
    let text = |name| payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let of_webhook = ["action", "event", "eventType"].map(text);
    let deleted = |said: &str| {
        let action = said.rsplit('.').next().unwrap_or_default().trim();
        ["deleted", "delete", "0"]
            .iter()
            .any(|word| action.eq_ignore_ascii_case(word))
    };
    payload.get("vanished") == Some(&Value::Bool(true)) || of_webhook.into_iter().any(deleted)
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

/// What is committed before something is sent: what is on its way, and what is known by now.
#[derive(Debug, Clone, Copy)]
pub struct Intended<'a> {
    /// All writes that are on their way, the new one last.
    pub in_flight: &'a InFlight,
    /// What each side is known to hold by now; `None`: as it stands in the store.
    pub base: Option<&'a Base>,
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
    /// The class of its error.
    pub class: Option<String>,
    /// Why.
    pub message: Option<Message>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::says_gone;

    #[test]
    fn a_deletion_is_heard_from_a_webhook_or_from_a_poll_that_has_missed_it_twice() {
        for gone in [
            json!({"action": "deleted"}),
            json!({"eventType": "customer.deleted"}),
            json!({"event": "Delete"}),
            json!({"event": "0"}),
            json!({"poll": "finance:contacts", "vanished": true}),
        ] {
            assert!(says_gone(&gone), "{gone}");
        }
        for other in [
            json!({}),
            json!(null),
            json!({"event": "2", "action": "updated"}),
            json!({"vanished": false}),
            json!({"deleted": true}),
        ] {
            assert!(!says_gone(&other), "{other}");
        }
    }
}
