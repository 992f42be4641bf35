//! The Payamgostar CRM.
//!
//! `api` speaks HTTP, `handle` is a user of the system, both work on [`Crm`], which keeps the
//! objects (`store`), counts saves and sends webhooks. Nothing here knows faults.

mod api;
mod auth;
pub(crate) mod config;
mod dates;
mod find;
mod handle;
mod kind;
mod prepare;
mod query;
mod save;
mod shape;
mod store;
mod system;
mod webhooks;

pub(crate) use api::{internal_error, label, router};
pub use handle::CrmHandle;
pub use kind::Kind;
pub(crate) use system::Crm;
pub use webhooks::{RegisteredHook, WebhookStats};
