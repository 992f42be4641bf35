//! The engine between two systems in memory, on all stores.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test binary has no public side and may fail"
)]

mod behind;
mod desk;
mod documents;
mod in_flight;
mod lost;
mod ours;
mod promises;
mod resolve;
mod world;
