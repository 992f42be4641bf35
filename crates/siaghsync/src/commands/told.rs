//! A run as the audit rows have it.

use domain::store::entities::{log, retry};

/// What the story is told from.
pub(crate) struct Told {
    /// The row itself.
    pub(crate) row: log::Model,
    /// Rows of the same run: writes the other way.
    pub(crate) same_run: Vec<log::Model>,
    /// When it is tried again.
    pub(crate) retry: Option<retry::Model>,
}
