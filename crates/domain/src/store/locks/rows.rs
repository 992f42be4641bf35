//! Who has a key.

use sea_orm::QueryResult;

use crate::store::{Holder, StoreResult};

pub(super) fn holder(row: &QueryResult) -> StoreResult<Holder> {
    Ok(Holder {
        link: row.try_get("", "entityMappingId")?,
        waits: row.try_get::<i64>("", "open")? > 0,
        entity_type: row.try_get("", "entityType")?,
        known: row.try_get::<i32>("", "known")? > 0,
    })
}
