//! The machine's clock, set by the database's.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::SqlStore;
use crate::clock::{Clock, SystemClock};
use crate::store::StoreResult;

/// The machine's clock, set by the database's: leases of workers on machines with different clocks agree.
#[derive(Debug, Default)]
pub struct DatabaseClock {
    offset_micros: AtomicI64,
}

impl Clock for DatabaseClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + chrono::Duration::microseconds(self.offset_micros.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

impl SqlStore {
    /// Sets the clock by the database's. SQLite has this machine's.
    pub(in crate::store) async fn align(&self) -> StoreResult<()> {
        let Some(clock) = &self.aligned else { return Ok(()) };
        let before = SystemClock.now();
        let theirs = self.server_time().await?;
        let after = SystemClock.now();
        if let Some(theirs) = theirs {
            // The answer took a while: within that the two clocks are the same, and processes of one machine, whose
            // questions take different whiles, stay on its clock.
            let error = (after - before) / 2;
            let offset = theirs - (before + error);
            let offset = if offset.abs() <= error + chrono::Duration::milliseconds(1) {
                chrono::Duration::zero()
            } else {
                offset
            };
            clock
                .offset_micros
                .store(offset.num_microseconds().unwrap_or(0), Ordering::Relaxed);
        }
        Ok(())
    }
}
