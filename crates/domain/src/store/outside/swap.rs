//! A breaker in the place of the one that was seen.

use sea_orm::ConnectionTrait;

use crate::breaker::Open;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::{SqlStore, micros};

pub(super) async fn swap(store: &SqlStore, system: Side, seen: i64, open: Option<Open>) -> StoreResult<bool> {
    let sql = r#"UPDATE "OutsideSystem" SET "openSince" = $1, "probeAt" = $2, "probes" = $3,
                        "version" = "version" + 1
                 WHERE "system" = $4 AND "version" = $5"#;
    let values = [
        open.map(|open| micros(open.since)).into(),
        open.map(|open| micros(open.probe_at)).into(),
        open.map_or(0, |open| i32::try_from(open.probes).unwrap_or(i32::MAX))
            .into(),
        store.outside_system(system).into(),
        seen.into(),
    ];
    let done = store.db().execute_raw(store.statement(sql, values)).await?;
    Ok(done.rows_affected() == 1)
}
