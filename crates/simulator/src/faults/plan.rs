//! The rules in force, and whether the present call is hit.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;

use super::pattern::matches;
use super::rule::{FaultKind, FaultRule, System};

/// The faults of both systems. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Mutex<Plan>>);

/// One rule and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct FaultStatus {
    /// The rule.
    pub rule: FaultRule,
    /// Calls that matched it.
    pub seen: u64,
    /// Calls that it hit.
    pub hits: u64,
}

#[derive(Debug)]
struct Plan {
    seed: u64,
    next_id: u64,
    rules: Vec<Active>,
    crm_outage: Outage,
    finance_outage: Outage,
}

#[derive(Clone, Copy, Debug)]
enum Outage {
    None,
    Until(Instant),
    UntilLifted,
}

#[derive(Debug)]
struct Active {
    status: FaultStatus,
    rng: StdRng,
}

/// What hits a call.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) kind: FaultKind,
    pub(crate) duration: Duration,
    pub(crate) retry_after_seconds: u64,
    pub(crate) retry_after_as_date: bool,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Plan {
            seed,
            next_id: 1,
            rules: Vec::new(),
            crm_outage: Outage::None,
            finance_outage: Outage::None,
        })))
    }

    /// Adds a rule and gives back its number. Earlier rules are asked first; the first that hits
    /// decides.
    pub fn add(&self, rule: FaultRule) -> u64 {
        self.lock().add(rule)
    }

    /// Replaces all rules and, if given, the seed; the numbering of rules starts anew, so the same
    /// call repeats the same faults. Outages are left alone.
    pub fn replace(&self, seed: Option<u64>, rules: Vec<FaultRule>) {
        let mut plan = self.lock();
        plan.seed = seed.unwrap_or(plan.seed);
        plan.next_id = 1;
        plan.rules.clear();
        for rule in rules {
            plan.add(rule);
        }
    }

    /// Removes one rule.
    pub fn remove(&self, id: u64) -> bool {
        let mut plan = self.lock();
        let before = plan.rules.len();
        plan.rules.retain(|active| active.status.rule.id != id);
        plan.rules.len() < before
    }

    /// Removes all rules and lifts all outages.
    pub fn clear(&self) {
        self.replace(None, Vec::new());
        self.lift_outage(System::Crm);
        self.lift_outage(System::Finance);
    }

    /// The rules with their counters.
    #[must_use]
    pub fn list(&self) -> Vec<FaultStatus> {
        self.lock()
            .rules
            .iter()
            .map(|active| active.status.clone())
            .collect()
    }

    /// The seed in force.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.lock().seed
    }

    /// From now on every request to that system ends in a broken connection, for `duration` or
    /// until it is lifted.
    pub fn outage(&self, system: System, duration: Option<Duration>) {
        *self.lock().outage(system) = match duration {
            Some(duration) => Outage::Until(Instant::now() + duration),
            None => Outage::UntilLifted,
        };
    }

    /// Ends an outage.
    pub fn lift_outage(&self, system: System) {
        *self.lock().outage(system) = Outage::None;
    }

    /// Whether that system is in an outage.
    #[must_use]
    pub fn in_outage(&self, system: System) -> bool {
        self.lock().in_outage(system)
    }

    pub(crate) fn choose(&self, system: System, endpoint: &str) -> Option<Hit> {
        let mut plan = self.lock();
        if plan.in_outage(system) {
            return Some(Hit {
                kind: FaultKind::Outage,
                duration: Duration::ZERO,
                retry_after_seconds: 0,
                retry_after_as_date: false,
            });
        }
        let hit = plan
            .rules
            .iter_mut()
            .find_map(|active| active.choose(system, endpoint))?;
        if hit.kind == FaultKind::Outage {
            *plan.outage(system) = if hit.duration.is_zero() {
                Outage::UntilLifted
            } else {
                Outage::Until(Instant::now() + hit.duration)
            };
        }
        Some(hit)
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn add(&mut self, mut rule: FaultRule) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        rule.id = id;
        let seed = self.seed ^ id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.rules.push(Active {
            status: FaultStatus {
                rule,
                seen: 0,
                hits: 0,
            },
            rng: StdRng::seed_from_u64(seed),
        });
        id
    }

    fn outage(&mut self, system: System) -> &mut Outage {
        match system {
            System::Crm => &mut self.crm_outage,
            System::Finance => &mut self.finance_outage,
        }
    }

    fn in_outage(&mut self, system: System) -> bool {
        let outage = self.outage(system);
        match *outage {
            Outage::None => false,
            Outage::UntilLifted => true,
            Outage::Until(end) if Instant::now() < end => true,
            Outage::Until(_) => {
                *outage = Outage::None;
                false
            }
        }
    }
}

