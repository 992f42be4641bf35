//! The link that has an id, and those that wait for a human.

use sea_orm::{ActiveEnum, ConnectionTrait};

use super::rows;
use crate::store::sql::SqlStore;
use crate::store::{EntityRef, Link, StoreResult};

pub(in crate::store) async fn find(store: &SqlStore, entity: &EntityRef) -> StoreResult<Option<Link>> {
    let sql = format!(
        r#"SELECT {} FROM "EntityMapping" WHERE "entityType" = $1 AND {}"#,
        rows::COLUMNS,
        rows::names(entity.side, 2, 3)
    );
    let values = [
        entity.entity_type.to_value().into(),
        entity.id.clone().into(),
        store.label(),
    ];
    let row = store.db().query_one_raw(store.statement(&sql, values)).await?;
    row.as_ref().map(rows::read).transpose()
}

/// The customers of which something waits for a human.
pub(in crate::store) async fn in_conflict(store: &SqlStore) -> StoreResult<Vec<Link>> {
    let sql = format!(
        r#"SELECT {} FROM "EntityMapping" WHERE "entityType" = 'CUSTOMER' AND "state" = 'CONFLICT'"#,
        rows::COLUMNS
    );
    let rows = store.db().query_all_raw(store.statement(&sql, [])).await?;
    rows.iter().map(rows::read).collect()
}
