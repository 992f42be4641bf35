//! What the actors of a history share: both systems, the store, the log of what was typed, and how rough it is.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use domain::merge::{ConflictStrategy, Policy};
use domain::ports::{Ring, Side};
use domain::store::{EntityRef, EntityType, Event, Store, Trigger};
use engine::Config;
use serde_json::Value;
use testkit::memory::MemoryStore;

use crate::bugs::Bug;
use crate::client::Client;
use crate::companies::{code_of, owner_of, served};
use crate::documents::{self, Documents};
use crate::faults::Rates;
use crate::odd::Odd;
use crate::people::Edits;
use crate::sched::{MS, SECOND, Sim};
use crate::sent::{Sent, Whole};
use crate::systems::System;
use crate::worker;

pub struct All {
    pub systems: [System; 2],
    pub edits: Edits,
    pub reads: Vec<Whole>,
    pub sent: Vec<Sent>,
    pub documents: Documents,
    pub persons: u32,
    /// Persons who were given the code of another.
    pub strangers: u32,
    pub typed: u64,
    pub rates: Rates,
    pub faults: u64,
    /// Of those, what may make someone send a write again.
    pub breaks: u64,
    /// Records that a human and the engine made at the same moment.
    pub doubles_by_race: u64,
    /// Edits that put back what had been there a moment before.
    pub retyped: u64,
    /// How often users corrected whose a customer is.
    pub corrections: u64,
    /// What an operator has ruled of customers, whom he has linked (the CRM's, finance's), and whether he has gone home.
    pub rulings: u64,
    pub linked_by_hand: Vec<(String, String)>,
    pub gone_home: bool,
    pub violations: Vec<String>,
    /// Held by whatever is under way.
    pub busy: Arc<()>,
}

#[derive(Clone)]
pub struct Shared {
    pub sim: Sim,
    pub store: MemoryStore,
    pub config: Config,
    pub bug: Option<Bug>,
    pub odd: Odd,
    /// Whether users delete records, too.
    pub deletes: bool,
    /// Whether they write quotes and invoices.
    pub writes_documents: bool,
    all: Arc<Mutex<All>>,
}

