//! What was ever noted.

use sea_orm::{EntityTrait, QueryOrder};

use crate::store::StoreResult;
use crate::store::entities::webhook;
use crate::store::sql::SqlStore;

/// All that were ever noted, the latest first.
///
/// # Errors
/// The database's own.
pub async fn list(store: &SqlStore) -> StoreResult<Vec<webhook::Model>> {
    let all = webhook::Entity::find().order_by_desc(webhook::Column::UpdatedAt);
    Ok(all.all(store.db()).await?)
}
