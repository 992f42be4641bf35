//! Places in the line of calls.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use crate::outside::span;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::SqlStore;

pub(super) async fn reserve(
    store: &SqlStore,
    system: Side,
    slots: u32,
    apart: Duration,
    patience: Duration,
) -> StoreResult<Option<DateTime<Utc>>> {
    let now = store.now().timestamp_micros();
    let span = span(slots, apart);
    let latest = now.saturating_add(i64::try_from(patience.as_micros()).unwrap_or(i64::MAX / 4));
    let sql = r#"UPDATE "OutsideSystem"
                 SET "nextSlot" = (CASE WHEN "nextSlot" > $1 THEN "nextSlot" ELSE $1 END) + $2
                 WHERE "system" = $3 AND "nextSlot" <= $4 RETURNING "nextSlot""#;
    let values = [
        now.into(),
        span.into(),
        store.outside_system(system).into(),
        latest.into(),
    ];
    let Some(row) = store.db().query_one_raw(store.statement(sql, values)).await? else {
        return Ok(None);
    };
    let end: i64 = row.try_get("", "nextSlot")?;
    Ok(DateTime::from_timestamp_micros(end - span))
}
