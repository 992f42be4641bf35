//! [`IndexStore`] on PostgreSQL and SQLite: `"RecordIndex"`, `"RecordValue"` and `"Separated"`, indexed look-ups only;
//! and the few rows of `"RuledColumn"`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::customer::Field;
use crate::index::{Column, IndexStore, Indexed, Sighting};
use crate::matching::{Form, Tally};
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::{LONG, QUICK, SqlStore, in_time};

mod columns;
mod gone_since;
mod holders;
mod holding;
mod note;
mod prune;
mod rows;
mod separate;
mod unlinked;

pub(super) use note::note;
pub(super) use prune::forget;

/// The entity type of all records that are matched.
const CUSTOMER: &str = "CUSTOMER";

#[async_trait]
impl IndexStore for SqlStore {
    async fn note(&self, sightings: &[Sighting]) -> StoreResult<()> {
        in_time(LONG, || note::all(self, sightings)).await
    }

    async fn holders(&self, forms: &[Form]) -> StoreResult<Tally> {
        in_time(QUICK, || holders::holders(self, forms)).await
    }

    async fn holding(&self, side: Side, forms: &[Form], than: &str) -> StoreResult<Vec<Indexed>> {
        in_time(QUICK, || holding::holding(self, side, forms, than)).await
    }

    async fn separate(&self, side: Side, id: &str, others: &[String]) -> StoreResult<()> {
        in_time(QUICK, || separate::separate(self, side, id, others)).await
    }

    async fn accept_columns(&self, columns: &[(Side, Field)]) -> StoreResult<Vec<String>> {
        in_time(LONG, || columns::accept(self, columns)).await
    }

    async fn columns(&self) -> StoreResult<Vec<Column>> {
        in_time(QUICK, || columns::all(self)).await
    }

    async fn hold_column(&self, side: Side, field: Field) -> StoreResult<bool> {
        in_time(QUICK, || columns::hold(self, side, field)).await
    }

    async fn unlinked(&self, side: Side, after: &str, limit: u64) -> StoreResult<Vec<Indexed>> {
        in_time(LONG, || unlinked::unlinked(self, side, after, limit)).await
    }

    async fn gone_since(&self, side: Side, id: &str) -> StoreResult<Option<DateTime<Utc>>> {
        in_time(QUICK, || gone_since::gone_since(self, side, id)).await
    }
}
