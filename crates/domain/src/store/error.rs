//! What the store can fail with.

use super::words::{self, words};
use crate::side::Side;

/// What the store can fail with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The lease was lost: whatever this run found out is void.
    #[error("the lease of the entity was lost to another worker")]
    Fenced,
    /// The id is another link's already.
    #[error("{side} id {id} belongs to another link already")]
    LinkedElsewhere {
        /// The side of the id.
        side: Side,
        /// The id.
        id: String,
    },
    /// The database's own. Its words are all that there is to say: it has no source, so that nobody says them twice.
    #[error("database: {}", words(.0))]
    Database(sea_orm::DbErr),
}

impl From<sea_orm::DbErr> for StoreError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error)
    }
}

impl StoreError {
    /// Whether it is about what was to be stored (a value that no column takes), not about the database: the same again
    /// would come to the same.
    #[must_use]
    pub fn is_about_the_data(&self) -> bool {
        matches!(self, Self::Database(error) if words::is_about_the_data(error))
    }
}

/// The outcome of a store operation.
pub type StoreResult<T> = Result<T, StoreError>;
