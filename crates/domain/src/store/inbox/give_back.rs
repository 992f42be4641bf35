//! Rows that were claimed wait again, untouched.

use sea_orm::ConnectionTrait;

use crate::store::sql::SqlStore;
use crate::store::{Lease, StoreResult};

pub(in crate::store) async fn give_back(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lease: &Lease,
) -> StoreResult<()> {
    let sql = r#"UPDATE "SyncLog" SET "status" = 'PENDING', "rungAt" = NULL
                 WHERE "entityMappingId" = $1 AND "status" = 'IN_PROGRESS'
                   AND EXISTS (SELECT 1 FROM "EntityMapping" m WHERE m."id" = $1 AND m."leaseToken" = $2)"#;
    tx.execute_raw(store.statement(sql, [lease.link.into(), lease.token.into()]))
        .await?;
    Ok(())
}
