//! Who polls: a lease per poll.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::after;
use crate::polls::PollLease;
use crate::store::StoreResult;
use crate::store::sql::{SqlStore, fenced};

pub(super) async fn renew(store: &SqlStore, turn: &PollLease, lease: Duration) -> StoreResult<()> {
    let now = store.now();
    // One that lapsed and that nobody took is still ours: the token says so. One that was given back stays free,
    // should this statement have waited for the end of the look.
    let sql = r#"UPDATE "PollCursor" SET "leaseUntil" = $1, "updatedAt" = $2
                 WHERE "name" = $3 AND "leaseToken" = $4 AND "leaseOwner" IS NOT NULL"#;
    let values = [
        after(now, lease).into(),
        now.into(),
        turn.poll.clone().into(),
        turn.token.into(),
    ];
    let done = store.db().execute_raw(store.statement(sql, values)).await?;
    fenced(&done)
}

pub(super) async fn give_back(store: &SqlStore, turn: &PollLease, wait: Duration) -> StoreResult<()> {
    let now = store.now();
    let sql = r#"UPDATE "PollCursor" SET "leaseOwner" = NULL, "leaseUntil" = NULL, "notBefore" = $1, "updatedAt" = $2
                 WHERE "name" = $3 AND "leaseToken" = $4"#;
    let values = [
        after(now, wait).into(),
        now.into(),
        turn.poll.clone().into(),
        turn.token.into(),
    ];
    store.db().execute_raw(store.statement(sql, values)).await?;
    Ok(())
}
