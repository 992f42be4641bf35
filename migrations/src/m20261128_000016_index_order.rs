//! What a record holds is found by its id first: an index that begins with what nearly all rows have in common looks as good as
//! the key to a planner that knows nothing of the table yet, and reads all of it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLE: &str = "RecordValue";
const BEFORE: &str = "RecordValue_record_idx";
const NOW: &str = "RecordValue_id_idx";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_id = Index::create()
            .name(NOW)
            .table(TABLE)
            .col("id")
            .col("side")
            .col("company")
            .col("entityType")
            .to_owned();
        manager.create_index(by_id).await?;
        manager
            .drop_index(Index::drop().name(BEFORE).table(TABLE).to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(Index::drop().name(NOW).table(TABLE).to_owned())
            .await
    }
}
