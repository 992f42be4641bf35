//! How many rows there are.

use std::time::Duration;

/// How many rows there are of each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the statuses' names say it")]
pub struct Stats {
    pub pending: u64,
    pub in_progress: u64,
    pub success: u64,
    pub failed: u64,
    pub conflict: u64,
    pub skipped: u64,
}

impl Stats {
    /// All rows.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.pending + self.in_progress + self.success + self.failed + self.conflict + self.skipped
    }
}

/// What is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Rows that wait, also for their retry time.
    pub pending: u64,
    /// Rows that a run has claimed.
    pub in_progress: u64,
    /// Rows that wait for a human.
    pub conflict: u64,
    /// Rows that were given up.
    pub failed: u64,
    /// Rows whose retry time has not come.
    pub retries: u64,
    /// How long ago the oldest row was heard that is pending or in progress.
    pub oldest: Option<Duration>,
}
