//! What the engine needs of the world: the two systems, and a bell to ring for a row. What pollers need of it beside
//! that: [`changes`].

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::customer::{Customer, Field, Kind, Values};
pub use crate::side::Side;

use crate::document::{Document, DocumentKind, DocumentSnapshot, Issued};

mod aside;
pub mod changes;

pub use aside::{Census, Listed, SetAside};

/// A customer as one side held it at the moment of a read.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The id on that side: the CRM's guid, or finance's `Code` in decimal.
    pub id: String,
    /// In canonical terms.
    pub customer: Customer,
    /// When it was last changed, by that side's own clock. Finance knows no such time.
    pub modified_at: Option<DateTime<Utc>>,
    /// The object as it was read, opaque to everyone but the connector, which gives back in
    /// [`Customers::update`] whatever is not to change. Never holds passwords or pictures.
    pub whole: serde_json::Value,
}

/// What an outside call can come to. The class decides what happens next (design, "Errors").
#[derive(Debug, Clone, thiserror::Error)]
pub enum PortError {
    /// Network, time-out of a read, 5xx, `429`: try again later; nothing was changed.
    #[error("{message}")]
    Transient {
        /// What happened, for people.
        message: String,
        /// `Retry-After` of the answer.
        retry_after: Option<Duration>,
    },
    /// The system is known to be down, or its ceiling of calls is reached: it was not asked, or its answer was one more
    /// of the same. No fault of whoever asked.
    #[error("{message}")]
    Unavailable {
        /// What is known, for people.
        message: String,
        /// No use asking before.
        retry_after: Duration,
    },
    /// A write may or may not have been carried out: the answer was lost, unreadable or a 5xx.
    #[error("{message}")]
    UnknownOutcome {
        /// What happened, for people.
        message: String,
        /// `Retry-After` of the answer.
        retry_after: Option<Duration>,
        /// It was one more sign of an outage: no fault of whoever asked.
        down: bool,
    },
    /// No session could be had: wrong credentials, no licence, locked out.
    #[error("{0}")]
    Session(String),
    /// The system says that the data is wrong, in its own words: no use repeating.
    #[error("{0}")]
    Refused(String),
    /// The system says that another of its records has a value that only one may have: no use repeating until that one no
    /// longer holds it.
    #[error("{words}")]
    Taken {
        /// The fields that it may be about.
        fields: Vec<Field>,
        /// The system's own words.
        words: String,
    },
    /// A search finds more than it shows: what it does not show may be there.
    #[error("{0}")]
    Incomplete(String),
    /// The record is there and can't be read as one: no use repeating until it has changed.
    #[error("{0}")]
    SetAside(SetAside),
    /// An update was answered with another id than the one sent: a second record was created.
    #[error(
        "an update of {sent} was answered with {answered}: a second record exists now; remove one of the two"
    )]
    Integrity {
        /// The id that was to be updated.
        sent: String,
        /// The id that came back.
        answered: String,
    },
}

impl PortError {
    /// An unknown outcome of which no more is known than these words.
    #[must_use]
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::UnknownOutcome {
            message: message.into(),
            retry_after: None,
            down: false,
        }
    }
}

/// The outcome of an outside call.
pub type PortResult<T> = Result<T, PortError>;

/// Keys by which a customer may be found on the other side, as typed there (not normalised).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchKeys {
    /// The other side's own id, if this side knows it (a customer of the CRM may name its finance code).
    pub id: Option<String>,
    /// The CRM's customer number.
    pub customer_number: Option<String>,
    /// National id.
    pub national_id: Option<String>,
    /// Mobile.
    pub mobile: Option<String>,
    /// E-mail.
    pub email: Option<String>,
}

/// The customers of one system. Both systems answer the same six questions.
#[async_trait]
pub trait Customers: Send + Sync {
    /// Reads one customer afresh; `None` when the system says that it does not exist. `kind` is a hint
    /// that saves a call. A system's own users are no customers: `None`.
    ///
    /// # Errors
    /// [`PortError::SetAside`] when it is there, or may be, and can't be read.
    async fn read(&self, id: &str, kind: Option<Kind>) -> PortResult<Option<Snapshot>>;

    /// All customers that agree with at least one of the keys, each once, read afresh. Callers compare
    /// normal forms themselves; more than needed may be returned, never less than the system can find. One that can't
    /// be read stops nobody: it is set aside, where it may be one that was asked for.
    ///
    /// # Errors
    /// As every read; [`PortError::Incomplete`] when it finds more than it shows.
    async fn find(&self, keys: &MatchKeys) -> PortResult<Listed>;

