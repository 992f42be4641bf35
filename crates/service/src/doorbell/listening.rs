//! How the ends of a queue work, of either kind.

use std::time::Duration;

/// How a listener works.
#[derive(Debug, Clone)]
pub struct Listening {
    /// How many handlers run at the same time; at least 1.
    pub concurrency: usize,
    /// How long running handlers may take to end after a shutdown, before they are dropped.
    pub grace: Duration,
    /// The beginning of the worker's name; each start adds something random.
    pub name: String,
}
