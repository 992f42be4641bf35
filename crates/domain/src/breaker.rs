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
        }
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
        let open = (self.shared.open.is_none() && self.streak >= self.rules.failures).then(|| Open {
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
            wait: (in_a_row >= enough).then_some(wait),
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
        /// No request to wait is heard for longer: the system may be back long before.
        const PATIENCE: Duration = Duration::from_secs(60);
        let full = self.rules.shortest.saturating_mul(1 << probes.min(16));
        let pause = full
            .min(self.rules.longest)
            .mul_f64(0.8 + 0.2 * jitter.clamp(0.0, 1.0));
        pause.max(asked.unwrap_or_default().min(PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
    }

    #[test]
    fn opens_after_so_many_in_a_row_and_not_before() {
        let mut breaker = Breaker::new(Rules::default());
        for _ in 0..3 {
            assert_eq!(breaker.failed(at(0), 1.0, Failure::default()).open, None);
        }
        breaker.answered(false);
        for _ in 0..4 {
            assert_eq!(breaker.failed(at(0), 1.0, Failure::default()).open, None);
        }
        let open = breaker.failed(at(0), 1.0, Failure::default()).open.unwrap();
        assert_eq!(open.probe_at, at(1000));
        assert_eq!(
            breaker.admit(at(0)),
            Admission::Send,
            "only what is shared counts"
        );
        breaker.learn(Shared {
            version: 1,
            open: Some(open),
        });
        assert_eq!(
            breaker.admit(at(400)),
            Admission::Held(Duration::from_millis(600))
        );
        assert!(matches!(breaker.admit(at(1000)), Admission::Probe(next) if next.probe_at == at(4000)));
        let again = breaker.failed(at(500), 1.0, Failure::default());
        assert_eq!(again.open, None, "it is open already");
    }

    #[test]
    fn the_second_in_a_row_that_no_record_can_have_caused_is_nobodys_fault() {
        let mut breaker = Breaker::new(Rules::default());
        let surely = Failure {
            surely: true,
            ..Failure::default()
        };
        assert_eq!(breaker.failed(at(0), 1.0, surely).wait, None);
        assert_eq!(
            breaker.failed(at(0), 1.0, surely).wait,
            Some(Duration::from_secs(1))
        );
        breaker.answered(false);
        let waits: Vec<_> = (0..5)
            .map(|_| breaker.failed(at(0), 1.0, Failure::default()).wait.is_some())
            .collect();
        assert_eq!(
            waits,
            [false, false, false, false, true],
            "a 500 may be a record's"
        );
    }

    #[test]
    fn writes_that_fail_are_held_though_reads_are_answered() {
        let mut breaker = Breaker::new(Rules::default());
        let write = Failure {
            write: true,
            surely: true,
            asked: None,
        };
        let mut waits = Vec::new();
        for _ in 0..5 {
            assert_eq!(breaker.admit_write(at(0)), None);
            let failed = breaker.failed(at(0), 1.0, write);
            assert_eq!(failed.open, None, "it is not down for all");
            waits.push(failed.wait.is_some());
            breaker.answered(false);
        }
        assert_eq!(waits, [false, true, true, true, true]);
        assert_eq!(breaker.admit(at(0)), Admission::Send, "reads go on");
        assert_eq!(breaker.admit_write(at(400)), Some(Duration::from_millis(600)));
        assert_eq!(breaker.admit_write(at(1000)), None, "one tries");
        assert!(breaker.admit_write(at(1000)).is_some(), "and no other");
        breaker.failed(at(1100), 1.0, write);
        assert_eq!(breaker.admit_write(at(2000)), Some(Duration::from_millis(500)));
        assert_eq!(breaker.admit_write(at(2100)), None);
        breaker.write_at = at(3_600_000);
        let held = breaker.admit_write(at(3_599_000));
        assert_eq!(
            held,
            Some(PATIENCE_OF_ROWS),
            "rows come back less often when it lasts"
        );
        breaker.answered(true);
        assert_eq!(breaker.admit_write(at(3_599_000)), None);
    }

    #[test]
    fn pauses_grow_up_to_a_few_seconds_and_hear_what_the_system_asks() {
        let mut breaker = Breaker::new(Rules::default());
        let mut open = Open {
            since: at(0),
            probe_at: at(0),
            probes: 0,
        };
        let mut pauses = Vec::new();
        for version in 1..=5 {
            breaker.learn(Shared {
                version,
                open: Some(open),
            });
            open = breaker.probe_failed(at(0), 1.0, None).unwrap();
            pauses.push((open.probe_at - at(0)).num_seconds());
        }
        assert_eq!(pauses, [2, 4, 4, 4, 4]);
        let asked = |seconds| {
            let open = breaker.probe_failed(at(0), 1.0, Some(Duration::from_secs(seconds)));
            (open.unwrap().probe_at - at(0)).num_seconds()
        };
        assert_eq!(
            [asked(1), asked(20), asked(86_400)],
            [4, 20, 60],
            "a day is not waited for"
        );
    }

    #[test]
    fn older_news_is_none() {
        let mut breaker = Breaker::new(Rules::default());
        assert!(breaker.learn(Shared {
            version: 2,
            open: None
        }));
        let open = Open {
            since: at(0),
            probe_at: at(0),
            probes: 0,
        };
        assert!(!breaker.learn(Shared {
            version: 1,
            open: Some(open)
        }));
        assert_eq!(breaker.shared().open, None);
    }

    /// One step of one of three processes.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Wait(u16),
        Call(usize),
        Learn(usize),
        /// The process that probes dies, or comes to its end.
        Die,
        End,
        Up(bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1u16..3000).prop_map(Step::Wait),
            (0usize..3).prop_map(Step::Call),
            (0usize..3).prop_map(Step::Call),
            (0usize..3).prop_map(Step::Learn),
            Just(Step::Die),
            Just(Step::End),
            any::<bool>().prop_map(Step::Up),
        ]
    }

    proptest! {
        /// Whatever the order: one probe at a time, none but it while the outage is known, and a system that is back
        /// is seen to be within the longest pause (or lease) once someone asks.
        #[test]
        fn one_probe_at_a_time_and_a_quick_recovery(steps in prop::collection::vec(step(), 1..300)) {
            let rules = Rules::default();
            let mut cell = Shared::default();
            let mut all = [Breaker::new(rules); 3];
            let (mut now, mut up) = (0i64, true);
            // Who probes, under which version, and until when its lease runs.
            let mut probe: Option<(usize, Shared)> = None;
            let put = |cell: &mut Shared, seen: Shared, open: Option<Open>| {
                let swapped = cell.version == seen.version;
                if swapped {
                    *cell = Shared { version: seen.version + 1, open };
                }
                swapped
            };
            for step in steps {
                match step {
                    Step::Wait(millis) => now += i64::from(millis),
                    Step::Learn(who) => { all[who].learn(cell); }
                    Step::Up(is) => up = is,
                    Step::Die => probe = None,
                    Step::End => if let Some((who, seen)) = probe.take() {
                        let next = if up { None } else { all[who].probe_failed(at(now), 0.5, None) };
                        put(&mut cell, seen, next);
                        all[who].learn(cell);
                    },
                    Step::Call(who) => match all[who].admit(at(now)) {
                        Admission::Held(wait) => prop_assert!(wait <= rules.longest.max(PROBE_LEASE)),
                        Admission::Send => if up {
                            all[who].answered(false);
                        } else if let Some(open) = all[who].failed(at(now), 0.5, Failure::default()).open {
                            put(&mut cell, all[who].shared(), Some(open));
                            all[who].learn(cell);
                        },
                        Admission::Probe(open) => {
                            let seen = all[who].shared();
                            if put(&mut cell, seen, Some(open)) {
                                if let Some((_, before)) = probe {
                                    let lease = before.open.unwrap().probe_at;
                                    prop_assert!(lease <= at(now), "two probes at once");
                                }
                                probe = Some((who, cell));
                            }
                            all[who].learn(cell);
                        }
                    },
                }
            }
            // The dust settles: the system is back, whoever probed has died, and one process asks.
            now += i64::try_from(rules.longest.max(PROBE_LEASE).as_millis()).unwrap();
            all[0].learn(cell);
            match all[0].admit(at(now)) {
                Admission::Send => {}
                Admission::Probe(_) => {
                    put(&mut cell, all[0].shared(), None);
                    all[0].learn(cell);
                    prop_assert_eq!(all[0].admit(at(now)), Admission::Send);
                }
                Admission::Held(wait) => prop_assert!(false, "still held for {:?}", wait),
            }
        }
    }
}
