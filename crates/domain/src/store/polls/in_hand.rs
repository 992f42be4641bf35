//! Which records somebody has heard of already.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use super::{GROUP, of_company};
use crate::side::Side;
use crate::store::entities::log;
use crate::store::sql::{SqlStore, system};
use crate::store::{EntityType, Status, StoreResult};

pub(super) async fn in_hand(
    store: &SqlStore,
    (side, entity_type): (Side, EntityType),
    ids: &[&str],
    since: DateTime<Utc>,
) -> StoreResult<HashSet<String>> {
    use log::Column as C;
    let heard = Condition::any()
        .add(C::Status.is_in([Status::Pending, Status::InProgress]))
        .add(C::StartedAt.gte(since));
    let mut all = HashSet::new();
    for group in ids.chunks(GROUP) {
        let rows: Vec<String> = log::Entity::find()
            .select_only()
            .column(C::SourceEntityId)
            .filter(C::SourceEntityId.is_in(group.iter().copied()))
            .filter(C::EntityType.eq(entity_type))
            .filter(C::SourceSystem.eq(system(side)))
            .filter(of_company(store, side, C::Company))
            .filter(heard.clone())
            .into_tuple()
            .all(store.db())
            .await?;
        all.extend(rows);
    }
    Ok(all)
}
