//! [`OutsideStore`] on PostgreSQL and SQLite: `"OutsideSystem"`, a row per system, made by the migration.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Statement, Value as Sql};

use super::{OutsideStore, span};
use crate::breaker::{Open, Shared};
use crate::ports::Side;
use crate::store::StoreResult;
use crate::store::sql::{QUICK, SqlStore, in_time, side_of, system as name};

fn statement<const N: usize>(store: &SqlStore, sql: &str, values: [Sql; N]) -> Statement {
    Statement::from_sql_and_values(store.db().get_database_backend(), sql, values)
}

#[async_trait]
impl OutsideStore for SqlStore {
    async fn breakers(&self) -> StoreResult<Vec<(Side, Shared)>> {
        let sql = r#"SELECT "system", "openSince", "probeAt", "probes", "version" FROM "OutsideSystem""#;
        let rows = in_time(QUICK, async {
            Ok(self.db().query_all_raw(statement(self, sql, [])).await?)
        })
        .await?;
        rows.iter()
            .map(|row| {
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
            })
            .collect()
    }

    async fn swap(&self, system: Side, seen: i64, open: Option<Open>) -> StoreResult<bool> {
        let sql = r#"UPDATE "OutsideSystem" SET "openSince" = $1, "probeAt" = $2, "probes" = $3,
                            "version" = "version" + 1
                     WHERE "system" = $4 AND "version" = $5"#;
        let values = [
            open.map(|open| open.since).into(),
            open.map(|open| open.probe_at).into(),
            open.map_or(0, |open| i32::try_from(open.probes).unwrap_or(i32::MAX))
                .into(),
            name(system).into(),
            seen.into(),
        ];
        let done = in_time(QUICK, async {
            Ok(self.db().execute_raw(statement(self, sql, values)).await?)
        })
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn reserve(
        &self,
        system: Side,
        slots: u32,
        apart: Duration,
        patience: Duration,
    ) -> StoreResult<Option<DateTime<Utc>>> {
        let now = self.clock().now().timestamp_micros();
        let span = span(slots, apart);
        let latest = now.saturating_add(i64::try_from(patience.as_micros()).unwrap_or(i64::MAX / 4));
        let sql = r#"UPDATE "OutsideSystem"
                     SET "nextSlot" = (CASE WHEN "nextSlot" > $1 THEN "nextSlot" ELSE $1 END) + $2
                     WHERE "system" = $3 AND "nextSlot" <= $4 RETURNING "nextSlot""#;
        let values = [now.into(), span.into(), name(system).into(), latest.into()];
        let Some(row) = in_time(QUICK, async {
            Ok(self.db().query_one_raw(statement(self, sql, values)).await?)
        })
        .await?
        else {
            return Ok(None);
        };
        let end: i64 = row.try_get("", "nextSlot")?;
        Ok(DateTime::from_timestamp_micros(end - span))
    }
}
