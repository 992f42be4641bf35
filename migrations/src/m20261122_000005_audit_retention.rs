//! What the pruning of old audit rows looks for: final rows that still hold what they were about, by age. A pruned row
//! leaves the index, so looking costs nothing however long the history is.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The condition is repeated word for word by `SqlStore::prune`: SQLite uses the index only then.
        let sql = r#"CREATE INDEX "SyncLog_prunable_completedAt_idx" ON "SyncLog" ("completedAt")
            WHERE ("status" IN ('SUCCESS', 'SKIPPED') OR "status" = 'FAILED' AND "triggerType" <> 'MANUAL')
                AND ("triggerPayload" IS NOT NULL
                OR "sourceData" IS NOT NULL OR "targetDataBefore" IS NOT NULL OR "targetDataAfter" IS NOT NULL
                OR "changes" IS NOT NULL OR "errorStack" IS NOT NULL)"#;
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = r#"DROP INDEX "SyncLog_prunable_completedAt_idx""#;
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
