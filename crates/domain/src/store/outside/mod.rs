//! [`OutsideStore`] on PostgreSQL and SQLite: `"OutsideSystem"`, a row per system, made by the migration.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::breaker::{Open, Shared};
use crate::outside::OutsideStore;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::{QUICK, SqlStore, in_time};

mod breakers;
mod reserve;
mod rows;
mod swap;

#[async_trait]
impl OutsideStore for SqlStore {
    async fn breakers(&self) -> StoreResult<Vec<(Side, Shared)>> {
        in_time(QUICK, || breakers::breakers(self)).await
    }

    async fn swap(&self, system: Side, seen: i64, open: Option<Open>) -> StoreResult<bool> {
        in_time(QUICK, || swap::swap(self, system, seen, open)).await
    }

    async fn reserve(
        &self,
        system: Side,
        slots: u32,
        apart: Duration,
        patience: Duration,
    ) -> StoreResult<Option<DateTime<Utc>>> {
        in_time(QUICK, || reserve::reserve(self, system, slots, apart, patience)).await
    }
}
