//! What pollers need of a system: what changed there since they last looked, or, where it can't say that, everybody
//! whom it knows.
//!
//! Where a read goes on, how far it looks back over what was read before, and how big a page is, are the connector's
//! business. A read of changes never says what was deleted, and nothing here decides what a change is worth.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio::sync::mpsc;

use super::{Census, PortResult, SetAside, Snapshot};
use crate::customer::{Customer, Kind};
use crate::document::{Document, DocumentKind};

/// Where a read of changes begins.
#[derive(Debug, Clone, Copy, Default)]
pub struct Since<'a> {
    /// As the last complete read of the same changes ended ([`End::cursor`], also one of an earlier version); `None`:
    /// from the beginning of all time.
    pub cursor: Option<&'a str>,
    /// Looks back over much more than usual: the system's clock may have been set back. Costs reading, nothing else.
    pub wide: bool,
}

/// Which sales documents are read.
#[derive(Debug, Clone, Copy)]
pub struct DocumentFeed<'a> {
    /// Quotes or invoices.
    pub kind: DocumentKind,
    /// The system's codes of their types ([`Document::object_type`]); each is read by itself.
    pub types: &'a [String],
    /// Documents that were made before may be left out. A cursor knows it: when it lies earlier than last time, or a
    /// type is new, what was left out then is read.
    pub made_since: DateTime<Utc>,
}

/// A record in the state in which a read of changes showed it. Such a read may show less of it than [`Customers::read`]
/// does, so it is for comparing, and never to be given to an update.
///
/// [`Customers::read`]: super::Customers::read
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<T> {
    /// Its id.
    pub id: String,
    /// The time of its last change in the system's own text; empty where it shows none. It stands in event keys, so it is
    /// never brought into another form.
    pub modified: String,
    /// What it says.
    pub record: T,
}

/// A sales document as a read of changes showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownDocument {
    /// The type by which it was read.
    pub object_type: String,
    /// When it was made; `None`: it does not say.
    pub created_at: Option<DateTime<Utc>>,
    /// What it says, or why that can't be held exactly.
    pub document: Result<Document, String>,
}

/// How a read of changes ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// Where the next read goes on, in the connector's own text, to be stored once all that was read is durable; `None`:
    /// where this one began.
    pub cursor: Option<String>,
    /// The newest change bears a time so far ahead of our clock that the cursor does not go there: it would hide all
    /// changes until then.
    pub ahead: Option<TimeDelta>,
    /// What could not be read as a record on the way. The cursor is beyond it.
    pub aside: Vec<SetAside>,
}

/// The next part of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<T> {
    /// Some records, never none, oldest first. Each state of a record comes once in a read; a record that is changed
    /// meanwhile comes again.
    Records(Vec<Changed<T>>),
    /// All was read. Asked again, it says the same again.
    End(End),
}

/// A read of changes under way: a page at a time is in memory, and the end comes only after the last page, so that a
/// part can't be taken for the whole.
#[async_trait]
pub trait Parts<T>: Send {
    /// Reads on.
    ///
    /// # Errors
    /// As every read. The read is over then: nothing of it may move a cursor.
    async fn next(&mut self) -> PortResult<Part<T>>;
}

/// A system that can be asked what changed.
pub trait Changes: Send + Sync {
    /// The customers of a kind that changed. Nothing is sent before the first part is asked for.
    fn customer_changes<'a>(&'a self, kind: Kind, since: Since<'a>) -> Box<dyn Parts<Customer> + 'a>;

    /// The same of sales documents.
    fn document_changes<'a>(
        &'a self,
        feed: DocumentFeed<'a>,
        since: Since<'a>,
    ) -> Box<dyn Parts<ShownDocument> + 'a>;

    /// The first instant of a day by that system's clock.
    fn beginning_of(&self, day: NaiveDate) -> DateTime<Utc>;
}

/// A system that can't be asked what changed, only for everybody whom it knows.
#[async_trait]
pub trait Everybody: Send + Sync {
    /// Reads all customers and sends them one by one as they arrive, so that they never stand in memory at once: it reads on
    /// no faster than they are taken. Says how many there were, and what could not be read.
    ///
    /// # Errors
    /// As every read. Whatever was sent before an error is a **part**, to be acted on by no one.
    async fn send_all(&self, to: mpsc::Sender<Snapshot>) -> PortResult<Census>;
}

/// So many customers of [`Everybody`] wait to be taken at most.
pub const WAITING: usize = 500;

/// Hands all customers over one by one.
///
/// # Errors
/// As [`Everybody::send_all`].
pub async fn for_each(of: &dyn Everybody, mut each: impl FnMut(Snapshot) + Send) -> PortResult<Census> {
    let (to, mut all) = mpsc::channel(WAITING);
    let taken = async {
        while let Some(one) = all.recv().await {
            each(one);
        }
    };
    let (census, ()) = tokio::join!(of.send_all(to), taken);
    census
}
