//! The link and audit store: what was heard, who works on what, what each side was known to hold.
//!
//! The database is the truth. A row is written before anyone is told that something was heard, and every
//! decision ends in one. [`Store`] is the port; [`sql::SqlStore`] keeps it in PostgreSQL or SQLite: a folder per
//! aggregate, a file per operation, and one place in each where rows become values.

mod aside;
mod companies;
mod count;
mod dispatch;
pub mod entities;
mod error;
mod inbox;
mod index;
mod links;
mod locks;
mod outcome;
mod outside;
mod polls;
mod port;
mod row;
mod ruling;
mod run;
pub mod sql;
pub mod subscriptions;
mod taken;
mod words;
mod work;

pub use aside::Aside;
pub use companies::NotServed;
pub use count::{Backlog, Stats};
pub use error::{StoreError, StoreResult};
pub use inbox::message_of;
pub use links::link_of;
pub use outcome::{Awaited, Commit, Committed, Outcome, Retry, TAKEN, Withheld};
pub use port::Store;
pub use row::{Event, Status, Trigger};
pub use ruling::{Ruling, Stood};
pub use words::words;
pub use work::{Claim, ClaimedRow, Holder, Intended, LastRun, Lease, Work, says_gone};

pub use crate::change::Change;
pub use crate::entity::{EntityRef, EntityType};
pub use crate::in_flight::InFlight;
pub use crate::link::{IssuedDocument, Link, LinkState};
