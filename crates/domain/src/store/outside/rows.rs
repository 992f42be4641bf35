//! Rows of `"OutsideSystem"` → values.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;

use crate::breaker::{Open, Shared};
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::side_of;

pub(super) const COLUMNS: &str = r#""system", "openSince", "probeAt", "probes", "version""#;

pub(super) fn shared(row: &QueryResult) -> StoreResult<(Side, Shared)> {
    let since: Option<DateTime<Utc>> = row.try_get("", "openSince")?;
    let probe_at: Option<DateTime<Utc>> = row.try_get("", "probeAt")?;
    let probes: i32 = row.try_get("", "probes")?;
    let open = since.map(|since| Open {
        since,
        probe_at: probe_at.unwrap_or(since),
        probes: probes.unsigned_abs(),
    });
    let shared = Shared {
        version: row.try_get("", "version")?,
        open,
    };
    Ok((side_of(&row.try_get::<String>("", "system")?), shared))
}
