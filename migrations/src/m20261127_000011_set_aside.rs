//! What a system shows and nobody can read as a record: listed by `siaghsync check`. Only adds a table.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json_binary_null, string, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ASIDE: &str = "SetAside";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let key = Index::create()
            .col("side")
            .col("company")
            .col("entityType")
            .col("id")
            .to_owned();
        let table = Table::create()
            .table(ASIDE)
            // `CRM`, `FINANCE`.
            .col(string("side"))
            // The company that a system serves; empty: all of the deployment.
            .col(string("company").default(""))
            .col(string("entityType"))
            // As far as it can be told; empty: it can't.
            .col(string("id"))
            // Why: a code with arguments, never a value of the record.
            .col(string("reasonCode"))
            .col(json_binary_null("reasonArguments"))
            .col(timestamp_with_time_zone("firstSeenAt"))
            .col(timestamp_with_time_zone("lastSeenAt"))
            .primary_key(&mut key.clone())
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(ASIDE).to_owned()).await
    }
}
