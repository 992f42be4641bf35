//! No lock outlives its holder: a key that is reserved goes with the link that has reserved it. Version 0.1 took such a
//! key for a free one, so that it runs on beside this.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const POSTGRES: &str = r#"
    LOCK TABLE "MatchLock" IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM "MatchLock" k WHERE NOT EXISTS (SELECT 1 FROM "EntityMapping" m WHERE m."id" = k."entityMappingId");
    ALTER TABLE "MatchLock" ADD CONSTRAINT "MatchLock_entityMappingId_fkey"
        FOREIGN KEY ("entityMappingId") REFERENCES "EntityMapping" ("id") ON DELETE CASCADE"#;

/// A table of SQLite's gets a foreign key when it is made, and then only.
const SQLITE: &str = r#"
    DELETE FROM "MatchLock" WHERE NOT EXISTS
        (SELECT 1 FROM "EntityMapping" m WHERE m."id" = "MatchLock"."entityMappingId");
    CREATE TABLE "MatchLock_new" (
        "key" varchar NOT NULL PRIMARY KEY,
        "entityMappingId" uuid_text NOT NULL REFERENCES "EntityMapping" ("id") ON DELETE CASCADE);
    INSERT INTO "MatchLock_new" ("key", "entityMappingId") SELECT "key", "entityMappingId" FROM "MatchLock";
    DROP TABLE "MatchLock";
    ALTER TABLE "MatchLock_new" RENAME TO "MatchLock";
    CREATE INDEX "MatchLock_entityMappingId_idx" ON "MatchLock" ("entityMappingId")"#;

const POSTGRES_BACK: &str = r#"ALTER TABLE "MatchLock" DROP CONSTRAINT "MatchLock_entityMappingId_fkey""#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = match manager.get_database_backend() {
            DatabaseBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            manager.get_connection().execute_unprepared(POSTGRES_BACK).await?;
        }
        Ok(())
    }
}
