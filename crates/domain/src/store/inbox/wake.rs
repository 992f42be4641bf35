//! Documents that wait for their customer, and the end of that.
//!
//! No run of the customer may end between a document's look at it and the document's commit unnoticed: that commit holds
//! what every such run must write at its end, the link or the open rows, and sees there whether one was quicker. The end
//! of a customer's run writes those first and wakes afterwards, so that it finds whoever it had to wait for.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::rows;
use crate::ports::Ring;
use crate::store::sql::SqlStore;
use crate::store::{Awaited, Committed, StoreResult};

/// Makes due what waits for that customer.
async fn wake(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    customer: &str,
    now: DateTime<Utc>,
) -> StoreResult<Vec<Ring>> {
    let sql = r#"UPDATE "SyncRetryQueue" SET "nextRetryAt" = $1, "waitsFor" = NULL WHERE "waitsFor" = $2
                 RETURNING "syncLogId" AS "id",
                    (SELECT l."traceParent" FROM "SyncLog" l WHERE l."id" = "SyncRetryQueue"."syncLogId") AS "traceParent""#;
    let values = [now.into(), customer.into()];
    let woken = tx.query_all_raw(store.statement(sql, values)).await?;
    woken.iter().map(rows::ring).collect()
}

/// Who is to be rung for after a run: the row that waits for its entity, and what waits for the `customer`, if anything does.
pub(in crate::store) async fn to_be_rung_for(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    next: Option<Ring>,
    customer: Option<&str>,
    now: DateTime<Utc>,
) -> StoreResult<Committed> {
    let woken = match customer {
        Some(customer) => wake(store, tx, customer, now).await?,
        None => Vec::new(),
    };
    Ok(Committed { next, woken })
}

/// Whether the customer still stands as the document's run has found it. The first thing in its transaction: whoever
/// holds a customer waits for no document.
pub(in crate::store) async fn still_awaited(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    awaited: &Awaited,
) -> StoreResult<bool> {
    let customer = || awaited.customer.clone().into();
    if let Some(version) = awaited.version {
        let sql = r#"UPDATE "EntityMapping" SET "leaseToken" = "leaseToken"
                     WHERE "entityType" = 'CUSTOMER' AND "crmId" = $1 AND "version" = $2"#;
        let held = tx.execute_raw(store.statement(sql, [customer(), version.into()]));
        return Ok(held.await?.rows_affected() > 0);
    }
    let sql = r#"UPDATE "SyncLog" SET "lapses" = "lapses"
                 WHERE "status" IN ('PENDING', 'IN_PROGRESS') AND "entityType" = 'CUSTOMER'
                   AND "sourceSystem" = 'CRM' AND "sourceEntityId" = $1"#;
    let held = tx.execute_raw(store.statement(sql, [customer()])).await?;
    if held.rows_affected() > 0 || awaited.enqueued {
        return Ok(held.rows_affected() > 0);
    }
    let sql = r#"SELECT 1 FROM "EntityMapping" WHERE "entityType" = 'CUSTOMER' AND "crmId" = $1"#;
    let met = tx.query_one_raw(store.statement(sql, [customer()])).await?;
    Ok(met.is_none())
}
