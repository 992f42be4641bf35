//! [`OutsideStore`] in memory, for tests: the same contract as on a database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use domain::breaker::{Open, Shared};
use domain::clock::Clock;
use domain::outside::OutsideStore;
use domain::ports::Side;
use domain::store::StoreResult;

use super::tables::micros;

#[derive(Default)]
struct Row {
    shared: Shared,
    next_slot: i64,
}

/// Cheap to clone; clones share everything, as processes share a database.
#[derive(Clone)]
pub struct MemoryOutside {
    clock: Arc<dyn Clock>,
    rows: Arc<Mutex<BTreeMap<Side, Row>>>,
}

impl std::fmt::Debug for MemoryOutside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryOutside").finish_non_exhaustive()
    }
}

impl MemoryOutside {
    /// Both systems answer.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let rows = [Side::Crm, Side::Finance].map(|side| (side, Row::default()));
        Self {
            clock,
            rows: Arc::new(Mutex::new(rows.into())),
        }
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<Side, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl OutsideStore for MemoryOutside {
    async fn breakers(&self) -> StoreResult<Vec<(Side, Shared)>> {
        Ok(self
            .rows()
            .iter()
            .map(|(side, row)| (*side, row.shared))
            .collect())
    }

    async fn swap(&self, system: Side, seen: i64, open: Option<Open>) -> StoreResult<bool> {
        let mut rows = self.rows();
        let row = rows.entry(system).or_default();
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
        let row = rows.entry(system).or_default();
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
