//! The gate before an outside system, with several processes' gates on one shared state and a real HTTP server.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test binary has no public side and may fail"
)]

mod breaker;
mod connections;
mod pace;
mod support;
