//! The rows of a half link that another link has taken over.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::settle::{By, settle};
use crate::store::sql::SqlStore;
use crate::store::{EntityRef, StoreResult};

/// Makes the rows of `theirs` rows of `ours`. What waits goes on waiting; a conflict is settled.
pub(in crate::store) async fn adopt(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    ours: Uuid,
    theirs: Uuid,
    entity: &EntityRef,
) -> StoreResult<()> {
    // What a run of theirs left in progress is covered by ours: it is to be tried again no more.
    let sql = r#"DELETE FROM "SyncRetryQueue" WHERE "syncLogId" IN
                 (SELECT "id" FROM "SyncLog" WHERE "entityMappingId" = $1 AND "status" = 'IN_PROGRESS')"#;
    tx.execute_raw(store.statement(sql, [theirs.into()])).await?;
    settle(store, tx, theirs, By::Link(entity)).await?;
    let sql = r#"UPDATE "SyncLog" SET "entityMappingId" = $1 WHERE "entityMappingId" = $2"#;
    tx.execute_raw(store.statement(sql, [ours.into(), theirs.into()]))
        .await?;
    Ok(())
}