impl Shared {
    pub fn new(seed: u64, bug: Option<Bug>, told: bool) -> Self {
        let sim = Sim::new(seed, told);
        let strategy = match sim.below(10) {
            0 => ConflictStrategy::CrmPriority,
            1 => ConflictStrategy::FinancePriority,
            2 => ConflictStrategy::Manual,
            _ => ConflictStrategy::LastWriteWins,
        };
        let config = Config {
            policy: Policy {
                strategy,
                tie_breaker: if sim.odds(800) { Side::Crm } else { Side::Finance },
                ..Policy::default()
            },
            lease: Duration::from_secs(60),
            http_timeout: Duration::from_secs(30),
            create_settle: Duration::from_secs(120),
            max_retries: 3,
            retry_base: Duration::from_secs(2),
            numbering: domain::matching::Numbering::of_one(domain::company::Company::DEFAULT, 0),
            deactivate: false,
        };
        let odd = Odd::draw(&sim, seed);
        let all = All {
            systems: Side::BOTH.map(|side| System::new(side, odd)),
            edits: Edits::default(),
            reads: Vec::new(),
            sent: Vec::new(),
            documents: Documents::default(),
            persons: 0,
            strangers: 0,
            typed: 0,
            rates: Rates::draw(&sim, odd),
            faults: 0,
            breaks: 0,
            doubles_by_race: 0,
            retyped: 0,
            corrections: 0,
            rulings: 0,
            linked_by_hand: Vec::new(),
            gone_home: false,
            violations: Vec::new(),
            busy: Arc::new(()),
        };
        let deletes = sim.odds(300);
        sim.tell(|| format!("seed {seed}: {:?} {:?} {odd:?}", config.policy, all.rates));
        Self {
            store: MemoryStore::new(Arc::new(sim.clone())).serving(served(odd)),
            sim,
            config,
            bug,
            odd,
            deletes,
            writes_documents: seed.is_multiple_of(4),
            all: Arc::new(Mutex::new(all)),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap()
    }

    pub fn busy(&self) -> Arc<()> {
        self.lock().busy.clone()
    }

    pub fn is_quiet(&self) -> bool {
        if Arc::strong_count(&self.lock().busy) > 1 {
            return false;
        }
        let stuck = || documents::stuck(&self.lock(), &self.store.open_rows()).len();
        let open = self.store.open();
        open == 0 || (self.writes_documents && open == stuck())
    }

    /// Whose record that is, if it is there.
    pub fn person(&self, side: Side, id: &str) -> Option<u32> {
        let all = self.lock();
        let record = all.systems[side as usize].records.get(id);
        record.filter(|record| record.alive).map(|record| record.person)
    }

    pub fn violation(&self, what: String) {
        self.sim.tell(|| format!("!!!    {what}"));
        self.lock().violations.push(what);
    }

    /// [`Self::strikes`] of what may make someone send a write again.
    pub fn breaks(&self, rate: impl Fn(&Rates) -> u64) -> bool {
        let breaks = self.strikes(rate);
        self.lock().breaks += u64::from(breaks);
        breaks
    }

    /// Whether a fault of that rate strikes now; it is counted.
    pub fn strikes(&self, rate: impl Fn(&Rates) -> u64) -> bool {
        let rate = rate(&self.lock().rates);
        let strikes = rate > 0 && self.sim.odds(rate);
        self.lock().faults += u64::from(strikes);
        strikes
    }
}

/// A customer's record; of finance's, by its key.
pub fn customer(side: Side, id: &str) -> EntityRef {
    EntityRef {
        entity_type: EntityType::Customer,
        side,
        id: id.to_owned(),
    }
}

/// What was heard of that record.
pub fn event(world: &Shared, entity: EntityRef, trigger: Trigger, key: Option<String>) -> Event {
    let company = (entity.side == Side::Finance).then(|| world.kept_as(owner_of(&entity.id)));
    let entity = EntityRef {
        id: code_of(&entity.id).to_owned(),
        ..entity
    };
    Event {
        row: domain::clock::Clock::id(&world.sim),
        entity,
        company,
        trigger,
        event_id: key,
        payload: Value::Null,
        traceparent: None,
        rung: true,
    }
}

/// Ingest: rows first, then the bell; it may be killed in between. `false`: not stored, or not known to be.
pub async fn hear(world: &Shared, events: Vec<Event>) -> bool {
    let store = world.store.behind(Arc::new(Client::new(world, "ingest", true)));
    let stored = store.enqueue(&events).await.is_ok();
    if stored {
        for event in &events {
            ring(world, event.row);
        }
    }
    stored
}

/// A record has changed: the CRM tells, in most installations; finance now and then.
pub fn tell_of(world: &Shared, side: Side, id: &str) {
    tell(world, customer(side, id));
}

pub fn tell(world: &Shared, entity: EntityRef) {
    let silent = match entity.side {
        Side::Crm => world.strikes(|rates| rates.webhook),
        Side::Finance => world.sim.odds(900),
    };
    if silent {
        return;
    }
    let (world, busy) = (world.clone(), world.busy());
    let sim = world.sim.clone();
    sim.spawn(async move {
        world.sim.sleep(world.sim.between(MS, SECOND)).await;
        let key = world
            .sim
            .odds(500)
            .then(|| format!("webhook {} {} {}", entity.side, entity.id, world.sim.time()));
        // One that was not answered well is sent again, and now and then one that was.
        for _ in 0..3 {
            let event = event(&world, entity.clone(), Trigger::Webhook, key.clone());
            if hear(&world, vec![event]).await && !world.strikes(|rates| rates.webhook) {
                break;
            }
            world.sim.sleep(world.sim.between(SECOND, 90 * SECOND)).await;
        }
        drop(busy);
    });
}

/// The bell: loses, repeats, delays and reorders what it is told.
pub fn ring(world: &Shared, row: uuid::Uuid) {
    if world.strikes(|rates| rates.bell) {
        return;
    }
    let times = 1 + u32::from(world.strikes(|rates| rates.bell));
    for _ in 0..times {
        let late = world.strikes(|rates| rates.bell);
        let delay = world.sim.between(0, if late { 30 * SECOND } else { 50 * MS });
        let (world, busy) = (world.clone(), world.busy());
        let sim = world.sim.clone();
        sim.spawn(async move {
            world.sim.sleep(delay).await;
            worker::work(
                &world,
                Ring {
                    row,
                    traceparent: None,
                },
            )
            .await;
            drop(busy);
        });
    }
}
