//! The three stores under one contract, a clock to turn, and short words for what a run does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::base::Base;
use domain::clock::Clock;
use domain::company::{Companies, Company};
use domain::customer::Kind;
use domain::in_flight::{Create, InFlight, Write};
use domain::index::IndexStore;
use domain::message::{Code, Message};
use domain::outside::OutsideStore;
use domain::polls::PollStore;
use domain::ports::Side;
use domain::store::entities::{link, log, retry};
use domain::store::sql::SqlStore;
use domain::store::{
    Claim, Commit, EntityRef, EntityType, Event, Intended, LinkState, Outcome, Status, Store, Trigger, Work,
};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder, Statement};
use testkit::memory::{MemoryOutside, MemoryStore};
use testkit::{Engine, TestDb};
use uuid::Uuid;

/// Makes a test on each store of cases that are functions of a [`World`].
macro_rules! contract {
    ($($case:ident),* $(,)?) => {
        $(mod $case {
            use crate::world::{On, World};

            #[tokio::test]
            async fn memory() {
                on(On::Memory).await;
            }

            #[tokio::test]
            async fn sqlite() {
                on(On::Sqlite).await;
            }

            #[tokio::test]
            async fn postgres() {
                on(On::Postgres).await;
            }

            async fn on(on: On) {
                let w = World::new(on).await;
                super::$case(&w).await;
                w.drop_it().await;
            }
        })*
    };
}
pub(crate) use contract;

pub const LEASE: Duration = Duration::from_secs(60);

/// A clock that stands until it is turned.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn turn(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_nanos()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// Where a test's store keeps its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Memory,
    Sqlite,
    Postgres,
}

/// The tables behind the stores, to be read by tests.
enum Tables {
    Memory(MemoryStore),
    Sql(TestDb),
}

/// One store, as each of its ports.
pub struct World {
    pub clock: Arc<TestClock>,
    pub store: Arc<dyn Store>,
    pub polls: Arc<dyn PollStore>,
    pub index: Arc<dyn IndexStore>,
    pub outside: Arc<dyn OutsideStore>,
    tables: Tables,
}

/// The same store as one company, as each of its ports.
pub struct OfCompany {
    pub company: Company,
    pub store: Arc<dyn Store>,
    pub polls: Arc<dyn PollStore>,
    pub index: Arc<dyn IndexStore>,
    pub outside: Arc<dyn OutsideStore>,
}

/// Of one store, which is all of its ports.
macro_rules! of_company {
    ($store:expr, $outside:expr, $company:expr) => {
        OfCompany {
            company: $company,
            store: Arc::new($store.of($company)),
            polls: Arc::new($store.of($company)),
            index: Arc::new($store.of($company)),
            outside: Arc::new($outside.of($company)),
        }
    };
}

impl World {
    pub async fn new(on: On) -> Self {
        let clock = Arc::new(TestClock(Arc::new(AtomicI64::new(1_700_000_000_000_000_000))));
        let engine = match on {
            On::Memory => {
                let store = MemoryStore::new(clock.clone());
                return Self {
                    store: Arc::new(store.clone()),
                    polls: Arc::new(store.clone()),
                    index: Arc::new(store.clone()),
                    outside: Arc::new(MemoryOutside::new(clock.clone())),
                    clock,
                    tables: Tables::Memory(store),
                };
            }
            On::Sqlite => Engine::Sqlite,
            On::Postgres => Engine::Postgres,
        };
        let db = TestDb::new(engine).await.unwrap();
        let store = SqlStore::with_clock(db.store.db().clone(), clock.clone());
        Self {
            clock,
            store: Arc::new(store.clone()),
            polls: Arc::new(store.clone()),
            index: Arc::new(store.clone()),
            outside: Arc::new(store),
            tables: Tables::Sql(db),
        }
    }

    /// The store of a deployment that serves these, as each of them.
    pub async fn serving(&self, served: &Companies) -> Vec<OfCompany> {
        match &self.tables {
            Tables::Memory(store) => {
                let store = store.clone().serving(served.clone());
                let outside = MemoryOutside::new(self.clock.clone()).serving(served.clone());
                let of = |company| of_company!(store, outside, company);
                served.iter().map(of).collect()
            }
            Tables::Sql(db) => {
                let store = SqlStore::with_clock(db.store.db().clone(), self.clock.clone());
                store.serve(served).await.unwrap().unwrap();
                let store = store.serving(served.clone());
                served
                    .iter()
                    .map(|company| of_company!(store, store, company))
                    .collect()
            }
        }
    }

