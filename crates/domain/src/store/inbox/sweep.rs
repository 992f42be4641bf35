//! Finding rows that wait though nobody was told of late.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::rows;
use crate::ports::Ring;
use crate::store::sql::SqlStore;
use crate::store::{StoreResult, taken};

pub(in crate::store) async fn sweep(
    store: &SqlStore,
    limit: u64,
    quiet_for: Duration,
) -> StoreResult<Vec<Ring>> {
    taken::wake_all(store, store.db()).await?;
    let now = store.now();
    // Several sweepers at once take different rows; SQLite has one writer at a time anyway.
    let lock = match store.is_postgres() {
        true => "FOR UPDATE OF l SKIP LOCKED",
        false => "",
    };
    let sql = format!(
        r#"UPDATE "SyncLog" SET "rungAt" = $1 WHERE "id" IN (
             SELECT l."id" FROM "SyncLog" l
             LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id"
             LEFT JOIN "EntityMapping" m ON m."id" = l."entityMappingId"
             WHERE l."status" IN ('PENDING', 'IN_PROGRESS')
               AND (l."rungAt" IS NULL OR l."rungAt" <= $2)
               AND (r."nextRetryAt" IS NULL OR r."nextRetryAt" <= $1)
               AND (l."status" = 'PENDING' OR m."id" IS NULL OR m."leaseUntil" IS NULL OR m."leaseUntil" <= $1)
             ORDER BY l."rungAt" NULLS FIRST LIMIT $3 {lock})
           RETURNING "id", "traceParent""#
    );
    let quiet = chrono::Duration::from_std(quiet_for).unwrap_or(chrono::Duration::MAX);
    let values = [now.into(), (now - quiet).into(), limit.into()];
    let rows = store.db().query_all_raw(store.statement(&sql, values)).await?;
    rows.iter().map(rows::ring).collect()
}
