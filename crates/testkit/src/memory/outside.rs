//! [`OutsideStore`] in memory, for tests: the same contract as on a database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use domain::breaker::{Open, Shared};
use domain::clock::Clock;
use domain::company::{Companies, Company};
use domain::outside::OutsideStore;
use domain::ports::Side;
use domain::store::StoreResult;

use super::own::Own;
use super::tables::micros;

#[derive(Default)]
struct Row {
    shared: Shared,
    next_slot: i64,
}

/// The CRM's is nobody's own.
type Rows = BTreeMap<(Side, Option<Company>), Row>;

/// Cheap to clone; clones share everything, as processes share a database.
#[derive(Clone)]
pub struct MemoryOutside {
    clock: Arc<dyn Clock>,
    rows: Arc<Mutex<Rows>>,
    own: Own,
}

impl std::fmt::Debug for MemoryOutside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryOutside").finish_non_exhaustive()
    }
}

impl MemoryOutside {
    /// All systems answer.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            rows: Arc::default(),
            own: Own::default(),
        }
    }

    /// The same of a deployment that serves these: as the first of them.
    #[must_use]
    pub fn serving(mut self, served: Companies) -> Self {
        self.own = Own::first_of(served);
        self
    }

    /// The same as that company.
    #[must_use]
    pub fn of(&self, company: Company) -> Self {
        Self {
            own: self.own.of(company),
            ..self.clone()
        }
    }

    fn key(&self, system: Side) -> (Side, Option<Company>) {
        (system, self.own.on(system))
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl OutsideStore for MemoryOutside {
    async fn breakers(&self) -> StoreResult<Vec<(Side, Shared)>> {
        let rows = self.rows();
        let shared = |side| rows.get(&self.key(side)).map(|row| row.shared);
        let all = Side::BOTH.map(|side| (side, shared(side).unwrap_or_default()));
        Ok(all.into())
    }

    async fn swap(&self, system: Side, seen: i64, open: Option<Open>) -> StoreResult<bool> {
        let mut rows = self.rows();
        let row = rows.entry(self.key(system)).or_default();
        if row.shared.version != seen {
            return Ok(false);
        }
        let kept = |open: Open| Open {
            since: micros(open.since),
            probe_at: micros(open.probe_at),
            ..open
        };
        row.shared = Shared {
            version: seen + 1,
            open: open.map(kept),
        };
        Ok(true)
    }

    async fn reserve(
        &self,
        system: Side,
        slots: u32,
        apart: Duration,
        patience: Duration,
    ) -> StoreResult<Option<DateTime<Utc>>> {
        let now = self.clock.now().timestamp_micros();
        let latest = now + i64::try_from(patience.as_micros()).unwrap_or(i64::MAX / 4);
        let mut rows = self.rows();
        let row = rows.entry(self.key(system)).or_default();
        if row.next_slot > latest {
            return Ok(None);
        }
        let first = row.next_slot.max(now);
        row.next_slot = first + span(slots, apart);
        Ok(DateTime::from_timestamp_micros(first))
    }
}

/// How much longer the line of calls becomes, in microseconds.
fn span(slots: u32, apart: Duration) -> i64 {
    i64::try_from(apart.saturating_mul(slots).as_micros()).unwrap_or(i64::MAX / 4)
}
