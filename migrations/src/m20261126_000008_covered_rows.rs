//! Which row's run covered a row stood in the row's message only, until now: it is taken from there.
//!
//! Bounded steps along the primary key, each committed by itself: nobody waits, and a step that was taken is not lost.
//! What a worker of version 0.1 still covers afterwards has the message alone.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::prelude::Uuid;
use sea_orm_migration::sea_orm::{DatabaseBackend, Statement, Value};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// So many rows are gone through in one statement.
const STEP: u64 = 5_000;

/// The last row of the next step.
const LAST: &str = r#"SELECT "id" FROM (SELECT "id" FROM "SyncLog" WHERE "id" > $1 ORDER BY "id" LIMIT $2) s
    ORDER BY "id" DESC LIMIT 1"#;

/// "covered by <id>", alone or before what the row said itself.
const POSTGRES: &str = r#"UPDATE "SyncLog" SET "coveredBy" = CAST(substr("errorMessage", 12, 36) AS uuid)
    WHERE "id" > $1 AND "id" <= $2 AND "status" = 'SKIPPED' AND "coveredBy" IS NULL
      AND "errorMessage" ~ '^covered by [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'"#;
const SQLITE: &str = r#"UPDATE "SyncLog" SET "coveredBy" = unhex(replace(substr("errorMessage", 12, 36), '-', ''))
    WHERE "id" > $1 AND "id" <= $2 AND "status" = 'SKIPPED' AND "coveredBy" IS NULL
      AND "errorMessage" LIKE 'covered by ________-____-____-____-____________%'
      AND length(unhex(replace(substr("errorMessage", 12, 36), '-', ''))) = 16"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (backend, db) = (manager.get_database_backend(), manager.get_connection());
        let sql = match backend {
            DatabaseBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        let statement = |sql, values: [Value; 2]| Statement::from_sql_and_values(backend, sql, values);
        let mut from = Uuid::nil();
        while let Some(row) = db
            .query_one_raw(statement(LAST, [from.into(), STEP.into()]))
            .await?
        {
            let last: Uuid = row.try_get("", "id")?;
            db.execute_raw(statement(sql, [from.into(), last.into()])).await?;
            from = last;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}