    /// Creates a customer with these values (projected by the connector) and says its id.
    ///
    /// # Errors
    /// [`PortError::UnknownOutcome`] when the request may have been carried out although no answer came,
    /// [`PortError::Taken`] when another record has one of the values.
    async fn create(&self, customer: &Customer) -> PortResult<String>;

    /// Saves `changes` (a value that is empty clears the field) into the object that was read as `current`;
    /// whatever is not in `changes` is sent back as it was read.
    ///
    /// # Errors
    /// [`PortError::UnknownOutcome`] and [`PortError::Taken`] as for [`Self::create`], [`PortError::Integrity`] when the answer
    /// names another record.
    async fn update(&self, current: &Snapshot, changes: &Values) -> PortResult<()>;

    /// The value as this system would hold it: without what it can't hold, cut to its length.
    /// Idempotent. Letter forms need no care: comparisons fold them.
    fn project(&self, field: Field, value: &str) -> String;

    /// What is to be remembered, like the places of [`Self::placed`], of each record that [`Self::create`] makes.
    fn makes(&self) -> Option<serde_json::Value> {
        None
    }

    /// Reads a record again from the places in which its values were last found (`None`: none is known yet), where a system
    /// has several for one field; says which places those are now, to be remembered with the link.
    fn placed(&self, record: &mut Snapshot, known: Option<&serde_json::Value>) -> Option<serde_json::Value> {
        let _ = (record, known);
        None
    }

    /// Takes note, in what is remembered, that an update is about to clear these fields: what else stands beside their
    /// places does not move up into them.
    fn clearing(&self, places: &mut serde_json::Value, changes: &Values) {
        let _ = (places, changes);
    }

    /// Whether calls are not even tried at the moment, because the system is known to be down.
    fn refuses(&self) -> bool {
        false
    }

    /// A harmless authenticated call, for start-up and `siaghsync check`; says what it found in words.
    async fn check(&self) -> PortResult<String>;
}

/// The CRM.
#[async_trait]
pub trait Crm: Customers {
    /// Registers `url` for `events` with the CRM's signed webhooks. `false`: the installation has none (404).
    async fn register_webhook(&self, url: &str, events: &[&str]) -> PortResult<bool>;

    /// The registered addresses; `None`: the installation has none (404).
    async fn webhooks(&self) -> PortResult<Option<Vec<String>>>;

    /// Reads one sales document afresh; `None` when the CRM says that it does not exist.
    ///
    /// # Errors
    /// As every read; [`PortError::Refused`] when a price or a count is no decimal that can be held exactly (the
    /// message names the row).
    async fn read_document(&self, kind: DocumentKind, id: &str) -> PortResult<Option<DocumentSnapshot>>;

    /// Writes the pre-invoice's number into the document's [`DocumentSnapshot::ref_id`]; everything else is sent back as it was read.
    ///
    /// # Errors
    /// As [`Customers::update`].
    async fn note_issued(&self, current: &DocumentSnapshot, number: &str) -> PortResult<()>;
}

/// The finance system.
#[async_trait]
pub trait Finance: Customers {
    /// The fiscal year (Jalali) that the login answered, once logged in.
    async fn fiscal_year(&self) -> PortResult<Option<i32>>;

    /// Issues the document as a sales pre-invoice. Finance can't be asked for it afterwards, and knows no edit.
    ///
    /// # Errors
    /// [`PortError::UnknownOutcome`] when it may have been issued although no (readable) answer came; every other
    /// error says that it was not.
    async fn issue(&self, document: &Document, customer_code: &str) -> PortResult<Issued>;
}

/// What travels in the queue: a row's id and the trace that it belongs to. Never data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// `SyncLog.id`.
    pub row: Uuid,
    /// W3C `traceparent` of the request that was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Why a bell was not rung. Never a reason to fail the caller: the sweeper rings again.
#[derive(Debug, thiserror::Error)]
pub enum BellError {
    /// The queue holds as many ids as it may; the rows wait in the database.
    #[error("the queue is full")]
    Full,
    /// The queue can't be reached.
    #[error("the queue (Redis) can't be reached: {0}")]
    Unreachable(String),
}

/// The bounded queue in front of the workers.
#[async_trait]
pub trait Doorbell: Send + Sync {
    /// Rings for these rows, all or none.
    async fn ring(&self, rings: &[Ring]) -> Result<(), BellError>;

    /// How many ids wait in the queue now.
    async fn depth(&self) -> Result<usize, BellError>;

    /// How many ids it may hold.
    fn capacity(&self) -> usize;

    /// Whether it was full when last looked at (cheap, may be some milliseconds old).
    fn is_full(&self) -> bool;
}
