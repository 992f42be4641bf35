//! The simulated systems over real HTTP, as strict as the contracts.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod auth;
mod contacts;
mod control;
mod documents;
mod faults;
mod find;
mod load;
mod objects;
mod support;
mod webhooks;
