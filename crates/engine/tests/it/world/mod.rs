//! Two outside systems in memory, with faults, and a clock to turn.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use domain::customer::{Customer, Field, Kind};
use domain::index::{IndexStore, Sighting};
use domain::merge::Policy;
use domain::ports::{Ring, Side};
use domain::store::entities::{link, log, retry};
use domain::store::sql::SqlStore;
use domain::store::{EntityRef, EntityType, Event, Status, Store, Trigger};
use engine::document::DocumentRules;
use engine::{Config, Engine, Ran};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use testkit::TestDb;
use testkit::memory::MemoryStore;
use uuid::Uuid;

pub use system::{Fault, Read, System, TestClock};

mod companies;
mod documents;
mod system;

/// Where a test's store keeps its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Memory,
    Sqlite,
    Postgres,
}

impl On {
    pub fn engine(self) -> testkit::Engine {
        match self {
            Self::Memory | Self::Sqlite => testkit::Engine::Sqlite,
            Self::Postgres => testkit::Engine::Postgres,
        }
    }
}

/// As workers of a test have it.
pub const LEASE: Duration = Duration::from_secs(60);

/// Every kind of store: they keep one contract. With `STORES=memory` that one alone, where what is tested is the
/// decisions (`make mutants`).
pub const ALL: Stores = Stores;

pub struct Stores;

impl IntoIterator for Stores {
    type Item = On;
    type IntoIter = std::vec::IntoIter<On>;

    fn into_iter(self) -> Self::IntoIter {
        let all = match std::env::var("STORES") {
            Ok(only) if only == "memory" => vec![On::Memory],
            _ => vec![On::Memory, On::Sqlite, On::Postgres],
        };
        all.into_iter()
    }
}

/// The tables behind a store, to be read by tests.
pub enum Tables {
    Memory(MemoryStore),
    Sql(TestDb),
}

/// Both systems, a store and an engine between them.
pub struct World {
    pub crm: System,
    pub finance: System,
    pub clock: Arc<TestClock>,
    pub store: Arc<dyn Store>,
    pub engine: Engine,
    tables: Tables,
}

impl World {
    pub async fn new(on: On) -> Self {
        let tables = match on {
            On::Memory => None,
            On::Sqlite | On::Postgres => Some(TestDb::new(on.engine()).await.unwrap()),
        };
        Self::with(tables)
    }

    /// Everything anew, with the same database, where there is one.
    pub async fn afresh(self) -> Self {
        let Tables::Sql(db) = self.tables else {
            return Self::with(None);
        };
        for table in [
            "RecordIndex",
            "RecordValue",
            "Separated",
            "MatchLock",
            "SyncRetryQueue",
            "SyncLog",
            "EntityMapping",
        ] {
            let empty = format!("DELETE FROM \"{table}\"");
            db.store.db().execute_unprepared(&empty).await.unwrap();
        }
        Self::with(Some(db))
    }

    fn with(db: Option<TestDb>) -> Self {
        let clock = Arc::new(TestClock(Arc::new(AtomicI64::new(1_700_000_000_000_000))));
        let (store, index, tables): (Arc<dyn Store>, Arc<dyn IndexStore>, _) = match db {
            None => {
                let store = MemoryStore::new(clock.clone());
                (
                    Arc::new(store.clone()),
                    Arc::new(store.clone()),
                    Tables::Memory(store),
                )
            }
            Some(db) => {
                let store = SqlStore::with_clock(db.store.db().clone(), clock.clone());
                (Arc::new(store.clone()), Arc::new(store), Tables::Sql(db))
            }
        };
        let (crm, finance) = (
            System::new(Side::Crm, clock.clone()),
            System::new(Side::Finance, clock.clone()),
        );
        let engine = Engine {
            served: domain::company::Companies::default(),
            others: std::collections::BTreeMap::new(),
            crm: Arc::new(crm.clone()),
            finance: Arc::new(finance.clone()),
            store: store.clone(),
            index,
            clock: clock.clone(),
            polls: None,
            config: config(),
            documents: DocumentRules::default(),
            owner: "test".into(),
        };
        Self {
            crm,
            finance,
            clock,
            store,
            engine,
            tables,
        }
    }

    pub async fn enqueue(&self, side: Side, id: &str) -> Ring {
        self.hear_of(EntityType::Customer, side, id).await
    }

