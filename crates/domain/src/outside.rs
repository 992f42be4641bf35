//! What all processes of a deployment share about the outside systems: whether one is down, and when the next call may
//! be sent where there is a ceiling. It stands in the database like everything else; while all is well nobody writes it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::breaker::{Open, Shared};
use crate::ports::Side;
use crate::store::StoreResult;

/// The shared state of both systems. Times are by the store's clock.
#[async_trait]
pub trait OutsideStore: Send + Sync {
    /// The breakers of both systems, in one statement.
    async fn breakers(&self) -> StoreResult<Vec<(Side, Shared)>>;

    /// Puts `open` in the place of what had the version `seen`; `false` when something else stands there by now.
    async fn swap(&self, system: Side, seen: i64, open: Option<Open>) -> StoreResult<bool>;

    /// Takes the next `slots` places in the line of calls, `apart` from each other, and says when the first comes;
    /// `None` when that would be later than `patience` from now: nothing was taken.
    async fn reserve(
        &self,
        system: Side,
        slots: u32,
        apart: Duration,
        patience: Duration,
    ) -> StoreResult<Option<DateTime<Utc>>>;
}

/// How much longer the line of calls becomes, in microseconds.
pub(crate) fn span(slots: u32, apart: Duration) -> i64 {
    i64::try_from(apart.saturating_mul(slots).as_micros()).unwrap_or(i64::MAX / 4)
}
