//! Keys that are reserved while a customer is met for the first time: twins, and the two ends of a pair, meet one
//! after the other.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string, uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const LOCK: &str = "MatchLock";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(LOCK)
            // A digest: what a key is made of is personal data.
            .col(string("key").primary_key())
            .col(uuid("entityMappingId"))
            .to_owned();
        manager.create_table(table).await?;
        let mut index = Index::create()
            .name("MatchLock_entityMappingId_idx")
            .table(LOCK)
            .to_owned();
        // A commit gives back the locks of its link.
        manager
            .create_index(index.col("entityMappingId").to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(LOCK).to_owned()).await
    }
}
