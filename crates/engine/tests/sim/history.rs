//! One history from its seed: rough times with users, then calm, then the questions.

use std::collections::{BTreeMap, BTreeSet};

use domain::polls::{CRM_INVOICES, CRM_ORGANIZATION, CRM_PERSON, CRM_QUOTES, FINANCE_CONTACTS};
use domain::ports::Side;
use domain::store::{Store, Trigger};

use crate::bugs::Bug;
use crate::companies::CONTACTS_OF_SECOND;
use crate::faults::Rates;
use crate::sched::{Executor, SECOND};
use crate::world::{Shared, customer, event, hear};
use crate::{desk, documents, oracle, pollers, worker};

/// What came of a history.
#[derive(Debug, Default)]
pub struct Told {
    /// How many histories these are the figures of.
    pub histories: u64,
    pub violations: Vec<String>,
    pub lines: Vec<String>,
    pub edits: usize,
    pub exempt: usize,
    pub doubles_by_race: u64,
    pub retyped: u64,
    pub saves: u64,
    pub documents: u64,
    pub rulings: u64,
    pub rows: u64,
    pub faults: u64,
    pub conflicts: u64,
    pub failed: u64,
    /// How many histories have each of the traits.
    pub odd: BTreeMap<&'static str, u64>,
}

const LONG: u64 = 6 * 3600 * SECOND;

/// Runs the history of that seed.
pub fn run(seed: u64, bug: Option<Bug>, told: bool) -> Told {
    let world = Shared::new(seed, bug, told);
    let mut executor = Executor::new(&world.sim);
    let actions = world.sim.between(8, 36);
    begin(&world, actions);
    let mut result = Told::default();
    // Rough times: as long as the users are at work, and a little longer.
    let live = world.sim.time() + actions * 25 * SECOND + 120 * SECOND;
    executor.run(live, || false);
    world.sim.tell(|| "------ calm".into());
    world.lock().rates = Rates::default();
    let mut stuck = !settle(&world, &mut executor);
    // Everything that was given up: by hand, or by a later event.
    let again = world.sim.odds(500);
    {
        let (world, busy) = (world.clone(), world.busy());
        let sim = world.sim.clone();
        sim.spawn(async move {
            if again {
                let _ = world.store.retry(None).await;
            } else {
                look_at_all(&world).await;
            }
            drop(busy);
        });
    }
    stuck |= !settle(&world, &mut executor);
    if world.writes_documents {
        // The operator's last words, and what follows from them.
        for _ in 0..3 {
            stuck |= !settle(&world, &mut executor);
        }
    }
    if world.odd.operator {
        world.lock().gone_home = true;
        stuck |= !settle(&world, &mut executor);
    }
    if stuck {
        result.violations.push("it never comes to rest".into());
    }
    result.violations.extend(oracle::check(&world, again));
    look_on(&world, &mut executor, &mut result);
    result.count(&world);
    result.lines = world.sim.history();
    if told {
        result.lines.extend(ending(&world));
    }
    result
}

/// Everyone begins to work.
fn begin(world: &Shared, actions: u64) {
    world.sim.spawn(worker::live(world.clone(), actions));
    world.sim.spawn(worker::sweep(world.clone()));
    let polls = [
        CRM_PERSON,
        CRM_ORGANIZATION,
        FINANCE_CONTACTS,
        CRM_QUOTES,
        CRM_INVOICES,
    ];
    for poll in &polls[..if world.writes_documents { 5 } else { 3 }] {
        world.sim.spawn(pollers::poll(world.clone(), poll));
    }
    if world.odd.companies {
        world.sim.spawn(pollers::poll(world.clone(), CONTACTS_OF_SECOND));
    }
    if world.writes_documents {
        world.sim.spawn(documents::operate(world.clone()));
    }
    if world.odd.operator {
        world.sim.spawn(desk::operate(world.clone()));
    }
}

impl Told {
    fn count(&mut self, world: &Shared) {
        let rows = world.store.counts();
        let all = world.lock();
        self.edits = all.edits.0.len();
        self.exempt = all.edits.0.iter().filter(|e| e.exempt).count();
        self.doubles_by_race = all.doubles_by_race;
        self.retyped = all.retyped;
        self.documents = all.documents.finance.len() as u64;
        self.rulings = all.documents.rulings + all.rulings;
        self.odd = world.odd.names().into_iter().map(|name| (name, 1)).collect();
        self.saves = all.systems.iter().map(|s| s.saves).sum();
        self.faults = all.faults;
        self.rows = rows.all();
        self.conflicts = rows.conflict;
        self.failed = rows.failed;
    }
}

/// Runs until nothing is under way and nothing waits, for a few rounds of the pollers.
fn settle(world: &Shared, executor: &mut Executor) -> bool {
    for _ in 0..2 {
        executor.run(world.sim.time() + 200 * SECOND, || false);
        if !executor.run(world.sim.time() + LONG, || world.is_quiet()) {
            return false;
        }
    }
    true
}

async fn look_at_all(world: &Shared) {
    let mut events = Vec::new();
    for side in [Side::Crm, Side::Finance] {
        let ids: Vec<_> = world.lock().systems[side as usize]
            .alive()
            .map(|(id, _)| id.clone())
            .collect();
        events.extend(
            ids.iter()
                .map(|id| event(world, customer(side, id), Trigger::Poll, None)),
        );
    }
    hear(world, events).await;
}

/// In step is in step: looking again and again writes nothing.
fn look_on(world: &Shared, executor: &mut Executor, result: &mut Told) {
    let (before, excused) = (saves(world), oracle::tried_again(world, &BTreeSet::new()));
    for _ in 0..3 {
        let (looking, busy) = (world.clone(), world.busy());
        world.sim.spawn(async move {
            look_at_all(&looking).await;
            drop(busy);
        });
        if !executor.run(world.sim.time() + LONG, || world.is_quiet()) {
            result.violations.push("looking again never ends".into());
            return;
        }
    }
    let excused = oracle::tried_again(world, &excused);
    for ((side, id), now) in saves(world) {
        let times = now - before.get(&(side, id.clone())).copied().unwrap_or(0);
        if times > 0 && !excused.contains(&(side, id.clone())) {
            result
                .violations
                .push(format!("looking again saved {side} {id} {times} times"));
        }
    }
}

fn saves(world: &Shared) -> BTreeMap<(Side, String), u64> {
    let all = world.lock();
    let records = all
        .systems
        .iter()
        .flat_map(|s| s.records.iter().map(|(id, r)| ((s.side, id.clone()), r.saves)));
    records.collect()
}

fn ending(world: &Shared) -> Vec<String> {
    let all = world.lock();
    let mut lines = Vec::new();
    for system in &all.systems {
        for (id, r) in &system.records {
            lines.push(format!(
                "  {} {id} (p{}, alive {}, ours {}): {:?} {:?}",
                system.side, r.person, r.alive, r.ours, r.values, r.extra
            ));
        }
    }
    for m in world.links() {
        lines.push(format!(
            "  link {} {:?} {:?} {:?} {:?}",
            m.id.as_u128(),
            m.crm_id,
            m.finance_id,
            m.state,
            m.in_flight
        ));
    }
    for r in world.rows() {
        let changes = r.changes.map(|c| c.to_string()).unwrap_or_default();
        lines.push(format!(
            "  row {} {}{} {:?} {:?} {changes}",
            r.id.as_u128(),
            r.source_system,
            r.source_entity_id,
            r.status,
            r.error_message
        ));
    }
    lines
}
