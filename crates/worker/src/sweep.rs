//! The sweeper: rings again for rows that wait though nobody was told of late, and refills the bounded doorbell.
//!
//! While an outside system is down it rings for nothing; when it is back, at once for all that was rung for in vain.
//!
//! Safe in any number of workers: rows are marked as rung for in the same statement that finds them. It never runs
//! the engine itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ports::{BellError, Doorbell};
use domain::store::Store;
use metrics::{counter, gauge};
use service::gates::Gates;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// So many rows are rung for at once.
const BATCH: usize = 500;
/// While there is a backlog, how soon to look whether the doorbell has drained.
const REFILL: Duration = Duration::from_millis(50);
/// While an outside system is down, how soon to look whether it is back; costs nothing.
const LOOK: Duration = Duration::from_millis(100);
/// While ids wait in the queue, a row rung for may well be among them: it is left alone so much longer.
const PATIENCE: u32 = 6;
/// How often the figures go to the log.
const STATS_EVERY: Duration = Duration::from_secs(3600);

/// Finds lost rows.
#[derive(Clone)]
pub struct Sweeper {
    /// Where the rows are.
    pub store: Arc<dyn Store>,
    /// The bell to ring for them.
    pub doorbell: Arc<dyn Doorbell>,
    /// `SWEEP_INTERVAL_SECONDS`.
    pub interval: Duration,
    /// Whether a system is down.
    pub gates: Gates,
}

impl std::fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sweeper")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// What one sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Swept {
    /// Everything that was found was rung for.
    All,
    /// There may be more.
    More,
    /// Nothing can be done at the moment.
    Down,
}

impl Sweeper {
    /// Sweeps until `shutdown`: every interval, and faster while a backlog drains.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut broken = false;
        let mut outage = false;
        // Whoever was rung for before the end of an outage may have been rung for in vain.
        let mut back = None;
        loop {
            if self.gates.is_down() {
                outage = true;
            } else if std::mem::take(&mut outage) {
                back = Some(Instant::now());
            }
            let swept = if outage {
                Ok(Swept::Down)
            } else {
                self.sweep(back.map(|back: Instant| back.elapsed())).await
            };
            let wait = match swept {
                Ok(Swept::Down) => LOOK,
                Ok(swept) => {
                    if std::mem::take(&mut broken) {
                        info!("sweeping again");
                    }
                    // Sweepers that started together drift apart.
                    if swept == Swept::More {
                        REFILL
                    } else {
                        self.interval.mul_f64(rand::random_range(0.8..=1.0))
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut broken, true) {
                        warn!(%error, "can't sweep for rows that wait: {error:#}; trying again");
                    }
                    self.interval.min(Duration::from_secs(1))
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
                // However short it is: rings are lost from now on.
                () = self.gates.down(), if !outage => {}
            }
        }
    }

    /// `back`: how long ago an outage ended.
    async fn sweep(&self, back: Option<Duration>) -> anyhow::Result<Swept> {
        let depth = self.doorbell.depth().await?;
        gauge!("sync_doorbell_depth").set(u32::try_from(depth).unwrap_or(u32::MAX));
        let room = self.doorbell.capacity().saturating_sub(depth);
        if room < BATCH.min(self.doorbell.capacity() / 2) {
            return Ok(Swept::More);
        }
        let limit = room.min(BATCH);
        let quiet = if depth == 0 {
            self.interval
        } else {
            self.interval * PATIENCE
        };
        let quiet = back.map_or(quiet, |back| back.min(quiet));
        let rings = self.store.sweep(limit as u64, quiet).await?;
        if rings.is_empty() {
            return Ok(Swept::All);
        }
        counter!("sync_swept_rows_total").increment(rings.len() as u64);
        match self.doorbell.ring(&rings).await {
            Ok(()) | Err(BellError::Full) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(if rings.len() == limit {
            Swept::More
        } else {
            Swept::All
        })
    }

    /// Counts rows, once an hour, for the log.
    pub async fn count(self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(STATS_EVERY);
        tick.tick().await;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {}
            }
            match self.store.stats().await {
                Ok(stats) => info!(
                    "📊 Sync Queue Stats - Waiting: {}, Active: {}, Completed: {}, Failed: {}",
                    stats.pending,
                    stats.in_progress,
                    stats.success + stats.skipped,
                    stats.failed
                ),
                Err(error) => warn!(%error, "can't count the rows: {error}"),
            }
        }
    }
}
