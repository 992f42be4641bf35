//! The one place that asks for the time. Everything else is handed a [`Clock`], so that a test can
//! stop, move or set it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;

/// A clock that follows the machine's, possibly shifted, or stands still.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Mode>>);

#[derive(Clone, Copy, Debug)]
enum Mode {
    System { offset: Duration },
    Frozen { at: DateTime<Utc> },
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The machine's time.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(Mode::System {
            offset: Duration::zero(),
        })))
    }

    /// A clock that stands still at `at` until it is moved.
    #[must_use]
    pub fn frozen(at: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(Mode::Frozen { at })))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match *self.lock() {
            Mode::System { offset } => machine_time() + offset,
            Mode::Frozen { at } => at,
        }
    }

    /// The time now as a server in `zone` writes it: local, without a zone.
    #[must_use]
    pub fn local(&self, zone: Tz) -> NaiveDateTime {
        self.now().with_timezone(&zone).naive_local()
    }

    /// Moves the clock; it goes on running, or standing still, from there.
    pub fn advance(&self, by: Duration) {
        match &mut *self.lock() {
            Mode::System { offset } => *offset += by,
            Mode::Frozen { at } => *at += by,
        }
    }

    /// Stops the clock at `at`.
    pub fn freeze(&self, at: DateTime<Utc>) {
        *self.lock() = Mode::Frozen { at };
    }

    /// Follows the machine's clock again, without an offset.
    pub fn follow_system(&self) {
        *self.lock() = Mode::System {
            offset: Duration::zero(),
        };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Mode> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only place of the simulator that reads the machine's clock"
)]
fn machine_time() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Clock::frozen(start);
        assert_eq!(clock.now(), start);
        clock.advance(Duration::seconds(5));
        assert_eq!(clock.now(), start + Duration::seconds(5));
        clock.follow_system();
        assert!(clock.now() > start);
    }

    #[test]
    fn local_time_is_the_zones_own() {
        let clock = Clock::frozen(DateTime::from_timestamp(1_766_313_377, 0).unwrap());
        let local = clock.local(chrono_tz::Asia::Tehran);
        assert_eq!(local.to_string(), "2025-12-21 14:06:17");
    }
}
