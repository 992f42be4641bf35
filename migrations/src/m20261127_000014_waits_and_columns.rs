//! For whose customer a document waits, so that the commit of that customer's run finds it by an index that is nearly always
//! empty. And the columns whose values come back from a save as that system writes them, as an operator has ruled.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    string, string_null, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const RETRIES: &str = "SyncRetryQueue";
const WAITS_FOR: &str = "waitsFor";
const COLUMNS: &str = "RuledColumn";

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
        let mut key = Index::create().col("side").col("company").col("field").to_owned();
        let columns = Table::create()
            .table(COLUMNS)
            // `CRM`, `FINANCE`.
            .col(string("side"))
            // The company that a system serves; empty: all of the deployment.
            .col(string("company").default(""))
            // The canonical name.
            .col(string("field"))
            .col(timestamp_with_time_zone("ruledAt"))
            // What was ruled and taken back stays, to be seen.
            .col(timestamp_with_time_zone_null("takenBackAt"))
            .primary_key(&mut key)
            .to_owned();
        manager.create_table(columns).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(COLUMNS).to_owned())
            .await?;
        let sql = r#"DROP INDEX "SyncRetryQueue_waitsFor_idx""#;
        manager.get_connection().execute_unprepared(sql).await?;
        let waits = Table::alter().table(RETRIES).drop_column(WAITS_FOR).to_owned();
        manager.alter_table(waits).await
    }
}
