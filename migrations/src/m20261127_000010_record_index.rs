//! What both systems are known to hold, by normal forms: `"RecordIndex"`, and what its records are found by,
//! `"RecordValue"`. `"Separated"` keeps which pairs an operator said to be two.
//!
//! What the finance poll kept in `"FinanceSnapshot"` moves into `"RecordIndex"`, in bounded steps. The old table stays for
//! services of the version before: whoever polls keeps both in step. This version's code writes both; what the old one
//! writes is carried over by a trigger (PostgreSQL; SQLite has one process, which is stopped for the upgrade). So the
//! counters that stand in event keys never part. A later version takes the old table away, and the trigger with it.
//!
//! Normal forms are made by the program: of what moves here only the keys are known, until the next poll of finance has
//! written the rest, and the CRM's half is empty until it was polled.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, string, string_null, text_null, timestamp_with_time_zone_null,
};
use sea_orm_migration::sea_orm::{DatabaseBackend, Statement};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const INDEX: &str = "RecordIndex";
const VALUE: &str = "RecordValue";
const SEPARATED: &str = "Separated";

/// So many contacts are gone through in one statement.
const STEP: u64 = 5_000;

/// The last contact of the next step.
const LAST: &str = r#"SELECT "code" FROM (SELECT "code" FROM "FinanceSnapshot" WHERE "code" > $1 ORDER BY "code" LIMIT $2) s
    ORDER BY "code" DESC LIMIT 1"#;

const CONTACTS: &str = r#"INSERT INTO "RecordIndex" ("side", "company", "entityType", "id", "kind", "lookChecksum",
        "changes", "seenAt", "lookBefore", "lookGone", "firstSeenAt", "goneSince")
    SELECT 'FINANCE', '100', 'CUSTOMER', "code", "kind", "checksum", "changes", "seenAt", "lookBefore", "gone", "seenAt",
        CASE WHEN "gone" THEN "seenAt" END
    FROM "FinanceSnapshot" WHERE "code" > $1 AND "code" <= $2
    ON CONFLICT DO NOTHING"#;

/// `{column}` is a key in its old normal form, taken over where it is one in the new form, too.
const KEYS: &str = r#"INSERT INTO "RecordValue" ("side", "company", "entityType", "key", "value", "holder", "id")
    SELECT 'FINANCE', '100', 'CUSTOMER', '{key}', {value}, '#' || "code", "code"
    FROM "FinanceSnapshot" WHERE "code" > $1 AND "code" <= $2 AND NOT "gone" AND {taken}
    ON CONFLICT DO NOTHING"#;

const TRIGGER: &str = r#"
    CREATE OR REPLACE FUNCTION "FinanceSnapshot_into_RecordIndex"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO "RecordIndex" ("side", "company", "entityType", "id", "kind", "lookChecksum", "changes", "seenAt",
            "lookBefore", "lookGone", "firstSeenAt", "goneSince")
        VALUES ('FINANCE', '100', 'CUSTOMER', NEW."code", NEW."kind", NEW."checksum", NEW."changes", NEW."seenAt",
            NEW."lookBefore", NEW."gone", NEW."seenAt", CASE WHEN NEW."gone" THEN NEW."seenAt" END)
        ON CONFLICT ("side", "company", "entityType", "id") DO UPDATE SET "lookChecksum" = excluded."lookChecksum",
            "changes" = excluded."changes", "seenAt" = excluded."seenAt", "lookBefore" = excluded."lookBefore",
            "lookGone" = excluded."lookGone", "goneSince" = excluded."goneSince"
        WHERE "RecordIndex"."changes" < excluded."changes";
        RETURN NULL;
    END $$;
    DROP TRIGGER IF EXISTS "FinanceSnapshot_into_RecordIndex" ON "FinanceSnapshot";
    CREATE TRIGGER "FinanceSnapshot_into_RecordIndex" AFTER INSERT OR UPDATE ON "FinanceSnapshot"
        FOR EACH ROW EXECUTE FUNCTION "FinanceSnapshot_into_RecordIndex"()"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        // Each step is committed by itself: nobody waits, and one that was taken is not lost.
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [index(), value(), separated()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            manager.get_connection().execute_unprepared(TRIGGER).await?;
        }
        fill(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            let sql = r#"DROP TRIGGER "FinanceSnapshot_into_RecordIndex" ON "FinanceSnapshot";
                DROP FUNCTION "FinanceSnapshot_into_RecordIndex"()"#;
            manager.get_connection().execute_unprepared(sql).await?;
        }
        for table in [SEPARATED, VALUE, INDEX] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).if_not_exists().to_owned()
}

