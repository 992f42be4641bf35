//! The circuit breaker of an outside system: closed while it answers, open while it is down, so that nobody asks but
//! one probe at a time. Pure: it neither calls nor sleeps nor writes; [`crate::outside`] keeps what is shared.
//!
//! What all processes must agree on is [`Shared`]: small, and changed only by comparing its version. What only one
//! process knows, how many of its calls have failed in a row, stays in its [`Breaker`].
//!
//! A system that answers reads and fails at every write is not down for all; but each process then holds its own writes,
//! sends one a second, and lets no row pay for it.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A probe whose process has died gives way to another after this time; one that lives renews it.
pub const PROBE_LEASE: Duration = Duration::from_secs(3);

/// While writes fail, no row is put off for longer at a time: so long may it take until it is carried on afterwards,
/// and once more by chance.
const PATIENCE_OF_ROWS: Duration = Duration::from_secs(5);

/// No request of a system to wait (`Retry-After`) is heard for longer: it may be back long before.
pub const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// When it opens, and how often it looks.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// So many calls of one process must fail in a row.
    pub failures: u32,
    /// The pause before the first probe.
    pub shortest: Duration,
    /// No pause is longer: so long may it take at most to see that the system is back.
    pub longest: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            failures: 5,
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(4),
        }
    }
}

/// An outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Nobody calls before; whoever moves this on has the probe.
    pub probe_at: DateTime<Utc>,
    /// Probes that have failed.
    pub probes: u32,
}

/// The breaker as all processes see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shared {
    /// Counts the changes.
    pub version: i64,
    /// `None`: closed.
    pub open: Option<Open>,
}

/// What failed, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failure {
    /// It was to change something.
    pub write: bool,
    /// No record can be the cause: no answer, 502, 503, 504, 429. A 500 may be about what was asked.
    pub surely: bool,
    /// How long the system itself asks to wait.
    pub asked: Option<Duration>,
}

/// What a failure comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// That was one too many: this is to be shared.
    pub open: Option<Open>,
    /// It was one of several in a row: whoever asked is not to blame, and may ask again after this time.
    pub wait: Option<Duration>,
}

/// Whether a call may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Send,
    /// As the probe, once this stands in the place of what is shared.
    Probe(Open),
    /// Not before this time has passed.
    Held(Duration),
}

/// The breaker as one process knows it.
#[derive(Debug, Clone, Copy)]
pub struct Breaker {
    rules: Rules,
    shared: Shared,
    /// Calls of this process that have failed in a row.
    streak: u32,
    /// The same of its writes, whatever is read meanwhile.
    writes: u32,
    /// Since when they fail.
    writes_since: Option<DateTime<Utc>>,
    /// Where enough of them have failed, none is sent before.
    write_at: DateTime<Utc>,
    /// The system itself has asked to be left alone until then.
    quiet_until: DateTime<Utc>,
}

