//! Three processes with one breaker, in any order of events.

use proptest::prelude::*;

use super::tests::at;
use super::*;

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

struct World {
    rules: Rules,
    /// What stands in the database.
    cell: Shared,
    processes: [Breaker; 3],
    now: i64,
    up: bool,
    /// Who probes, and under which version; its lease is in it.
    probe: Option<(usize, Shared)>,
}

impl World {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            cell: Shared::default(),
            processes: [Breaker::new(rules); 3],
            now: 0,
            up: true,
            probe: None,
        }
    }

    /// Compares and writes, as the store does.
    fn put(&mut self, seen: Shared, open: Option<Open>) -> bool {
        let swapped = self.cell.version == seen.version;
        if swapped {
            let version = seen.version + 1;
            self.cell = Shared { version, open };
        }
        swapped
    }

    fn learn(&mut self, who: usize) {
        self.processes[who].learn(self.cell);
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Wait(millis) => self.now += i64::from(millis),
            Step::Learn(who) => self.learn(who),
            Step::Up(is) => self.up = is,
            Step::Die => self.probe = None,
            Step::End => self.end_probe(),
            Step::Call(who) => self.call(who)?,
        }
        Ok(())
    }

    fn end_probe(&mut self) {
        let Some((who, seen)) = self.probe.take() else {
            return;
        };
        let failed = self.processes[who].probe_failed(at(self.now), 0.5, None);
        let next = failed.filter(|_| !self.up);
        self.put(seen, next);
        self.learn(who);
    }

    fn call(&mut self, who: usize) -> Result<(), TestCaseError> {
        match self.processes[who].admit(at(self.now)) {
            Admission::Held(wait) => prop_assert!(wait <= self.rules.longest.max(PROBE_LEASE)),
            Admission::Send if self.up => self.processes[who].answered(false),
            Admission::Send => {
                let failed = self.processes[who].failed(at(self.now), 0.5, Failure::default());
                if let Some(open) = failed.open {
                    self.put(self.processes[who].shared(), Some(open));
                    self.learn(who);
                }
            }
            Admission::Probe(open) => {
                if self.put(self.processes[who].shared(), Some(open)) {
                    if let Some((_, before)) = self.probe {
                        let lease = before.open.unwrap().probe_at;
                        prop_assert!(lease <= at(self.now), "two probes at once");
                    }
                    self.probe = Some((who, self.cell));
                }
                self.learn(who);
            }
        }
        Ok(())
    }

    /// The dust settles: the system is back, whoever probed has died, and one process asks.
    fn recovers(&mut self) -> Result<(), TestCaseError> {
        self.now += i64::try_from(self.rules.longest.max(PROBE_LEASE).as_millis()).unwrap();
        self.learn(0);
        match self.processes[0].admit(at(self.now)) {
            Admission::Send => {}
            Admission::Probe(_) => {
                self.put(self.processes[0].shared(), None);
                self.learn(0);
                prop_assert_eq!(self.processes[0].admit(at(self.now)), Admission::Send);
            }
            Admission::Held(wait) => prop_assert!(false, "still held for {:?}", wait),
        }
        Ok(())
    }
}

proptest! {
    /// Whatever the order: one probe at a time, none but it while the outage is known, and a system that is back
    /// is seen to be within the longest pause (or lease) once someone asks.
    #[test]
    fn one_probe_at_a_time_and_a_quick_recovery(steps in prop::collection::vec(step(), 1..300)) {
        let mut world = World::new(Rules::default());
        for step in steps {
            world.step(step)?;
        }
        world.recovers()?;
    }
}
