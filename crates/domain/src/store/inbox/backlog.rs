//! What is not done, by the index on status and time: what is done is not read.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use crate::store::sql::SqlStore;
use crate::store::{Backlog, StoreResult};

pub(in crate::store) async fn backlog(store: &SqlStore) -> StoreResult<Backlog> {
    let now = store.now();
    let sql = r#"SELECT "status", COUNT(*) AS "rows", MIN("startedAt") AS "oldest" FROM "SyncLog"
                 WHERE "status" IN ('PENDING', 'IN_PROGRESS', 'CONFLICT', 'FAILED') GROUP BY "status""#;
    let mut backlog = Backlog::default();
    for row in store.db().query_all_raw(store.statement(sql, [])).await? {
        let rows = u64::try_from(row.try_get::<i64>("", "rows")?).unwrap_or(0);
        let open = match row.try_get::<String>("", "status")?.as_str() {
            "PENDING" => &mut backlog.pending,
            "IN_PROGRESS" => &mut backlog.in_progress,
            "CONFLICT" => {
                backlog.conflict = rows;
                continue;
            }
            _ => {
                backlog.failed = rows;
                continue;
            }
        };
        *open = rows;
        let oldest: DateTime<Utc> = row.try_get("", "oldest")?;
        backlog.oldest = backlog.oldest.max((now - oldest).to_std().ok());
    }
    let sql = r#"SELECT COUNT(*) AS "rows" FROM "SyncRetryQueue" WHERE "nextRetryAt" > $1"#;
    if let Some(row) = store
        .db()
        .query_one_raw(store.statement(sql, [now.into()]))
        .await?
    {
        backlog.retries = u64::try_from(row.try_get::<i64>("", "rows")?).unwrap_or(0);
    }
    Ok(backlog)
}
