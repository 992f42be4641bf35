//! Who is set aside.

use std::collections::HashSet;

use sea_orm::{ActiveEnum, ConnectionTrait};

use super::{Aside, rows};
use crate::entity::EntityType;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::{SqlStore, system};

pub(super) async fn list(store: &SqlStore, limit: u64) -> StoreResult<(Vec<Aside>, u64)> {
    let sql = r#"SELECT COUNT(*) AS "all" FROM "SetAside""#;
    let row = store.db().query_one_raw(store.statement(sql, [])).await?;
    let all: i64 = row.map(|row| row.try_get("", "all")).transpose()?.unwrap_or(0);
    let sql = format!(
        r#"SELECT {} FROM "SetAside" ORDER BY "firstSeenAt", "side", "id" LIMIT $1"#,
        rows::COLUMNS
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = store
        .db()
        .query_all_raw(store.statement(&sql, [limit.into()]))
        .await?;
    let found = found.iter().map(rows::aside).collect::<StoreResult<_>>()?;
    Ok((found, all.unsigned_abs()))
}

pub(super) async fn ids(
    store: &SqlStore,
    side: Side,
    entity_type: EntityType,
) -> StoreResult<HashSet<String>> {
    let sql = r#"SELECT "id" FROM "SetAside" WHERE "side" = $1 AND "company" = $3 AND "entityType" = $2"#;
    let values = [
        system(side).into(),
        entity_type.to_value().into(),
        store.label_on(side),
    ];
    let found = store.db().query_all_raw(store.statement(sql, values)).await?;
    found.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}
