//! Time and chance are passed in, so that tests can stand at any instant and repeat a run exactly, and leases share
//! the database's clock.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use uuid::Uuid;

/// A source of the present instant (UTC), and of chance.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;

    /// Time since some fixed instant, never set back: for measuring and for leases.
    fn monotonic(&self) -> Duration;

    /// A number from 0 to 1, by chance: spreads retries.
    fn jitter(&self) -> f64 {
        rand::random()
    }

    /// Ends after `time`. For what is done beside an outside call: nobody sleeps until a row's time comes.
    fn pause(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    /// An id that nothing else has; later ones sort after earlier ones.
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A time for people.
#[must_use]
pub fn readable(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
