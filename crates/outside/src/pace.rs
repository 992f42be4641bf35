//! A ceiling of calls per second, for all processes of a deployment together: each takes slots in one line, which
//! stands in the database, in blocks as large as it has callers waiting.
//!
//! It never lets a call through early, and never makes one wait longer than its patience: who would have to is put off.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::clock::Clock;
use domain::outside::OutsideStore;
use domain::ports::Side;
use tokio::sync::Mutex;

/// A block holds at most the calls of such a time.
const BLOCK: Duration = Duration::from_millis(250);
/// After the line was found too long, so long nobody asks again.
const FULL_FOR: TimeDelta = TimeDelta::milliseconds(250);

/// What became of a caller that wanted a slot in the line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// It went at once.
    Now,
    /// It has waited, and goes.
    Waited,
    /// It would have had to wait too long; why, for people.
    PutOff(String),
}

pub(crate) struct Pace {
    calls_per_second: u32,
    apart: Duration,
    /// Callers that have no slot yet.
    callers: AtomicU32,
    line: Mutex<Line>,
}

/// The slots of this process that are not given out.
#[derive(Default)]
struct Line {
    next: DateTime<Utc>,
    left: u32,
    /// Until when it is known that whoever has no more patience than this finds no slot.
    full: (DateTime<Utc>, Duration),
}

impl Pace {
    pub(crate) fn new(calls_per_second: u32) -> Self {
        Self {
            calls_per_second,
            apart: Duration::from_secs(1) / calls_per_second.max(1),
            callers: AtomicU32::new(0),
            line: Mutex::default(),
        }
    }

    /// Waits for the next slot.
    pub(crate) async fn wait(
        &self,
        side: Side,
        store: &dyn OutsideStore,
        clock: &dyn Clock,
        patience: Duration,
    ) -> Slot {
        let at = {
            let _here = Here::new(&self.callers);
            let mut line = self.line.lock().await;
            match self.next_slot(&mut line, side, store, clock, patience).await {
                Ok(at) => at,
                Err(why) => return Slot::PutOff(why),
            }
        };
        match (at - clock.now()).to_std() {
            Ok(wait) if !wait.is_zero() => {
                tokio::time::sleep(wait).await;
                Slot::Waited
            }
            _ => Slot::Now,
        }
    }

    async fn next_slot(
        &self,
        line: &mut Line,
        side: Side,
        store: &dyn OutsideStore,
        clock: &dyn Clock,
        patience: Duration,
    ) -> Result<DateTime<Utc>, String> {
        let now = clock.now();
        let too_long = || {
            format!(
                "{side} may be called {} times a second, and more calls wait than it takes in {} s",
                self.calls_per_second,
                patience.as_secs()
            )
        };
        // A slot that nobody came for is void: two calls in its stead would be one too many.
        if line.left == 0 || line.next + self.apart < now {
            line.left = 0;
            if now < line.full.0 && patience <= line.full.1 {
                return Err(too_long());
            }
            let most = u32::try_from(BLOCK.as_millis() / self.apart.as_millis().max(1)).unwrap_or(1);
            let block = self.callers.load(Ordering::Relaxed).clamp(1, most.max(1));
            let first = store.reserve(side, block, self.apart, patience).await;
            let first = first.map_err(|error| format!("no turn to call {side}: {error}"))?;
            let Some(first) = first else {
                line.full = (now + FULL_FOR, patience);
                return Err(too_long());
            };
            line.next = first;
            line.left = block;
        }
        let at = line.next;
        if (at - now).to_std().is_ok_and(|wait| wait > patience + BLOCK) {
            // Taken by someone with more patience.
            return Err(too_long());
        }
        line.next += self.apart;
        line.left -= 1;
        Ok(at)
    }
}

/// Counts a caller for as long as it has no slot.
struct Here<'a>(&'a AtomicU32);

impl<'a> Here<'a> {
    fn new(callers: &'a AtomicU32) -> Self {
        callers.fetch_add(1, Ordering::Relaxed);
        Self(callers)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
