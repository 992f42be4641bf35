//! Columns whose values come back from a save as that system writes them.

use sea_orm::ConnectionTrait;

use crate::customer::Field;
use crate::index::Column;
use crate::side::Side;
use crate::store::sql::{SqlStore, side_of, system};
use crate::store::{StoreResult, links};

pub(super) async fn accept(store: &SqlStore, columns: &[(Side, Field)]) -> StoreResult<Vec<String>> {
    let sql = r#"INSERT INTO "RuledColumn" ("side", "company", "field", "ruledAt") VALUES ($1, $4, $2, $3)
                 ON CONFLICT ("side", "company", "field") DO UPDATE SET "ruledAt" = excluded."ruledAt", "takenBackAt" = NULL"#;
    for (side, field) in columns {
        let values = [
            system(*side).into(),
            field.name().into(),
            store.now().into(),
            store.label_on(*side),
        ];
        store.db().execute_raw(store.statement(sql, values)).await?;
    }
    let held = links::in_conflict(store).await?.into_iter().filter(|link| {
        let base = link.base.as_ref();
        base.is_some_and(|base| {
            columns
                .iter()
                .any(|(side, field)| base.altered.get(field) == Some(side))
        })
    });
    Ok(held.filter_map(|link| link.crm_id).collect())
}

pub(super) async fn all(store: &SqlStore) -> StoreResult<Vec<Column>> {
    let sql = r#"SELECT "side", "field", "ruledAt" FROM "RuledColumn" WHERE "company" IN ('', $1) AND "takenBackAt" IS NULL
                 ORDER BY "side", "field""#;
    let rows = store
        .db()
        .query_all_raw(store.statement(sql, [store.label()]))
        .await?;
    let column = |row: &sea_orm::QueryResult| {
        Ok(Column {
            side: side_of(&row.try_get::<String>("", "side")?),
            field: Field::named(&row.try_get::<String>("", "field")?),
            ruled_at: row.try_get("", "ruledAt")?,
        })
    };
    rows.iter().map(column).collect()
}

pub(super) async fn hold(store: &SqlStore, side: Side, field: Field) -> StoreResult<bool> {
    let sql = r#"UPDATE "RuledColumn" SET "takenBackAt" = $1
                 WHERE "side" = $2 AND "company" = $4 AND "field" = $3 AND "takenBackAt" IS NULL"#;
    let values = [
        store.now().into(),
        system(side).into(),
        field.name().into(),
        store.label_on(side),
    ];
    let done = store.db().execute_raw(store.statement(sql, values)).await?;
    Ok(done.rows_affected() > 0)
}
