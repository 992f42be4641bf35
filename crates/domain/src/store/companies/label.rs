//! What was labelled 100, when no other company was known, gets its real company. Once, before any is written down.

use sea_orm::ConnectionTrait;

use crate::company::Company;
use crate::store::StoreResult;
use crate::store::sql::SqlStore;

/// Every table with a label, and the column that a step goes by, where it holds many rows.
const LABELLED: [(&str, Option<&str>); 7] = [
    ("EntityMapping", Some("id")),
    ("SyncLog", Some("id")),
    ("RecordIndex", Some("id")),
    ("RecordValue", Some("id")),
    ("Separated", None),
    ("TakenValue", None),
    ("SetAside", None),
];

/// So many rows are written in one statement.
const STEP: u64 = 5_000;

pub(super) async fn all(store: &SqlStore, first: Company) -> StoreResult<()> {
    if first == Company::default() {
        return Ok(());
    }
    // First of all, so that what services of the version before write from now on is labelled so, too.
    if store.is_postgres() {
        for table in ["EntityMapping", "SyncLog"] {
            let sql = format!(r#"ALTER TABLE "{table}" ALTER COLUMN "company" SET DEFAULT '{first}'"#);
            store.db().execute_raw(store.statement(&sql, [])).await?;
        }
    }
    for (table, key) in LABELLED {
        while label(store, table, key, first).await? {}
    }
    let sql = r#"UPDATE "RuledColumn" SET "company" = $1 WHERE "company" = '100'"#;
    store
        .db()
        .execute_raw(store.statement(sql, [first.to_string().into()]))
        .await?;
    Ok(())
}

/// Labels up to [`STEP`] rows, and says whether there may be more.
async fn label(store: &SqlStore, table: &str, key: Option<&str>, first: Company) -> StoreResult<bool> {
    let which = match key {
        Some(key) => {
            format!(r#"AND "{key}" IN (SELECT "{key}" FROM "{table}" WHERE "company" = '100' LIMIT {STEP})"#)
        }
        None => String::new(),
    };
    let sql = format!(r#"UPDATE "{table}" SET "company" = $1 WHERE "company" = '100' {which}"#);
    let done = store
        .db()
        .execute_raw(store.statement(&sql, [first.to_string().into()]))
        .await?;
    Ok(key.is_some() && done.rows_affected() > 0)
}
