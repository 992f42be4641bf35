//! The columns that a story is made from. Nothing else of a story knows the tables.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Record;
use crate::base::Base;
use crate::change::Change;
use crate::customer::Customer;
use crate::document::{Difference, Document};
use crate::entity::EntityType;
use crate::message::Message;
use crate::side::Side;
use crate::store::entities::{link, log, retry};
use crate::store::{Ruling, Status, Trigger, message_of};

/// What version 0.1 wrote into a row that another run has covered; behind it stand that run's row, and for what an
/// earlier conflict had waited.
const COVERED_BY: &str = "covered by ";

/// An audit row.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the columns are those of the table")]
pub struct Row {
    pub id: Uuid,
    pub transaction: Uuid,
    pub entity_type: EntityType,
    pub status: Status,
    pub trigger: Trigger,
    pub payload: Option<Value>,
    pub source: Side,
    pub source_id: String,
    pub target_id: Option<String>,
    pub source_data: Option<Value>,
    pub target_before: Option<Value>,
    pub target_after: Option<Value>,
    pub changes: Option<Value>,
    /// What is said of it, where it is a code.
    pub message: Option<Message>,
    /// What is said of it, in English.
    pub text: Option<String>,
    pub error_class: Option<String>,
    pub covered_by: Option<Uuid>,
    pub retries: u32,
    /// Runs of it that ended without a word.
    pub lapses: u32,
    pub started_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
    pub duration_ms: Option<i32>,
    pub event_id: Option<String>,
    pub trace_id: Option<String>,
}

/// When a row is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Not before.
    pub at: DateTime<Utc>,
    /// How many tries may fail.
    pub max: u32,
}

/// What the link says now.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkNow {
    /// What each side was last known to hold.
    pub base: Option<Base>,
    /// Who works on it.
    pub worker: Option<Worker>,
}

/// Who has an entity's lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// The worker.
    pub name: String,
    /// When the lease lapses, unless it is renewed.
    pub until: DateTime<Utc>,
}

impl From<&log::Model> for Row {
    fn from(row: &log::Model) -> Self {
        let text = row.error_message.clone().filter(|text| !text.is_empty());
        Self {
            id: row.id,
            transaction: row.transaction_id,
            entity_type: row.entity_type,
            status: row.status,
            trigger: row.trigger_type,
            payload: row.trigger_payload.clone(),
            source: if row.source_system == "CRM" {
                Side::Crm
            } else {
                Side::Finance
            },
            source_id: row.source_entity_id.clone(),
            target_id: row.target_entity_id.clone(),
            source_data: row.source_data.clone(),
            target_before: row.target_data_before.clone(),
            target_after: row.target_data_after.clone(),
            changes: row.changes.clone(),
            message: row.error_code.is_some().then(|| message_of(row)).flatten(),
            covered_by: row.covered_by.or_else(|| text.as_deref().and_then(covered_by)),
            text,
            error_class: row.error_class.clone(),
            retries: row.retry_count.max(0).unsigned_abs(),
            lapses: row.lapses.max(0).unsigned_abs(),
            started_at: row.started_at,
            completed_at: row.completed_at,
            duration_ms: row.duration_ms,
            event_id: row.event_id.clone(),
            trace_id: row.trace_id.clone(),
        }
    }
}

impl From<&retry::Model> for Retry {
    fn from(retry: &retry::Model) -> Self {
        Self {
            at: retry.next_retry_at,
            max: retry.max_retries.max(0).unsigned_abs(),
        }
    }
}

impl From<&link::Model> for LinkNow {
    fn from(link: &link::Model) -> Self {
        Self {
            base: parsed(link.base.as_ref()),
            worker: link
                .lease_owner
                .clone()
                .zip(link.lease_until)
                .map(|(name, until)| Worker { name, until }),
        }
    }
}

/// The row that version 0.1 names as the one that covered this one.
fn covered_by(text: &str) -> Option<Uuid> {
    text.strip_prefix(COVERED_BY)?.get(..36)?.parse().ok()
}

/// What a column holds; `None` also where a newer version has written something that this one can't read.
fn parsed<T: DeserializeOwned>(json: Option<&Value>) -> Option<T> {
    serde_json::from_value(json?.clone()).ok()
}

impl Row {
    pub(super) fn source_record(&self) -> Record {
        Record {
            side: self.source,
            id: Some(self.source_id.clone()),
        }
    }

    pub(super) fn target_record(&self) -> Record {
        Record {
            side: self.source.other(),
            id: self.target_id.clone(),
        }
    }

    pub(super) fn is_document(&self) -> bool {
        self.entity_type != EntityType::Customer
    }

    pub(super) fn class(&self) -> &str {
        self.error_class.as_deref().unwrap_or_default()
    }

    /// What the side that was heard held.
    pub(super) fn customer(&self) -> Option<Customer> {
        parsed(self.source_data.as_ref())
    }

    /// What the other side held before anything was written.
    pub(super) fn customer_before(&self) -> Option<Customer> {
        parsed(self.target_before.as_ref())
    }

    /// What the other side holds after it.
    pub(super) fn customer_after(&self) -> Option<Customer> {
        parsed(self.target_after.as_ref())
    }

    /// What the CRM held of a document.
    pub(super) fn document(&self) -> Option<Document> {
        parsed(self.source_data.as_ref())
    }

    /// What became of the fields of a customer.
    pub(super) fn changes(&self) -> Vec<Change> {
        parsed(self.changes.as_ref()).unwrap_or_default()
    }

    /// In what a document is not as it was issued.
    pub(super) fn differences(&self) -> Vec<Difference> {
        parsed(self.changes.as_ref()).unwrap_or_default()
    }

    /// What an operator has ruled with it.
    pub(super) fn ruling(&self) -> Option<Ruling> {
        Ruling::of(self.trigger, self.payload.as_ref())
    }
}
