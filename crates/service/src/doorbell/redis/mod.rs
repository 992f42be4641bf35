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
mod options;
mod ringer;
mod scripts;
mod upkeep;
mod wake;
mod wire;

pub use listener::RedisListener;
pub use location::addresses;
pub use options::{RedisOptions, TAG};
pub use ringer::{Depths, RedisDoorbell};
