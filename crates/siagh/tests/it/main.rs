//! The client over real HTTP: against the simulator, and against a stub for what the simulator never does.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes the helpers of tests for something else"
)]

mod contacts;
mod documents;
mod errors;
mod odd;
mod reads;
mod sessions;
mod support;
