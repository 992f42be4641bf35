//! What is emptied when it is old includes what a row says: a message holds values, too. The index of the step before
//! stays for services of version 0.1, which name it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        // PostgreSQL builds it beside those who write.
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        // One that was broken off is there, and is of no use.
        db.execute_unprepared(r#"DROP INDEX IF EXISTS "SyncLog_holding_completedAt_idx""#)
            .await?;
        let beside = match manager.get_database_backend() {
            DatabaseBackend::Postgres => "CONCURRENTLY",
            _ => "",
        };
        // The condition is repeated word for word by the store's `prune`: SQLite uses the index only then.
        let sql = format!(
            r#"CREATE INDEX {beside} "SyncLog_holding_completedAt_idx" ON "SyncLog" ("completedAt")
            WHERE ("status" IN ('SUCCESS', 'SKIPPED') OR "status" = 'FAILED' AND "triggerType" <> 'MANUAL')
                AND ("triggerPayload" IS NOT NULL
                OR "sourceData" IS NOT NULL OR "targetDataBefore" IS NOT NULL OR "targetDataAfter" IS NOT NULL
                OR "changes" IS NOT NULL OR "errorStack" IS NOT NULL OR "errorMessage" IS NOT NULL
                OR "errorArguments" IS NOT NULL)"#
        );
        db.execute_unprepared(&sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = r#"DROP INDEX "SyncLog_holding_completedAt_idx""#;
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
