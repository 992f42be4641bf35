//! Hears of changes and writes them down: each becomes a `PENDING` row first, then the doorbell is rung, then
//! the sender is answered.
//!
//! [`webhooks`] is one way to hear; the pollers will be another, beside it, on the same [`store`]. It never
//! looks at the CRM's or finance's data to decide anything, and never shows business data to anyone.
//!
//! The distributed service is [`run()`] (binary `siagh-ingest`); `siaghsync serve` mounts
//! [`webhooks::App::router`] in its own process, with an in-process doorbell.

pub mod run;
pub mod store;
pub mod webhooks;

pub use run::run;
