//! Which finance company a row belongs to, and which companies the deployment serves (`COMPANIES`).
//!
//! What was kept before belongs to company 100 here; `siaghsync migrate` says to which company it really belongs when it
//! writes down the first one that is served (`domain::store::sql::SqlStore::serve`). A column with a constant default costs no
//! rewrite of its table, and is what services of the version before, which know no company, go on writing.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{boolean, string, timestamp_with_time_zone};
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const LABELLED: [&str; 2] = ["EntityMapping", "SyncLog"];
const KEY: &str = "EntityMapping_entityType_company_financeId_key";
const COMPANIES: &str = "Company";

/// What services of the version before write of contacts is the first company's. (The rest is as when it was made.)
const TRIGGER: &str = r#"
    CREATE OR REPLACE FUNCTION "FinanceSnapshot_into_RecordIndex"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO "RecordIndex" ("side", "company", "entityType", "id", "kind", "lookChecksum", "changes", "seenAt",
            "lookBefore", "lookGone", "firstSeenAt", "goneSince")
        VALUES ('FINANCE', COALESCE((SELECT "code" FROM "Company" WHERE "isFirst"), '100'), 'CUSTOMER', NEW."code",
            NEW."kind", NEW."checksum", NEW."changes", NEW."seenAt", NEW."lookBefore", NEW."gone", NEW."seenAt",
            CASE WHEN NEW."gone" THEN NEW."seenAt" END)
        ON CONFLICT ("side", "company", "entityType", "id") DO UPDATE SET "lookChecksum" = excluded."lookChecksum",
            "changes" = excluded."changes", "seenAt" = excluded."seenAt", "lookBefore" = excluded."lookBefore",
            "lookGone" = excluded."lookGone", "goneSince" = excluded."goneSince"
        WHERE "RecordIndex"."changes" < excluded."changes";
        RETURN NULL;
    END $$"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in LABELLED {
            let company = Table::alter()
                .table(table)
                .add_column(string("company").default("100"))
                .to_owned();
            manager.alter_table(company).await?;
        }
        // The older key, without the company, stays for services of the version before until a second company is served.
        let key = Index::create()
            .name(KEY)
            .table("EntityMapping")
            .col("entityType")
            .col("company")
            .col("financeId")
            .unique()
            .to_owned();
        manager.create_index(key).await?;
        // Until now empty for either system: the CRM is one, finance is a company's.
        for table in ["SetAside", "RuledColumn"] {
            let finance = Query::update()
                .table(table)
                .value("company", "100")
                .and_where(Expr::col("side").eq("FINANCE"))
                .and_where(Expr::col("company").eq(""))
                .to_owned();
            manager.exec_stmt(finance).await?;
        }
        let companies = Table::create()
            .table(COMPANIES)
            // Its code, 100 to 999.
            .col(string("code").primary_key())
            // To which all belongs that names none.
            .col(boolean("isFirst"))
            .col(timestamp_with_time_zone("servedSince"))
            .to_owned();
        manager.create_table(companies).await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            manager.get_connection().execute_unprepared(TRIGGER).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(COMPANIES).to_owned())
            .await?;
        for table in ["SetAside", "RuledColumn"] {
            let finance = Query::update()
                .table(table)
                .value("company", "")
                .and_where(Expr::col("side").eq("FINANCE"))
                .to_owned();
            manager.exec_stmt(finance).await?;
        }
        manager
            .drop_index(Index::drop().name(KEY).table("EntityMapping").to_owned())
            .await?;
        for table in LABELLED {
            let company = Table::alter().table(table).drop_column("company").to_owned();
            manager.alter_table(company).await?;
        }
        Ok(())
    }
}
