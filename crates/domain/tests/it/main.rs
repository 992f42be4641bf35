//! The store on both databases and in memory, and the engine on in-memory systems.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test binary has no public side and may fail"
)]

mod behind;
mod desk;
mod documents;
mod engine;
mod lost;
mod outside;
mod polls;
mod resolve;
mod store;
mod store_more;
mod world;
