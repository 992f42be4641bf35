//! Rows that wait for no value any more.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::store::StoreResult;
use crate::store::sql::SqlStore;

/// An operator retries that row (`None`: all that failed).
pub(in crate::store) async fn forget(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    row: Option<Uuid>,
) -> StoreResult<()> {
    of_failed(store, tx, r#"$1 IS NULL OR l."id" = $1"#, row.into()).await
}

/// Rows that ended so before are emptied, too: what they wait for is a value of somebody's.
pub(in crate::store) async fn old(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    before: DateTime<Utc>,
) -> StoreResult<()> {
    of_failed(store, tx, r#"l."completedAt" <= $1"#, before.into()).await
}

async fn of_failed(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    which: &str,
    value: sea_orm::Value,
) -> StoreResult<()> {
    // Few rows wait so, and many have failed.
    let sql = format!(
        r#"DELETE FROM "TakenValue" WHERE EXISTS
               (SELECT 1 FROM "SyncLog" l WHERE l."id" = "TakenValue"."row" AND l."status" = 'FAILED' AND ({which}))"#
    );
    tx.execute_raw(store.statement(&sql, [value])).await?;
    Ok(())
}

/// These are open again.
pub(super) async fn these(store: &SqlStore, tx: &impl ConnectionTrait, rows: &[Uuid]) -> StoreResult<()> {
    for row in rows {
        let sql = r#"DELETE FROM "TakenValue" WHERE "row" = $1"#;
        tx.execute_raw(store.statement(sql, [(*row).into()])).await?;
    }
    Ok(())
}
