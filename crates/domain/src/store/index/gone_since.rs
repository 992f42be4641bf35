//! Since when a record was not shown.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::CUSTOMER;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::entities::record;
use crate::store::sql::{SqlStore, system};

pub(super) async fn gone_since(store: &SqlStore, side: Side, id: &str) -> StoreResult<Option<DateTime<Utc>>> {
    use record::Column as C;
    let since: Option<Option<DateTime<Utc>>> = record::Entity::find()
        .select_only()
        .column(C::GoneSince)
        .filter(C::Side.eq(system(side)))
        .filter(C::Company.eq(store.label()))
        .filter(C::EntityType.eq(CUSTOMER))
        .filter(C::Id.eq(id))
        .into_tuple()
        .one(store.db())
        .await?;
    Ok(since.flatten())
}
