//! The doorbell in Redis: apalis-redis behind a small front. What is here and not apalis's: the push, because
//! the bound must hold for all ringers at once and a webhook may cost one round trip (see `scripts`); the
//! wake-up, because apalis only polls (see `backend`); cleaning up, because apalis never does.
//!
//! Redis may vanish at any moment. Nothing here waits for it longer than a second, and nothing is kept for it.

mod backend;
mod connection;
mod keys;
mod link;
mod listener;
mod ringer;
mod scripts;
mod upkeep;
mod wake;

pub use listener::RedisListener;
pub use ringer::{Depths, RedisDoorbell};

/// Which queue, and how large.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// How many ids may wait. Well below 7,000, where apalis-redis stops working for ever (pitfalls 1).
    pub capacity: usize,
    /// The beginning of all keys. Its hash tag keeps them together in a Redis Cluster.
    pub namespace: String,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            capacity: 2000,
            namespace: "{siagh}:sync".to_owned(),
        }
    }
}
