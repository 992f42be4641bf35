//! How many are linked, and since when.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};

use crate::side::Side;
use crate::store::sql::{SqlStore, system};
use crate::store::{EntityType, StoreResult};

pub(super) async fn linked_count(store: &SqlStore, side: Side, entity_type: EntityType) -> StoreResult<u64> {
    let sql = r#"SELECT COUNT(*) AS "n" FROM "EntityMapping" WHERE "entityType" = $1 AND "crmId" IS NOT NULL
                 AND "financeId" IS NOT NULL AND "state" IN ('ACTIVE', 'CONFLICT') AND ($2 = 'CRM' OR "company" = $3)"#;
    let values = [entity_type.to_value().into(), system(side).into(), store.label()];
    let row = store.db().query_one_raw(store.statement(sql, values)).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The first migration's time; sea-orm-migration keeps whole seconds.
pub(super) async fn installed_at(store: &SqlStore) -> StoreResult<DateTime<Utc>> {
    let sql = r#"SELECT MIN("applied_at") AS "at" FROM "seaql_migrations""#;
    let row = store.db().query_one_raw(store.statement(sql, [])).await?;
    let at: Option<i64> = row.map_or(Ok(None), |row| row.try_get("", "at"))?;
    // Tables without migrations are nobody's: nothing before now is taken.
    Ok(at
        .and_then(|at| DateTime::from_timestamp(at, 0))
        .unwrap_or_else(|| store.now()))
}
