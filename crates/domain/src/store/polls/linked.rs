//! The links of customers, by id.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};

use super::{GROUP, of_company};
use crate::polls::Linked;
use crate::side::Side;
use crate::store::entities::link;
use crate::store::sql::SqlStore;
use crate::store::{EntityType, LinkState, StoreResult};

#[derive(FromQueryResult)]
struct LinkRow {
    id: Option<String>,
    base: Option<serde_json::Value>,
    state: LinkState,
}

pub(super) async fn linked(
    store: &SqlStore,
    side: Side,
    ids: &[&str],
) -> StoreResult<HashMap<String, Linked>> {
    let column = match side {
        Side::Crm => link::Column::CrmId,
        Side::Finance => link::Column::FinanceId,
    };
    let mut all = HashMap::with_capacity(ids.len());
    for group in ids.chunks(GROUP) {
        let rows = link::Entity::find()
            .select_only()
            .column_as(column, "id")
            .columns([link::Column::Base, link::Column::State])
            .filter(link::Column::EntityType.eq(EntityType::Customer))
            .filter(column.is_in(group.iter().copied()))
            .filter(of_company(store, side, link::Column::Company))
            .into_model::<LinkRow>()
            .all(store.db())
            .await?;
        for row in rows {
            // One that can't be read stops nobody: the record makes a row, and its run says what is wrong.
            let base = row.base.and_then(|base| serde_json::from_value(base).ok());
            let linked = Linked {
                base,
                state: row.state,
            };
            all.extend(row.id.map(|id| (id, linked)));
        }
    }
    Ok(all)
}
