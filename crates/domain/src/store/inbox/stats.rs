//! Rows by status, all of them.

use sea_orm::ConnectionTrait;

use crate::store::sql::SqlStore;
use crate::store::{Stats, StoreResult};

pub(in crate::store) async fn stats(store: &SqlStore) -> StoreResult<Stats> {
    let sql = r#"SELECT "status", COUNT(*) AS "rows" FROM "SyncLog" GROUP BY "status""#;
    let mut stats = Stats::default();
    for row in store.db().query_all_raw(store.statement(sql, [])).await? {
        let rows = u64::try_from(row.try_get::<i64>("", "rows")?).unwrap_or(0);
        match row.try_get::<String>("", "status")?.as_str() {
            "PENDING" => stats.pending = rows,
            "IN_PROGRESS" => stats.in_progress = rows,
            "SUCCESS" => stats.success = rows,
            "FAILED" => stats.failed = rows,
            "CONFLICT" => stats.conflict = rows,
            _ => stats.skipped += rows,
        }
    }
    Ok(stats)
}
