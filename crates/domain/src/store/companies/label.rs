//! What was labelled 100, when no other company was known, gets its real company. Once, before any is written down.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::company::Company;
use crate::store::StoreResult;
use crate::store::sql::{LONG, SqlStore, in_time};

/// Tables that grow for ever: in steps, each committed by itself. What was labelled before a step that fails stays so, and
/// the next try goes over it again.
const GROWING: [&str; 2] = ["EntityMapping", "SyncLog"];
/// The others, each in one statement.
const SMALL: [&str; 6] = [
    "RecordIndex",
    "RecordValue",
    "Separated",
    "TakenValue",
    "SetAside",
    "RuledColumn",
];

/// So many rows are written in one statement.
const STEP: u64 = 5_000;

pub(super) async fn all(store: &SqlStore, first: Company) -> StoreResult<()> {
    if first == Company::default() {
        return Ok(());
    }
    for table in GROWING {
        // First of all, so that what services of the version before write from now on is labelled so, too.
        if store.is_postgres() {
            let sql = format!(r#"ALTER TABLE "{table}" ALTER COLUMN "company" SET DEFAULT '{first}'"#);
            in_time(LONG, || run(store, &sql, [])).await?;
        }
        let mut after = Some(Uuid::nil());
        while let Some(last) = after {
            after = in_time(LONG, || step(store, table, last, first)).await?;
        }
    }
    for table in SMALL {
        let sql = format!(r#"UPDATE "{table}" SET "company" = $1 WHERE "company" = '100'"#);
        in_time(LONG, || run(store, &sql, [first.to_string().into()])).await?;
    }
    Ok(())
}

async fn run(
    store: &SqlStore,
    sql: &str,
    values: impl IntoIterator<Item = sea_orm::Value>,
) -> StoreResult<()> {
    store.db().execute_raw(store.statement(sql, values)).await?;
    Ok(())
}

/// Labels the next [`STEP`] rows behind that one, and says the last of them; `None`: there are no more.
async fn step(store: &SqlStore, table: &str, after: Uuid, first: Company) -> StoreResult<Option<Uuid>> {
    let sql = format!(
        r#"SELECT "id" FROM (SELECT "id" FROM "{table}" WHERE "id" > $1 ORDER BY "id" LIMIT {STEP}) s
           ORDER BY "id" DESC LIMIT 1"#
    );
    let last = store
        .db()
        .query_one_raw(store.statement(&sql, [after.into()]))
        .await?;
    let Some(last) = last else { return Ok(None) };
    let last: Uuid = last.try_get("", "id")?;
    let sql = format!(
        r#"UPDATE "{table}" SET "company" = $1 WHERE "id" > $2 AND "id" <= $3 AND "company" = '100'"#
    );
    run(store, &sql, [first.to_string().into(), after.into(), last.into()]).await?;
    Ok(Some(last))
}
