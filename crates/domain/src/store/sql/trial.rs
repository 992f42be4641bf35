//! Whether the database does what a service needs of it. Leaves nothing behind.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, TransactionTrait};

use super::SqlStore;
use crate::store::StoreResult;

/// Every table that is written.
const TABLES: [&str; 4] = ["EntityMapping", "SyncLog", "SyncRetryQueue", "MatchLock"];

impl SqlStore {
    /// Tries what a sync writes, on no row.
    ///
    /// # Errors
    /// The database's own: its user may not write, or it is a read-only copy.
    pub async fn try_writing(&self) -> StoreResult<()> {
        let tx = self.db.begin().await?;
        for table in TABLES {
            for statement in [
                format!(r#"INSERT INTO "{table}" SELECT * FROM "{table}" WHERE 1 = 0"#),
                format!(r#"DELETE FROM "{table}" WHERE 1 = 0"#),
            ] {
                tx.execute_unprepared(&statement).await?;
            }
        }
        let sql = r#"UPDATE "SyncLog" SET "status" = "status" WHERE 1 = 0"#;
        tx.execute_unprepared(sql).await?;
        let sql = r#"UPDATE "EntityMapping" SET "state" = "state" WHERE 1 = 0"#;
        tx.execute_unprepared(sql).await?;
        tx.rollback().await?;
        Ok(())
    }

    /// The database server's clock; `None` for SQLite, which has this machine's.
    ///
    /// # Errors
    /// The database's own.
    pub async fn server_time(&self) -> StoreResult<Option<DateTime<Utc>>> {
        if !self.is_postgres() {
            return Ok(None);
        }
        let sql = "SELECT clock_timestamp() AS \"now\"";
        let row = self.db.query_one_raw(self.statement(sql, [])).await?;
        Ok(row.map(|row| row.try_get("", "now")).transpose()?)
    }

    /// Whether it answers, and takes writes.
    pub(in crate::store) async fn answers(&self) -> StoreResult<()> {
        // A standby, a disk that was full, an upgrade under way: it answers, and nothing can be written.
        let sql = match self.is_postgres() {
            true => "SELECT current_setting('transaction_read_only') = 'on' AS \"read_only\"",
            false => "SELECT 0 AS \"read_only\"",
        };
        let row = self.db.query_one_raw(self.statement(sql, [])).await?;
        if row.map(|row| row.try_get("", "read_only")).transpose()? == Some(true) {
            return Err(DbErr::Custom("it takes no writes (read-only)".to_owned()).into());
        }
        Ok(())
    }
}
