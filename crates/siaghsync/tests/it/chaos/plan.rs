//! What a run is to do, and the settings that all runs share.

use std::time::Duration;

use domain::polls::{CRM_INVOICES, CRM_ORGANIZATION, CRM_PERSON, CRM_QUOTES, FINANCE_CONTACTS};

/// As short as the settings allow with a time-out of two seconds, so that lapses and settling fit a test.
pub const LEASE: Duration = Duration::from_secs(4);
/// `CREATE_SETTLE_SECONDS` below.
pub const CREATE_SETTLE: Duration = Duration::from_secs(8);
pub const SETTINGS: [(&str, &str); 11] = [
    ("HTTP_TIMEOUT_SECONDS", "2"),
    ("LEASE_SECONDS", "4"),
    ("CREATE_SETTLE_SECONDS", "8"),
    ("SWEEP_INTERVAL_SECONDS", "1"),
    ("POLL_INTERVAL_SECONDS", "2"),
    ("RETRY_BASE_SECONDS", "1"),
    // Other tests want connections of the same server at the same time.
    ("WORKER_CONCURRENCY", "8"),
    ("MAX_CHANGES_PER_RUN", "100000"),
    ("MAX_CHANGED_SHARE", "1"),
    ("CRM_QUOTE_TYPES", "PI_5,PI_3"),
    ("CRM_INVOICE_TYPES", "SI_5"),
];
/// A tenth of all calls fails: with these retries no row does. Three are the default.
pub const ENOUGH: u64 = 20;
pub const WORKERS: usize = 3;
pub const POLLS: [&str; 5] = [
    CRM_PERSON,
    CRM_ORGANIZATION,
    CRM_QUOTES,
    CRM_INVOICES,
    FINANCE_CONTACTS,
];

/// What a run is to do.
pub struct Plan {
    pub changes: usize,
    pub per_second: f64,
    pub seed: u64,
    /// Fewer kills between a first read and its commit prove nothing.
    pub kills_that_hit: usize,
    /// Workers that must have lost a lease while they were stopped.
    pub fenced: usize,
    /// `MAX_RETRY_ATTEMPTS`. With so few that rows fail while a tenth of all calls does, an operator has them tried
    /// again when the storm is over.
    pub retries: u64,
    /// All must be at an end so long after the last change.
    pub patience: Duration,
}
