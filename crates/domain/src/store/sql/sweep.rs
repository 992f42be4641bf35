//! Finding rows that wait though nobody was told of late, and counting.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseBackend, TransactionTrait};
use uuid::Uuid;

use super::SqlStore;
use crate::ports::Ring;
use crate::store::{Backlog, Stats, StoreResult};

impl SqlStore {
    pub(super) async fn sweep_rows(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>> {
        let now = self.clock.now();
        // Several sweepers at once take different rows; SQLite has one writer at a time anyway.
        let lock = match self.db.get_database_backend() {
            DatabaseBackend::Postgres => "FOR UPDATE OF l SKIP LOCKED",
            _ => "",
        };
        let sql = format!(
            r#"UPDATE "SyncLog" SET "rungAt" = $1 WHERE "id" IN (
                 SELECT l."id" FROM "SyncLog" l
                 LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id"
                 LEFT JOIN "EntityMapping" m ON m."id" = l."entityMappingId"
                 WHERE l."status" IN ('PENDING', 'IN_PROGRESS')
                   AND (l."rungAt" IS NULL OR l."rungAt" <= $2)
                   AND (r."nextRetryAt" IS NULL OR r."nextRetryAt" <= $1)
                   AND (l."status" = 'PENDING' OR m."id" IS NULL OR m."leaseUntil" IS NULL OR m."leaseUntil" <= $1)
                 ORDER BY l."rungAt" NULLS FIRST LIMIT $3 {lock})
               RETURNING "id", "traceParent""#
        );
        let quiet = chrono::Duration::from_std(quiet_for).unwrap_or(chrono::Duration::MAX);
        let values = [now.into(), (now - quiet).into(), limit.into()];
        let rows = self.db.query_all_raw(self.statement(&sql, values)).await?;
        rows.iter()
            .map(|row| {
                Ok(Ring {
                    row: row.try_get("", "id")?,
                    traceparent: row.try_get("", "traceParent")?,
                })
            })
            .collect()
    }

    pub(super) async fn retry_rows(&self, row: Option<Uuid>) -> StoreResult<u64> {
        let tx = self.db.begin().await?;
        let sql = r#"DELETE FROM "SyncRetryQueue" WHERE "syncLogId" IN
                     (SELECT "id" FROM "SyncLog" WHERE "status" = 'FAILED' AND ($1 IS NULL OR "id" = $1))"#;
        tx.execute_raw(self.statement(sql, [row.into()])).await?;
        let sql = r#"UPDATE "SyncLog" SET "status" = 'PENDING', "retryCount" = 0, "lapses" = 0, "rungAt" = NULL,
                            "completedAt" = NULL
                     WHERE "status" = 'FAILED' AND ($1 IS NULL OR "id" = $1)"#;
        let done = tx.execute_raw(self.statement(sql, [row.into()])).await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    pub(super) async fn row_stats(&self) -> StoreResult<Stats> {
        let sql = r#"SELECT "status", COUNT(*) AS "rows" FROM "SyncLog" GROUP BY "status""#;
        let mut stats = Stats::default();
        for row in self.db.query_all_raw(self.statement(sql, [])).await? {
            let rows = u64::try_from(row.try_get::<i64>("", "rows")?).unwrap_or(0);
            match row.try_get::<String>("", "status")?.as_str() {
                "PENDING" => stats.pending = rows,
                "IN_PROGRESS" => stats.in_progress = rows,
                "SUCCESS" => stats.success = rows,
                "FAILED" => stats.failed = rows,
                "CONFLICT" => stats.conflict = rows,
                _ => stats.skipped += rows,
            }
        }
        Ok(stats)
    }

    /// By the index on status and time: what is done is not read.
    pub(super) async fn row_backlog(&self) -> StoreResult<Backlog> {
        let now = self.clock.now();
        let sql = r#"SELECT "status", COUNT(*) AS "rows", MIN("startedAt") AS "oldest" FROM "SyncLog"
                     WHERE "status" IN ('PENDING', 'IN_PROGRESS', 'CONFLICT', 'FAILED') GROUP BY "status""#;
        let mut backlog = Backlog::default();
        for row in self.db.query_all_raw(self.statement(sql, [])).await? {
            let rows = u64::try_from(row.try_get::<i64>("", "rows")?).unwrap_or(0);
            let open = match row.try_get::<String>("", "status")?.as_str() {
                "PENDING" => &mut backlog.pending,
                "IN_PROGRESS" => &mut backlog.in_progress,
                "CONFLICT" => {
                    backlog.conflict = rows;
                    continue;
                }
                _ => {
                    backlog.failed = rows;
                    continue;
                }
            };
            *open = rows;
            let oldest: DateTime<Utc> = row.try_get("", "oldest")?;
            backlog.oldest = backlog.oldest.max((now - oldest).to_std().ok());
        }
        let sql = r#"SELECT COUNT(*) AS "rows" FROM "SyncRetryQueue" WHERE "nextRetryAt" > $1"#;
        if let Some(row) = self.db.query_one_raw(self.statement(sql, [now.into()])).await? {
            backlog.retries = u64::try_from(row.try_get::<i64>("", "rows")?).unwrap_or(0);
        }
        Ok(backlog)
    }
}
