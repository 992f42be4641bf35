//! What the store can fail with.

use super::words::words;
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

/// The outcome of a store operation.
pub type StoreResult<T> = Result<T, StoreError>;
