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
    let sql = r#"DELETE FROM "TakenValue" WHERE "row" IN
                 (SELECT "id" FROM "SyncLog" WHERE "status" = 'FAILED') AND ($1 IS NULL OR "row" = $1)"#;
    tx.execute_raw(store.statement(sql, [row.into()])).await?;
    Ok(())
}

/// Rows that ended so before are emptied, too: what they wait for is a value of somebody's.
pub(in crate::store) async fn old(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    before: DateTime<Utc>,
) -> StoreResult<()> {
    let sql = r#"DELETE FROM "TakenValue" WHERE "row" IN
                 (SELECT "id" FROM "SyncLog" WHERE "status" = 'FAILED' AND "completedAt" <= $1)"#;
    tx.execute_raw(store.statement(sql, [before.into()])).await?;
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
