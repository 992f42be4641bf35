//! For whose customer a document waits, so that the commit of that customer's run finds it by an index that is nearly always
//! empty.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string_null;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const RETRIES: &str = "SyncRetryQueue";
const WAITS_FOR: &str = "waitsFor";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let waits = Table::alter()
            .table(RETRIES)
            // The customer's id in the CRM.
            .add_column(string_null(WAITS_FOR))
            .to_owned();
        manager.alter_table(waits).await?;
        let sql = r#"CREATE INDEX "SyncRetryQueue_waitsFor_idx" ON "SyncRetryQueue" ("waitsFor")
            WHERE "waitsFor" IS NOT NULL"#;
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = r#"DROP INDEX "SyncRetryQueue_waitsFor_idx""#;
        manager.get_connection().execute_unprepared(sql).await?;
        let waits = Table::alter().table(RETRIES).drop_column(WAITS_FOR).to_owned();
        manager.alter_table(waits).await
    }
}