fn index() -> TableCreateStatement {
    table(INDEX)
        .col(string("side"))
        .col(string("company").default("100"))
        .col(string("entityType"))
        .col(string("id"))
        .col(string_null("kind"))
        // Normal forms, as JSON, of what was read at `readAt`, and the checksum of that.
        .col(text_null("profile"))
        .col(string_null("checksum"))
        .col(timestamp_with_time_zone_null("readAt"))
        .col(timestamp_with_time_zone_null("firstSeenAt"))
        .col(timestamp_with_time_zone_null("goneSince"))
        // Of a system that is read as a whole (finance): what the last complete look saw.
        .col(string_null("lookChecksum"))
        // Grows with each change that a look sees: part of the event key, so that A, B, A again are three events.
        .col(big_integer("changes").default(0))
        // The look that first saw this state, and the last complete look before it.
        .col(timestamp_with_time_zone_null("seenAt"))
        .col(timestamp_with_time_zone_null("lookBefore"))
        .col(boolean("lookGone").default(false))
        .primary_key(
            Index::create()
                .col("side")
                .col("company")
                .col("entityType")
                .col("id"),
        )
        .to_owned()
}

fn value() -> TableCreateStatement {
    let key = ["side", "company", "entityType", "key", "value", "holder", "id"];
    let mut primary = Index::create().to_owned();
    for column in key {
        primary.col(column);
    }
    let mut table = table(VALUE);
    for column in key {
        table.col(string(column));
    }
    table.primary_key(&mut primary).to_owned()
}

fn separated() -> TableCreateStatement {
    table(SEPARATED)
        .col(string("company").default("100"))
        .col(string("entityType"))
        .col(string("crmId"))
        .col(string("financeId"))
        .col(timestamp_with_time_zone_null("ruledAt"))
        .primary_key(
            Index::create()
                .col("company")
                .col("entityType")
                .col("crmId")
                .col("financeId"),
        )
        .to_owned()
}

/// Each index with the query that needs it.
fn indexes() -> Vec<IndexCreateStatement> {
    let index = |table: &'static str, name: &str, columns: &[&'static str]| {
        let mut index = Index::create().name(name).table(table).if_not_exists().to_owned();
        for column in columns {
            index.col(*column);
        }
        index
    };
    vec![
        // A record that changed loses its old values.
        index(
            VALUE,
            "RecordValue_record_idx",
            &["side", "company", "entityType", "id"],
        ),
        // What is gone is forgotten when its time is over.
        index(INDEX, "RecordIndex_goneSince_idx", &["goneSince"])
            .and_where(Expr::col("goneSince").is_not_null())
            .and_where(Expr::col("profile").is_not_null())
            .to_owned(),
    ]
}

async fn fill(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (backend, db) = (manager.get_database_backend(), manager.get_connection());
    let digits = |column: &str, from: usize, to: usize| match backend {
        DatabaseBackend::Postgres => format!(r#""{column}" ~ '^[0-9]{{{from},{to}}}$'"#),
        _ => format!(r#"length("{column}") BETWEEN {from} AND {to} AND "{column}" NOT GLOB '*[^0-9]*'"#),
    };
    let padded = r#"CASE WHEN length("nationalId") < 10 THEN substr('00' || "nationalId", length("nationalId") - 7)
        ELSE "nationalId" END"#;
    let keys = [
        (
            "mobile",
            r#""mobile""#,
            digits("mobile", 10, 10) + r#" AND "mobile" LIKE '9%'"#,
        ),
        ("nationalId", padded, digits("nationalId", 8, 12)),
        (
            "email",
            r#""email""#,
            r#""email" LIKE '_%@_%.__%' AND length("email") <= 64"#.to_owned(),
        ),
    ];
    let keys = keys.map(|(key, value, taken)| {
        let sql = KEYS.replace("{key}", key).replace("{value}", value);
        sql.replace("{taken}", &taken)
    });
    let mut from = String::new();
    loop {
        let step = Statement::from_sql_and_values(backend, LAST, [from.clone().into(), STEP.into()]);
        let Some(row) = db.query_one_raw(step).await? else {
            return Ok(());
        };
        let last: String = row.try_get("", "code")?;
        for sql in std::iter::once(CONTACTS).chain(keys.iter().map(String::as_str)) {
            let values = [from.clone().into(), last.clone().into()];
            db.execute_raw(Statement::from_sql_and_values(backend, sql, values))
                .await?;
        }
        from = last;
    }
}
