//! The Siagh finance system.
//!
//! `api` speaks HTTP, `handle` is a user of the system; both work on [`Finance`]. It sends nothing
//! by itself, and nothing here knows faults.

mod answer;
mod api;
mod columns;
pub(crate) mod config;
mod contact_form;
mod document_form;
mod form;
mod handle;
mod lossy;
mod session;
mod store;
mod system;

pub(crate) use api::{internal_error, label, router};
pub use columns::LEAK_MARKER;
pub use handle::{Backup, FinanceHandle};
pub use store::Document;
pub(crate) use system::Finance;
