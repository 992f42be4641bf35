//! Rows that have waited for a value are open again.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::forget::these;
use super::rows;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::SqlStore;

/// Opens what waits for one of these records to lose a value that it no longer holds by the index. A row that another
/// transaction is about is left to that: a run that ends it looks itself.
pub(in crate::store) async fn wake<'a>(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    seen: impl IntoIterator<Item = (Side, &'a str)>,
) -> StoreResult<()> {
    let Some(seen) = rows::parameter(seen) else {
        return Ok(());
    };
    let of_those = format!(
        r#"{} JOIN "TakenValue" t ON t."side" = n."side" AND t."company" = $2 AND t."entityType" = 'CUSTOMER' AND t."id" = n."id""#,
        rows::records(store)
    );
    open(store, tx, &of_those, vec![seen.into(), store.label()]).await
}

/// Opens whatever waits for a value that is free by now: whoever wrote that down may have been killed before it opened the
/// row.
pub(in crate::store) async fn wake_all(store: &SqlStore, db: &impl ConnectionTrait) -> StoreResult<()> {
    open(store, db, r#""TakenValue" t"#, Vec::new()).await
}

async fn open(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    waits: &str,
    values: Vec<sea_orm::Value>,
) -> StoreResult<()> {
    let skip = match store.is_postgres() {
        true => "FOR UPDATE OF l SKIP LOCKED",
        false => "",
    };
    // `CROSS JOIN`: SQLite begins with those that wait, who are few, and not with all that have failed.
    let sql = format!(
        r#"UPDATE "SyncLog" SET "status" = 'PENDING', "retryCount" = 0, "lapses" = 0, "rungAt" = NULL,
               "completedAt" = NULL
           WHERE "id" IN (SELECT l."id" FROM {waits} CROSS JOIN "SyncLog" l
               WHERE l."id" = t."row" AND l."status" IN ('FAILED', 'CONFLICT') AND l."errorClass" = 'taken' AND NOT EXISTS (SELECT 1 FROM "RecordValue" v WHERE v."side" = t."side" AND v."company" = t."company"
                   AND v."entityType" = t."entityType" AND v."key" = t."key" AND v."value" = t."value"
                   AND v."id" = t."id") {skip})
           RETURNING "id""#
    );
    let woken = tx.query_all_raw(store.statement(&sql, values)).await?;
    let woken: Vec<Uuid> = woken
        .iter()
        .map(|row| row.try_get("", "id"))
        .collect::<Result<_, _>>()?;
    these(store, tx, &woken).await
}
