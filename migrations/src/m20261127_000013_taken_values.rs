//! What rows wait for that ended since another record holds a value of theirs: open again by itself once it does not.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string, uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TAKEN: &str = "TakenValue";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = ["side", "company", "entityType", "id", "key", "value", "row"];
        let mut key = Index::create();
        for column in columns {
            key.col(column);
        }
        let mut row = ForeignKey::create()
            .from(TAKEN, "row")
            .to("SyncLog", "id")
            .on_delete(ForeignKeyAction::Cascade)
            .to_owned();
        let table = Table::create()
            .table(TAKEN)
            // Who holds it: `CRM`, `FINANCE`.
            .col(string("side"))
            .col(string("company").default("100"))
            .col(string("entityType"))
            .col(string("id"))
            // What it holds, as in `"RecordValue"`.
            .col(string("key"))
            .col(string("value"))
            // Which row of `"SyncLog"` waits for it.
            .col(uuid("row"))
            .primary_key(&mut key)
            .foreign_key(&mut row)
            .to_owned();
        manager.create_table(table).await?;
        let by_row = Index::create()
            .name("TakenValue_row_idx")
            .table(TAKEN)
            .col("row")
            .to_owned();
        manager.create_index(by_row).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(TAKEN).to_owned()).await
    }
}
