//! A row ends, and waits for a value.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{rows, wake};
use crate::index::{Sighting, last_of_each, stored};
use crate::store::sql::{SqlStore, system};
use crate::store::{StoreResult, Withheld};

/// Nobody writes down what the records hold that this run has seen before it has ended, so that of two transactions, one that
/// waits for a value and one that takes note that it is free, the later sees the other. In the order in which they are
/// written.
pub(in crate::store) async fn hold(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    seen: &[Sighting],
) -> StoreResult<()> {
    let seen = last_of_each(seen);
    let seen = rows::parameter(seen.iter().map(|one| (one.side, one.id.as_str())));
    // SQLite has one writer at a time anyway.
    if let (Some(seen), true) = (seen, store.is_postgres()) {
        let sql = format!(
            r#"SELECT 1 FROM "RecordIndex" i JOIN {} ON n."side" = i."side" AND n."id" = i."id"
               WHERE i."company" = $2 AND i."entityType" = 'CUSTOMER' ORDER BY i."side", i."id" COLLATE "C" FOR UPDATE OF i"#,
            rows::records(store)
        );
        tx.query_all_raw(store.statement(&sql, [seen.into(), store.label()]))
            .await?;
    }
    Ok(())
}

/// The row waits for these values; or is open again, where they are free by now.
pub(in crate::store) async fn wait(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    row: Uuid,
    withheld: &[Withheld],
) -> StoreResult<()> {
    let sql = r#"INSERT INTO "TakenValue" ("side", "company", "entityType", "id", "key", "value", "row")
        VALUES ($1, $2, 'CUSTOMER', $3, $4, $5, $6) ON CONFLICT DO NOTHING"#;
    for one in withheld {
        let values = [
            system(one.side).into(),
            store.label(),
            one.holder.clone().into(),
            one.form.key.as_str().into(),
            stored(&one.form.value).into_owned().into(),
            row.into(),
        ];
        tx.execute_raw(store.statement(sql, values)).await?;
    }
    wake(
        store,
        tx,
        withheld.iter().map(|one| (one.side, one.holder.as_str())),
    )
    .await
}
