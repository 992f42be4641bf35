//! What is about to be sent, and all that is known by then, in one fenced statement.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::rows;
use crate::store::sql::{SqlStore, fenced, json};
use crate::store::{Intended, Lease, StoreResult};

pub(in crate::store) async fn intend(
    store: &SqlStore,
    lease: &Lease,
    intended: Intended<'_>,
    duration: Duration,
) -> StoreResult<()> {
    let now = store.now();
    let sql = r#"UPDATE "EntityMapping" SET "inFlight" = $1, "leaseUntil" = $2, "updatedAt" = $3,
                        "base" = COALESCE($6, "base"), "company" = $7
                 WHERE "id" = $4 AND "leaseToken" = $5 AND "leaseUntil" > $3"#;
    let values = [
        rows::in_flight(intended.in_flight)?.into(),
        (now + duration).into(),
        now.into(),
        lease.link.into(),
        lease.token.into(),
        intended.base.map(json).transpose()?.into(),
        // Where it is sent to, if it is finance: who is killed now must know.
        store.label(),
    ];
    let done = store.db().execute_raw(store.statement(sql, values)).await?;
    fenced(&done)
}