    pub async fn hear_of(&self, entity_type: EntityType, side: Side, id: &str) -> Ring {
        self.clock.turn(Duration::from_millis(1));
        let row = Uuid::now_v7();
        let entity = EntityRef {
            entity_type,
            side,
            id: id.to_owned(),
        };
        let event = Event {
            row,
            entity,
            company: None,
            trigger: Trigger::Webhook,
            event_id: None,
            payload: serde_json::Value::Null,
            traceparent: None,
            rung: true,
        };
        assert_eq!(self.store.enqueue(&[event]).await.unwrap(), [true]);
        Ring {
            row,
            traceparent: None,
        }
    }

    /// Hears of a record and runs until nothing of it waits, turning the clock to each retry; says how the last
    /// run ended.
    pub async fn sync(&self, side: Side, id: &str) -> Status {
        self.sync_by(&self.engine, side, id).await
    }

    /// [`Self::sync`] by an engine with other rules.
    pub async fn sync_by(&self, engine: &Engine, side: Side, id: &str) -> Status {
        let ring = self.enqueue(side, id).await;
        self.follow(engine, ring).await
    }

    /// Runs until nothing more of a row waits, turning the clock to each retry; says how the last run ended.
    pub async fn follow(&self, engine: &Engine, mut ring: Ring) -> Status {
        for _ in 0..20 {
            match engine.run(&ring).await.unwrap() {
                Ran::Ended {
                    next: Some((next, wait)),
                    ..
                } => {
                    self.clock.turn(wait);
                    ring = next;
                }
                Ran::Ended { outcome, .. } => return outcome.status,
                other => panic!("{other:?}"),
            }
        }
        panic!("no end in sight");
    }

    /// A look at both systems, as polls take one: all that is there stands in the index.
    pub async fn look(&self) {
        let at = domain::clock::Clock::now(&*self.clock);
        let project = |side: Side, field, value: &str| self.engine.port(side).project(field, value);
        let reading = domain::index::Reading {
            numbering: self.engine.config.numbering,
            project: &project,
        };
        for (side, system) in [(Side::Crm, &self.crm), (Side::Finance, &self.finance)] {
            let all = system.all();
            let seen: Vec<_> = all
                .iter()
                .map(|one| Sighting::of(one, side, reading, at))
                .collect();
            self.engine.index.note(&seen).await.unwrap();
        }
    }

    /// All rows of `"SyncLog"`, by id.
    pub async fn rows(&self) -> Vec<log::Model> {
        match &self.tables {
            Tables::Memory(store) => store.rows(),
            Tables::Sql(db) => {
                let rows = log::Entity::find().order_by_asc(log::Column::Id);
                rows.all(db.store.db()).await.unwrap()
            }
        }
    }

    pub async fn row(&self, ring: &Ring) -> log::Model {
        let mut rows = self.rows().await.into_iter();
        rows.find(|row| row.id == ring.row).unwrap()
    }

    /// All rows of `"EntityMapping"`, by id.
    pub async fn links(&self) -> Vec<link::Model> {
        match &self.tables {
            Tables::Memory(store) => store.links(),
            Tables::Sql(db) => {
                let rows = link::Entity::find().order_by_asc(link::Column::Id);
                rows.all(db.store.db()).await.unwrap()
            }
        }
    }

    /// All rows of `"SyncRetryQueue"`.
    pub async fn retries(&self) -> Vec<retry::Model> {
        match &self.tables {
            Tables::Memory(store) => store.retries(),
            Tables::Sql(db) => {
                let rows = retry::Entity::find().order_by_asc(retry::Column::SyncLogId);
                rows.all(db.store.db()).await.unwrap()
            }
        }
    }

    /// Drops the database, where there is one.
    pub async fn drop_it(self) {
        if let Tables::Sql(db) = self.tables {
            db.drop_it().await;
        }
    }
}

/// As most tests have it.
pub fn config() -> Config {
    Config {
        policy: Policy::default(),
        lease: Duration::from_secs(60),
        http_timeout: Duration::from_secs(30),
        create_settle: Duration::from_secs(120),
        max_retries: 3,
        retry_base: Duration::from_secs(2),
        numbering: domain::matching::Numbering::of_one(domain::company::Company::DEFAULT, 0),
        deactivate: false,
    }
}

pub fn person(name: &str, mobile: &str) -> Customer {
    Customer::new(Kind::Person)
        .with(Field::Name, name)
        .with(Field::Mobile, mobile)
}

/// What is on its way, with nothing else to be committed.
pub fn intended(in_flight: &domain::in_flight::InFlight) -> domain::store::Intended<'_> {
    domain::store::Intended {
        in_flight,
        base: None,
    }
}
