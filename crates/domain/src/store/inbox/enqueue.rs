//! Writing events down, in one statement.

use std::collections::HashSet;

use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ConnectionTrait, EntityTrait, QueryTrait};
use uuid::Uuid;

use super::rows;
use crate::store::entities::log;
use crate::store::sql::SqlStore;
use crate::store::{Event, StoreResult};

pub(in crate::store) async fn enqueue(store: &SqlStore, events: &[Event]) -> StoreResult<Vec<bool>> {
    let now = store.now();
    let written = insert(
        store.db(),
        events.iter().map(|event| rows::pending(store, event, now)),
    )
    .await?;
    Ok(events.iter().map(|event| written.contains(&event.row)).collect())
}

/// Inserts them, and says which are new: whatever is there already keeps its row, be it the event's key or, when only
/// the answer to an earlier try was lost, the row itself.
pub(in crate::store) async fn insert(
    db: &impl ConnectionTrait,
    rows: impl ExactSizeIterator<Item = log::ActiveModel> + Send,
) -> StoreResult<HashSet<Uuid>> {
    let mut written = HashSet::with_capacity(rows.len());
    if rows.len() == 0 {
        return Ok(written);
    }
    let mut insert = log::Entity::insert_many(rows);
    let insert = insert
        .query()
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .returning(Query::returning().column(log::Column::Id));
    for row in db.query_all(insert).await? {
        written.insert(row.try_get("", "id")?);
    }
    Ok(written)
}
