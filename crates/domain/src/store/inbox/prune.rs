//! Emptying old audit rows of what they hold of people.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::store::sql::SqlStore;
use crate::store::{StoreResult, index, taken};

/// Whoever prunes holds this lock of PostgreSQL's; any number that nothing else in the database uses.
const LOCK: i64 = 0x5349_4147_4850_524E;

pub(in crate::store) async fn prune(store: &SqlStore, older_than: Duration, limit: u64) -> StoreResult<u64> {
    let age = chrono::Duration::from_std(older_than).unwrap_or(chrono::Duration::MAX);
    let Some(before) = store.now().checked_sub_signed(age) else {
        return Ok(0);
    };
    let tx = store.db().begin().await?;
    // SQLite has one writer at a time anyway.
    if store.is_postgres() {
        let sql = r#"SELECT pg_try_advisory_xact_lock($1) AS "mine""#;
        let row = tx.query_one_raw(store.statement(sql, [LOCK.into()])).await?;
        let mine = row.map(|row| row.try_get("", "mine")).transpose()?;
        if mine != Some(true) {
            return Ok(0);
        }
    }
    // The condition is the index's, word for word. SQLite, which keeps no statistics, would take another one.
    let hint = match store.is_postgres() {
        true => "",
        false => r#"INDEXED BY "SyncLog_holding_completedAt_idx""#,
    };
    let sql = format!(
        r#"UPDATE "SyncLog" SET "triggerPayload" = NULL, "sourceData" = NULL, "targetDataBefore" = NULL,
            "targetDataAfter" = NULL, "changes" = NULL, "errorStack" = NULL, "errorMessage" = NULL,
            "errorArguments" = NULL
        WHERE "id" IN (SELECT "id" FROM "SyncLog" {hint}
            WHERE ("status" IN ('SUCCESS', 'SKIPPED') OR "status" = 'FAILED' AND "triggerType" <> 'MANUAL')
            AND ("triggerPayload" IS NOT NULL
                OR "sourceData" IS NOT NULL OR "targetDataBefore" IS NOT NULL OR "targetDataAfter" IS NOT NULL
                OR "changes" IS NOT NULL OR "errorStack" IS NOT NULL OR "errorMessage" IS NOT NULL
                OR "errorArguments" IS NOT NULL)
                AND "completedAt" <= $1
            ORDER BY "completedAt" LIMIT $2)"#
    );
    let values = [before.into(), limit.into()];
    let done = tx.execute_raw(store.statement(&sql, values)).await?;
    index::forget(store, &tx, before, limit).await?;
    taken::old(store, &tx, before).await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}
