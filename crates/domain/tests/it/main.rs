//! The store on both databases, and the engine on in-memory systems.

#![allow(unreachable_pub, reason = "a test binary has no public side")]

mod engine;
mod store;
mod world;
