//! Failed rows wait again, at an operator's word, with all their tries. What they say they say until the next outcome.

use sea_orm::{ConnectionTrait, TransactionTrait};
use uuid::Uuid;

use crate::store::sql::SqlStore;
use crate::store::{StoreResult, taken};

pub(in crate::store) async fn retry(store: &SqlStore, row: Option<Uuid>) -> StoreResult<u64> {
    let tx = store.db().begin().await?;
    taken::forget(store, &tx, row).await?;
    // One is found by its id; both in one condition go through all that have failed.
    let failed = match row {
        Some(_) => r#""status" = 'FAILED' AND "id" = $1"#,
        None => r#""status" = 'FAILED' AND $1 IS NULL"#,
    };
    let sql = format!(
        r#"DELETE FROM "SyncRetryQueue" WHERE "syncLogId" IN (SELECT "id" FROM "SyncLog" WHERE {failed})"#
    );
    tx.execute_raw(store.statement(&sql, [row.into()])).await?;
    let sql = format!(
        r#"UPDATE "SyncLog" SET "status" = 'PENDING', "retryCount" = 0, "lapses" = 0, "rungAt" = NULL,
                  "completedAt" = NULL
           WHERE {failed}"#
    );
    let done = tx.execute_raw(store.statement(&sql, [row.into()])).await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}
