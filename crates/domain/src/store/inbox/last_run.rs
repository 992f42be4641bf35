//! How an entity's last run ended.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::said::{SAID, Said};
use crate::store::sql::SqlStore;
use crate::store::{LastRun, StoreResult};

pub(in crate::store) async fn last_run(store: &SqlStore, link: Uuid) -> StoreResult<Option<LastRun>> {
    let sql = format!(
        r#"SELECT "id", "status", "errorClass", {SAID} FROM "SyncLog"
           WHERE "entityMappingId" = $1 AND "status" NOT IN ('PENDING', 'IN_PROGRESS') AND "coveredBy" IS NULL
           ORDER BY "completedAt" DESC, CASE WHEN "status" = 'FAILED' THEN 0 ELSE 1 END, "id" DESC LIMIT 1"#
    );
    let row = store
        .db()
        .query_one_raw(store.statement(&sql, [link.into()]))
        .await?;
    row.map(|row| {
        Ok(LastRun {
            row: row.try_get("", "id")?,
            status: row.try_get("", "status")?,
            class: row.try_get("", "errorClass")?,
            message: Said::read(&row)?.message(),
        })
    })
    .transpose()
}
