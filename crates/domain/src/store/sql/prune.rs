//! Emptying old audit rows of what they hold of people.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseBackend, TransactionTrait};

use super::SqlStore;
use crate::store::StoreResult;

/// Whoever prunes holds this lock of PostgreSQL's; any number that nothing else in the database uses.
const LOCK: i64 = 0x5349_4147_4850_524E;

impl SqlStore {
    pub(super) async fn prune_rows(&self, older_than: Duration, limit: u64) -> StoreResult<u64> {
        let age = chrono::Duration::from_std(older_than).unwrap_or(chrono::Duration::MAX);
        let Some(before) = self.clock.now().checked_sub_signed(age) else {
            return Ok(0);
        };
        let tx = self.db.begin().await?;
        // SQLite has one writer at a time anyway.
        if self.db.get_database_backend() == DatabaseBackend::Postgres {
            let sql = r#"SELECT pg_try_advisory_xact_lock($1) AS "mine""#;
            let row = tx.query_one_raw(self.statement(sql, [LOCK.into()])).await?;
            if !row
                .map(|row| row.try_get("", "mine"))
                .transpose()?
                .unwrap_or(false)
            {
                return Ok(0);
            }
        }
        // The condition is the index's, word for word. SQLite, which keeps no statistics, would take another one.
        let hint = match self.db.get_database_backend() {
            DatabaseBackend::Sqlite => r#"INDEXED BY "SyncLog_prunable_completedAt_idx""#,
            _ => "",
        };
        let sql = format!(
            r#"UPDATE "SyncLog" SET "triggerPayload" = NULL, "sourceData" = NULL, "targetDataBefore" = NULL,
                "targetDataAfter" = NULL, "changes" = NULL, "errorStack" = NULL
            WHERE "id" IN (SELECT "id" FROM "SyncLog" {hint}
                WHERE ("status" IN ('SUCCESS', 'SKIPPED') OR "status" = 'FAILED' AND "triggerType" <> 'MANUAL')
                AND ("triggerPayload" IS NOT NULL
                    OR "sourceData" IS NOT NULL OR "targetDataBefore" IS NOT NULL OR "targetDataAfter" IS NOT NULL
                    OR "changes" IS NOT NULL OR "errorStack" IS NOT NULL)
                    AND "completedAt" <= $1
                ORDER BY "completedAt" LIMIT $2)"#
        );
        let done = tx
            .execute_raw(self.statement(&sql, [before.into(), limit.into()]))
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}
