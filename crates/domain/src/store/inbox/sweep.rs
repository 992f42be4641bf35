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
    // It keeps no statistics either, and would read all rows of the status.
    let (index, lock) = match store.is_postgres() {
        true => ("", "FOR UPDATE SKIP LOCKED"),
        false => (r#"INDEXED BY "SyncLog_open_rungAt_idx""#, ""),
    };
    // Each of the two is a stretch of the index of open rows: of both in one condition PostgreSQL sorts all of them.
    let waiting = |rung: &str| {
        format!(
            r#"SELECT "id" FROM (SELECT l."id" FROM "SyncLog" l {index} WHERE l."status" IN ('PENDING', 'IN_PROGRESS') AND {rung}
                 AND COALESCE((SELECT r."nextRetryAt" FROM "SyncRetryQueue" r WHERE r."syncLogId" = l."id"), $1) <= $1
                 AND (l."status" = 'PENDING' OR COALESCE(
                     (SELECT m."leaseUntil" FROM "EntityMapping" m WHERE m."id" = l."entityMappingId"), $1) <= $1)
               ORDER BY l."rungAt" LIMIT $3 {lock}) w"#
        )
    };
    let sql = format!(
        r#"UPDATE "SyncLog" SET "rungAt" = $1 WHERE "id" {} RETURNING "id", "traceParent""#,
        store.among(&format!(
            r#"{} UNION ALL {} LIMIT $3"#,
            waiting(r#"l."rungAt" IS NULL"#),
            waiting(r#"l."rungAt" <= $2"#)
        ))
    );
    let quiet = chrono::Duration::from_std(quiet_for).unwrap_or(chrono::Duration::MAX);
    let values = [now.into(), (now - quiet).into(), limit.into()];
    let rows = store.db().query_all_raw(store.statement(&sql, values)).await?;
    rows.iter().map(rows::ring).collect()
}
