//! The store on both databases and in memory.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test binary has no public side and may fail"
)]

mod desk;
mod outside;
mod polls;
mod store;
mod store_more;
mod world;