impl Active {
    fn choose(&mut self, system: System, endpoint: &str) -> Option<Hit> {
        let rule = &self.status.rule;
        if rule.times.is_some_and(|times| self.status.hits >= times)
            || rule.system.is_some_and(|only| only != system)
            || !matches(&rule.endpoint, endpoint)
        {
            return None;
        }
        self.status.seen += 1;
        // Drawn for every matching call, so that the sequence depends on the calls alone.
        let lucky = self.rng.random_bool(rule.probability.clamp(0.0, 1.0));
        if self.status.seen <= rule.skip || !lucky {
            return None;
        }
        self.status.hits += 1;
        Some(Hit {
            kind: rule.kind,
            duration: rule.duration(),
            retry_after_seconds: rule.retry_after_seconds,
            retry_after_as_date: rule.retry_after_as_date,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(faults: &Faults, calls: usize) -> Vec<bool> {
        (0..calls)
            .map(|_| faults.choose(System::Crm, "POST /a").is_some())
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let rule = FaultRule::random(System::Crm, "", FaultKind::Drop, 0.3);
        let one = Faults::new(7);
        one.add(rule.clone());
        let two = Faults::new(99);
        two.replace(Some(7), vec![rule.clone()]);
        let first = pattern(&one, 200);
        assert_eq!(first, pattern(&two, 200));
        two.replace(None, vec![rule.clone()]);
        assert_eq!(first, pattern(&two, 200));
        two.replace(Some(8), vec![rule]);
        assert_ne!(first, pattern(&two, 200));
        let hits = first.iter().filter(|hit| **hit).count();
        assert!((30..90).contains(&hits), "{hits}");
    }

    #[test]
    fn rules_are_used_up_and_skip() {
        let faults = Faults::new(1);
        faults.add(FaultRule::next(System::Crm, "/a", FaultKind::Slow, 2).skip(1));
        assert_eq!(pattern(&faults, 5), [false, true, true, false, false]);
        assert!(faults.choose(System::Finance, "POST /a").is_none());
        assert_eq!(faults.list()[0].hits, 2);
        assert!(faults.remove(1));
        assert!(faults.list().is_empty());
    }

    #[test]
    fn an_outage_lasts_until_lifted() {
        let faults = Faults::new(1);
        faults.outage(System::Crm, None);
        assert!(faults.choose(System::Crm, "x").is_some());
        assert!(faults.choose(System::Finance, "x").is_none());
        faults.lift_outage(System::Crm);
        assert!(faults.choose(System::Crm, "x").is_none());
        faults.outage(System::Crm, Some(Duration::ZERO));
        assert!(!faults.in_outage(System::Crm));
    }

    #[test]
    fn rules_read_from_json() {
        let rule: FaultRule = serde_json::from_str(
            r#"{"kind":"commit_then_hang","endpoint":"person/*","probability":0.25,"ms":50}"#,
        )
        .unwrap();
        assert_eq!(rule.kind, FaultKind::CommitThenHang);
        assert_eq!(rule.duration(), Duration::from_millis(50));
        let kind = serde_json::to_value(FaultKind::Error500Before).unwrap();
        assert_eq!(kind, FaultKind::Error500Before.name());
        assert_eq!(
            serde_json::to_value(FaultKind::Html200).unwrap(),
            FaultKind::Html200.name()
        );
    }
}
