//! Giving all keys of a link back.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::store::StoreResult;
use crate::store::sql::SqlStore;

pub(in crate::store) async fn unlock(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    link: Uuid,
) -> StoreResult<()> {
    let sql = r#"DELETE FROM "MatchLock" WHERE "entityMappingId" = $1"#;
    tx.execute_raw(store.statement(sql, [link.into()])).await?;
    Ok(())
}
