//! Whether the database does what a service needs of it. Leaves nothing behind.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, TransactionTrait};

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
        if self.db.get_database_backend() != sea_orm::DatabaseBackend::Postgres {
            return Ok(None);
        }
        let sql = "SELECT clock_timestamp() AS \"now\"";
        let row = self.db.query_one_raw(self.statement(sql, [])).await?;
        Ok(row.map(|row| row.try_get("", "now")).transpose()?)
    }
}
