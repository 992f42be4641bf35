//! Forgetting what is gone for long: nothing that it held is left. Its row stays, for the counter in it: events of a
//! contact that comes back must not bear the keys of old ones.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use crate::store::StoreResult;
use crate::store::sql::SqlStore;

/// Of that many records at most; its values went when it was gone.
pub(in crate::store) async fn forget(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    before: DateTime<Utc>,
    limit: u64,
) -> StoreResult<()> {
    let sql = format!(
        r#"UPDATE "RecordIndex" SET "profile" = NULL, "checksum" = NULL, "kind" = NULL
           WHERE ("side", "company", "entityType", "id") IN (SELECT "side", "company", "entityType", "id"
               FROM "RecordIndex" WHERE "goneSince" <= $1 AND "profile" IS NOT NULL ORDER BY "goneSince" LIMIT {limit})"#
    );
    tx.execute_raw(store.statement(&sql, [before.into()])).await?;
    Ok(())
}
