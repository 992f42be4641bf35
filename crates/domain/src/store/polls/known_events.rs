//! Which events are there already, as rows or held.

use std::collections::HashSet;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::GROUP;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::entities::{held, log};
use crate::store::sql::{SqlStore, system};

pub(super) async fn known_events(
    store: &SqlStore,
    side: Side,
    event_ids: &[&str],
) -> StoreResult<HashSet<String>> {
    let mut all = HashSet::new();
    for group in event_ids.chunks(GROUP) {
        let rows: Vec<Option<String>> = log::Entity::find()
            .select_only()
            .column(log::Column::EventId)
            .filter(log::Column::SourceSystem.eq(system(side)))
            .filter(log::Column::EventId.is_in(group.iter().copied()))
            .into_tuple()
            .all(store.db())
            .await?;
        all.extend(rows.into_iter().flatten());
        let rows: Vec<String> = held::Entity::find()
            .select_only()
            .column(held::Column::EventId)
            .filter(held::Column::SourceSystem.eq(system(side)))
            .filter(held::Column::EventId.is_in(group.iter().copied()))
            .into_tuple()
            .all(store.db())
            .await?;
        all.extend(rows);
    }
    Ok(all)
}