impl Breaker {
    /// Closed, as far as is known.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            shared: Shared::default(),
            streak: 0,
            writes: 0,
            writes_since: None,
            write_at: DateTime::UNIX_EPOCH,
            quiet_until: DateTime::UNIX_EPOCH,
        }
    }

    /// Until when the system has asked this process not to call.
    #[must_use]
    pub fn quiet_until(&self) -> DateTime<Utc> {
        self.quiet_until
    }

    /// What is known of the shared state.
    #[must_use]
    pub fn shared(&self) -> Shared {
        self.shared
    }

    /// Takes note of the shared state; says whether it is news. Older news than what is known is none.
    pub fn learn(&mut self, shared: Shared) -> bool {
        if shared.version <= self.shared.version {
            return false;
        }
        if shared.open.is_none() {
            self.streak = 0;
            // Writes that failed in the outage: one may be tried at once, and nobody need wait for long.
            (self.writes_since, self.write_at) = (None, DateTime::UNIX_EPOCH);
        }
        self.shared = shared;
        true
    }

    /// Whether a call may be sent now.
    #[must_use]
    pub fn admit(&self, now: DateTime<Utc>) -> Admission {
        if self.quiet_until > now {
            return Admission::Held((self.quiet_until - now).to_std().unwrap_or_default());
        }
        match self.shared.open {
            None => Admission::Send,
            Some(open) if open.probe_at > now => {
                Admission::Held((open.probe_at - now).to_std().unwrap_or_default())
            }
            Some(open) => Admission::Probe(Open {
                probe_at: now + PROBE_LEASE,
                ..open
            }),
        }
    }

    /// Whether a write may be sent now; `Some`: not before this time has passed, since those before it have failed.
    /// Where they have, the next of this process may be sent after the shortest pause.
    pub fn admit_write(&mut self, now: DateTime<Utc>) -> Option<Duration> {
        if self.writes < self.rules.failures {
            return None;
        }
        if self.write_at > now {
            let left = (self.write_at - now).to_std().unwrap_or_default();
            return Some(left.max(self.patience(now)));
        }
        self.write_at = now + self.rules.shortest;
        None
    }

    /// The longer writes fail, the less often each row comes back to read in vain.
    fn patience(&self, now: DateTime<Utc>) -> Duration {
        let lasted = now - self.writes_since.unwrap_or(now);
        (lasted.to_std().unwrap_or_default() / 4).min(PATIENCE_OF_ROWS)
    }

    /// A call was answered by a system that lives; `write`: that call was to change something.
    pub fn answered(&mut self, write: bool) {
        self.streak = 0;
        if write {
            (self.writes, self.writes_since) = (0, None);
        }
    }

    /// A call failed. `jitter`: 0 to 1.
    pub fn failed(&mut self, now: DateTime<Utc>, jitter: f64, failure: Failure) -> Failed {
        self.streak = self.streak.saturating_add(1);
        let mut in_a_row = self.streak;
        if failure.write {
            self.writes_since.get_or_insert(now);
            self.writes = self.writes.saturating_add(1);
            in_a_row = self.writes.max(self.streak);
        }
        let mut wait = self.pause(0, jitter, failure.asked);
        if failure.write {
            self.write_at = now + wait;
            wait = wait.max(self.patience(now));
        }
        // Its own word holds everyone, however many have failed so far.
        let asked = failure.asked.is_some_and(|asked| !asked.is_zero());
        if asked {
            self.quiet_until = self.quiet_until.max(now + self.pause(0, jitter, failure.asked));
        }
        let enough_in_a_row = asked || self.streak >= self.rules.failures;
        let open = (self.shared.open.is_none() && enough_in_a_row).then(|| Open {
            since: now,
            probe_at: now + self.pause(0, jitter, failure.asked),
            probes: 0,
        });
        let enough = if failure.surely {
            self.rules.failures.min(2)
        } else {
            self.rules.failures
        };
        Failed {
            open,
            wait: (asked || in_a_row >= enough).then_some(wait),
        }
    }

    /// The probe failed: what is to be shared.
    #[must_use]
    pub fn probe_failed(&self, now: DateTime<Utc>, jitter: f64, asked: Option<Duration>) -> Option<Open> {
        let open = self.shared.open?;
        let probes = open.probes.saturating_add(1);
        Some(Open {
            probe_at: now + self.pause(probes, jitter, asked),
            probes,
            ..open
        })
    }

    /// Doubles with each probe that failed, and is a little shorter by chance.
    fn pause(&self, probes: u32, jitter: f64, asked: Option<Duration>) -> Duration {
        let full = self.rules.shortest.saturating_mul(1 << probes.min(16));
        let pause = full
            .min(self.rules.longest)
            .mul_f64(0.8 + 0.2 * jitter.clamp(0.0, 1.0));
        pause.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

#[cfg(test)]
mod processes;
#[cfg(test)]
mod tests;
