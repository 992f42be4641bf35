//! Which queue in Redis, and how large.

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
