//! One contract for the store, on both databases and in memory; and how an older database becomes this one.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test binary has no public side and may fail"
)]

mod aside;
mod companies;
mod database;
mod groups;
mod guard;
mod inbox;
mod index;
mod links;
mod locks;
mod messages;
mod outside;
mod plans;
mod polls;
mod prune;
mod runs;
mod scale;
mod snapshot;
mod taken;
mod upgrade;
mod waits;
mod world;
