//! The doorbell in Redis: apalis-redis behind a small front. What is here and not apalis's: the push, because
//! the bound must hold for all ringers at once and a webhook may cost one round trip (see `scripts`); the
//! wake-up, because apalis only polls (see `backend`); cleaning up, because apalis never does.
//!
//! It makes no difference whether it is one server or a Redis Cluster: all keys are in one slot, and `location`
//! finds the node that serves it.
//!
//! Redis may vanish at any moment. Nothing here waits for it longer than a second, and nothing is kept for it.

mod backend;
mod keys;
mod link;
mod listener;
mod location;
mod ringer;
mod scripts;
mod upkeep;
mod wake;
mod wire;

pub use listener::RedisListener;
pub use location::addresses;
pub use ringer::{Depths, RedisDoorbell};

/// The hash tag of all keys. When a worker registers, apalis-redis also writes the key `core:apalis:queues:list`,
/// which has no tag; this is the tag that puts the queue into the very same slot of a Redis Cluster, so that its
/// script works there as it is.
pub const TAG: &str = "{core:apalis:queues:list}";

/// Which queue, and how large.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// How many ids may wait. Well below 7,000, where apalis-redis stops working for ever (pitfalls 1).
    pub capacity: usize,
    /// The beginning of all keys. Its hash tag keeps them together in a Redis Cluster; see [`TAG`].
    pub namespace: String,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            capacity: 2000,
            namespace: format!("{TAG}:siagh:sync"),
        }
    }
}
