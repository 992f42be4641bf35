//! Hears of changes and writes them down: each becomes a `PENDING` row first, then the doorbell is rung, then
//! the sender is answered.
//!
//! [`webhooks`] is one source of events, [`pollers`] are the other. It looks at the CRM's and finance's data only to
//! tell what changed, and never shows business data to anyone.
//!
//! The distributed service is [`run()`] (binary `siagh-ingest`); `siaghsync serve` mounts
//! [`webhooks::App::router`] in its own process, with an in-process doorbell.

pub mod pollers;
pub mod registration;
pub mod run;
pub mod store;
pub mod webhooks;

pub use run::run;
