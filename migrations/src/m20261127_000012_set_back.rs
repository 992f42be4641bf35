//! What looks have seen of a contact and was written over since, as checksums: many contacts that show such values again were put back from a
//! backup.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const RECORDS: &str = "RecordIndex";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter()
            .table(RECORDS)
            .add_column(text_null("overwritten"))
            .to_owned();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter()
            .table(RECORDS)
            .drop_column("overwritten")
            .to_owned();
        manager.alter_table(table).await
    }
}
