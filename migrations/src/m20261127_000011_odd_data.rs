//! What a system shows and nobody can read as a record: listed by `siaghsync check`. And ids of the CRM in one spelling: where
//! an installation writes its guids in capitals, polls of version 0.1 stored them so, beside those of webhooks in small letters.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json_binary_null, string, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ASIDE: &str = "SetAside";

/// Links, and what is open of the rows and holds. A link whose id stands there in both spellings already is left to a human:
/// two links of one record can't be told apart here.
const ONE_SPELLING: [&str; 3] = [
    r#"UPDATE "EntityMapping" SET "crmId" = lower("crmId")
        WHERE "crmId" <> lower("crmId") AND "crmId" LIKE '________-____-____-____-____________' AND "crmId" IN (
            SELECT MIN("crmId") FROM "EntityMapping" WHERE "crmId" IS NOT NULL
            GROUP BY "entityType", lower("crmId") HAVING COUNT(*) = 1)"#,
    r#"UPDATE "SyncLog" SET "sourceEntityId" = lower("sourceEntityId")
        WHERE "status" IN ('PENDING', 'IN_PROGRESS', 'CONFLICT') AND "sourceSystem" = 'CRM'
          AND "sourceEntityId" <> lower("sourceEntityId")
          AND "sourceEntityId" LIKE '________-____-____-____-____________'"#,
    r#"UPDATE "HeldChange" SET "sourceEntityId" = lower("sourceEntityId")
        WHERE "sourceSystem" = 'CRM' AND "sourceEntityId" <> lower("sourceEntityId")
          AND "sourceEntityId" LIKE '________-____-____-____-____________'"#,
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut key = Index::create()
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
            .primary_key(&mut key)
            .to_owned();
        manager.create_table(table).await?;
        for sql in ONE_SPELLING {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(ASIDE).to_owned()).await
    }
}