    /// Enqueues an event of a customer, and says its row.
    pub async fn enqueue(&self, side: Side, id: &str) -> Uuid {
        let event = event(side, id, None);
        assert_eq!(
            self.store.enqueue(std::slice::from_ref(&event)).await.unwrap(),
            [true]
        );
        event.row
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

    pub async fn row(&self, id: Uuid) -> log::Model {
        let mut rows = self.rows().await.into_iter();
        rows.find(|row| row.id == id).unwrap()
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

    /// Writes a row of `"EntityMapping"` as it is, past the store.
    pub async fn put_link(&self, row: link::Model) {
        match &self.tables {
            Tables::Memory(store) => store.put_link(row).unwrap(),
            Tables::Sql(db) => {
                let insert = link::Entity::insert(row.into_active_model());
                insert.exec_without_returning(db.store.db()).await.unwrap();
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

    /// The keys of `"MatchLock"`, in order.
    pub async fn locks(&self) -> Vec<String> {
        match &self.tables {
            Tables::Memory(store) => store.locks().into_keys().collect(),
            Tables::Sql(db) => {
                let db = db.store.db();
                let sql = r#"SELECT "key" FROM "MatchLock" ORDER BY "key""#;
                let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql));
                let rows = rows.await.unwrap();
                rows.iter().map(|row| row.try_get("", "key").unwrap()).collect()
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

pub fn event(side: Side, id: &str, event_id: Option<&str>) -> Event {
    Event {
        row: Uuid::now_v7(),
        entity: entity(side, id),
        company: None,
        trigger: Trigger::Webhook,
        event_id: event_id.map(str::to_owned),
        payload: serde_json::json!({"id": id}),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        rung: true,
    }
}

pub fn entity(side: Side, id: &str) -> EntityRef {
    EntityRef::customer(side, id)
}

pub async fn take(w: &World, row: Uuid) -> Box<Work> {
    match w.store.claim(row, "w", LEASE).await.unwrap() {
        Claim::Taken(work) => work,
        other => panic!("{other:?}"),
    }
}

/// How a run of a customer ends.
pub fn ending(work: &Work, status: Status) -> Commit {
    let mut link = work.link.clone();
    link.base = Some(Base::new(Kind::Person));
    link.state = LinkState::Active;
    Commit {
        link: Some(link),
        transaction: Uuid::now_v7(),
        synced_from: (status == Status::Success).then_some(Side::Crm),
        outcome: Outcome::new(status, None),
        retry: None,
        awaits: None,
        audits: Vec::new(),
        look_again: false,
        seen: Vec::new(),
        took: Duration::from_millis(5),
    }
}

/// What is committed before something is sent, with nothing new known.
pub fn known(in_flight: &InFlight) -> Intended<'_> {
    Intended {
        in_flight,
        base: None,
    }
}

/// A record that is being created.
pub fn create(side: Side, at: DateTime<Utc>) -> Write {
    Write::Create(Create {
        side,
        at,
        fields: Default::default(),
        not_ours: Vec::new(),
        empty_looks: 0,
        made: None,
        places: None,
        decided: Vec::new(),
    })
}

pub fn words(words: &str) -> Message {
    Message::new(Code::Words).with("words", words)
}

/// A row of `"EntityMapping"`, as any version may have written it.
pub fn stored(w: &World, base: serde_json::Value, in_flight: Option<serde_json::Value>) -> link::Model {
    link::Model {
        company: domain::company::Company::DEFAULT.to_string(),
        id: w.clock.id(),
        entity_type: EntityType::Customer,
        crm_id: Some("a".to_owned()),
        finance_id: Some("22".to_owned()),
        last_sync_at: None,
        last_sync_source: None,
        last_sync_transaction_id: None,
        crm_checksum: None,
        finance_checksum: None,
        crm_updated_at: None,
        finance_updated_at: None,
        created_at: w.clock.now(),
        updated_at: w.clock.now(),
        base: Some(base),
        in_flight,
        version: 3,
        state: LinkState::Active,
        lease_owner: None,
        lease_token: 7,
        lease_until: None,
    }
}
