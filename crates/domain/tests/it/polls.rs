//! One contract for what the pollers keep, in memory and on every database.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use domain::customer::{Customer, Field, Kind};
use domain::polls::{
    Begin, ContactNow, FINANCE_CONTACTS, Found, Harvest, PollLease, PollStore, Rhythm, Verdict,
};
use domain::ports::{MatchKeys, Side};
use domain::store::entities::log;
use domain::store::sql::SqlStore;
use domain::store::{Status, StoreError};
use sea_orm::EntityTrait;
use testkit::TestDb;
use testkit::memory::MemoryStore;

use crate::world::{ALL, On, TestClock, World};

const RHYTHM: Rhythm = Rhythm {
    interval: Duration::from_secs(300),
    lease: Duration::from_secs(60),
};
/// The tables, and a clock to turn.
struct Site {
    db: Option<TestDb>,
    memory: Option<MemoryStore>,
    store: Arc<dyn PollStore>,
    clock: Arc<TestClock>,
}

impl Site {
    async fn new(on: On) -> Self {
        let clock = World::new(On::Memory).await.clock;
        if on == On::Memory {
            let memory = MemoryStore::new(clock.clone());
            return Self {
                db: None,
                store: Arc::new(memory.clone()),
                memory: Some(memory),
                clock,
            };
        }
        let db = TestDb::new(on.engine()).await.unwrap();
        let store = SqlStore::with_clock(db.store.db().clone(), clock.clone());
        Self {
            db: Some(db),
            memory: None,
            store: Arc::new(store),
            clock,
        }
    }

    async fn rows(&self) -> Vec<log::Model> {
        match (&self.db, &self.memory) {
            (Some(db), _) => log::Entity::find().all(db.store.db()).await.unwrap(),
            (_, Some(memory)) => memory.rows(),
            _ => Vec::new(),
        }
    }

    async fn drop_it(self) {
        if let Some(db) = self.db {
            db.drop_it().await;
        }
    }
}

async fn take(store: &Arc<dyn PollStore>, poll: &str) -> PollLease {
    match store.begin(poll, "a", RHYTHM).await.unwrap() {
        Begin::Taken(turn) => turn,
        other => panic!("{other:?}"),
    }
}

fn found(id: &str, event_id: &str) -> Found {
    Found {
        id: id.to_owned(),
        event_id: event_id.to_owned(),
        vanished: false,
        problem: None,
    }
}

fn contact(code: &str, changes: i64, values: &[(Field, &str)]) -> ContactNow {
    let customer = values
        .iter()
        .fold(Customer::new(Kind::Person), |c, (f, v)| c.with(*f, *v));
    ContactNow::new(code.to_owned(), &customer, changes)
}

#[tokio::test]
async fn one_process_polls_at_a_time_and_another_takes_over_when_it_dies() {
    for on in ALL {
        let w = Site::new(on).await;
        let begins = (0..8).map(|n| {
            let store = w.store.clone();
            tokio::spawn(async move { store.begin("crm:person", &format!("p{n}"), RHYTHM).await.unwrap() })
        });
        let mut taken = Vec::new();
        for begin in begins.collect::<Vec<_>>() {
            if let Begin::Taken(turn) = begin.await.unwrap() {
                taken.push(turn);
            }
        }
        let [dead] = &taken[..] else {
            panic!("{} have the turn", taken.len())
        };
        assert!(matches!(
            w.store.begin("crm:person", "b", RHYTHM).await.unwrap(),
            Begin::Busy(_)
        ));
        w.clock.turn(Duration::from_secs(50));
        w.store.renew(dead, RHYTHM.lease).await.unwrap();
        w.clock.turn(Duration::from_secs(50));
        assert!(matches!(
            w.store.begin("crm:person", "b", RHYTHM).await.unwrap(),
            Begin::Busy(_)
        ));
        w.clock.turn(Duration::from_secs(11));
        let next = take(&w.store, "crm:person").await;
        assert!(
            next.token > dead.token,
            "taken over at once, though the interval is longer"
        );
        let late = Harvest {
            changes: vec![found("x", "poll:x:1")],
            ..Harvest::default()
        };
        assert!(matches!(
            w.store.finish(dead, &late).await,
            Err(StoreError::Fenced)
        ));
        assert!(matches!(
            w.store.renew(dead, RHYTHM.lease).await,
            Err(StoreError::Fenced)
        ));
        assert!(w.rows().await.is_empty(), "the fenced look left nothing behind");
        w.store.finish(&next, &Harvest::default()).await.unwrap();
        let Begin::NotDue(wait) = w.store.begin("crm:person", "b", RHYTHM).await.unwrap() else {
            panic!("due too early")
        };
        assert_eq!(wait, RHYTHM.interval);
        w.clock.turn(RHYTHM.interval);
        let failed = take(&w.store, "crm:person").await;
        w.store.give_back(&failed, Duration::from_secs(5)).await.unwrap();
        w.clock.turn(Duration::from_secs(5));
        let again = take(&w.store, "crm:person").await;
        assert_eq!(again.last.map(|look| look.started_at), Some(next.started_at));
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_look_is_stored_whole_and_its_events_once() {
    for on in ALL {
        let w = Site::new(on).await;
        let turn = take(&w.store, "crm:person").await;
        assert_eq!((turn.cursor.as_deref(), turn.last), (None, None));
        let mut bad = found("no id", "poll:aside:1");
        bad.problem = Some("it is set aside".to_owned());
        let many: Vec<Found> = (0..1200)
            .map(|n| found(&format!("c{n}"), &format!("poll:c{n}:t")))
            .collect();
        let harvest = Harvest {
            changes: many.iter().cloned().chain([bad]).collect(),
            cursor: Some("2025-12-21T14:06:17.173".to_owned()),
            payload: serde_json::json!({"poll": "crm:person"}),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            ring: 700,
            ..Harvest::default()
        };
        let stored = w.store.finish(&turn, &harvest).await.unwrap();
        assert_eq!(
            (stored.rows, stored.rings.len(), stored.held_by),
            (1201, 700, None)
        );
        let rows = w.rows().await;
        assert_eq!(rows.iter().filter(|row| row.rung_at.is_some()).count(), 700);
        let aside = rows.iter().find(|row| row.source_entity_id == "no id").unwrap();
        assert_eq!(
            (aside.status, aside.error_message.as_deref()),
            (Status::Failed, Some("it is set aside"))
        );
        assert!(
            rows.iter()
                .all(|row| row.trace_id.is_some() && row.direction == "CRM_TO_FINANCE")
        );
        let events: Vec<&str> = many
            .iter()
            .map(|change| change.event_id.as_str())
            .chain(["new"])
            .collect();
        let heard = w.store.known_events(Side::Crm, &events).await.unwrap();
        assert!(heard.len() == 1200 && !heard.contains("new"));
        w.clock.turn(RHYTHM.interval);
        let turn = take(&w.store, "crm:person").await;
        assert_eq!(turn.cursor.as_deref(), Some("2025-12-21T14:06:17.173"));
        let again = Harvest {
            changes: many,
            ..Harvest::default()
        };
        assert_eq!(
            w.store.finish(&turn, &again).await.unwrap().rows,
            0,
            "heard twice is one row"
        );
        w.clock.turn(RHYTHM.interval);
        let turn = take(&w.store, "crm:person").await;
        assert_eq!(
            turn.cursor.as_deref(),
            Some("2025-12-21T14:06:17.173"),
            "no new value leaves the old one"
        );
        w.drop_it().await;
    }
}

#[tokio::test]
async fn the_snapshot_knows_states_times_and_candidates() {
    for on in ALL {
        let w = Site::new(on).await;
        let first = take(&w.store, FINANCE_CONTACTS).await;
        let ali = [
            (Field::Name, "علی"),
            (Field::Mobile, "+98 912 111 1111"),
            (Field::NationalId, "۰۰۱۲۳"),
            (Field::Email, "Ali@Example.com"),
            (Field::CustomerNumber, "100-7"),
        ];
        let contacts = vec![
            contact("22", 1, &ali),
            contact("23", 1, &[(Field::Mobile, "09121111111")]),
        ];
        let harvest = Harvest {
            contacts,
            ..Harvest::default()
        };
        w.store.finish(&first, &harvest).await.unwrap();
        let find = |keys: MatchKeys| {
            let store = w.store.clone();
            async move { store.candidates(&keys).await.unwrap() }
        };
        let some = |key: &str| Some(key.to_owned());
        assert_eq!(
            find(MatchKeys {
                mobile: some("۰۹۱۲۱۱۱۱۱۱۱"),
                ..Default::default()
            })
            .await,
            ["22", "23"]
        );
        assert_eq!(
            find(MatchKeys {
                national_id: some("00123"),
                ..Default::default()
            })
            .await,
            ["22"]
        );
        assert_eq!(
            find(MatchKeys {
                email: some(" ali@example.com"),
                ..Default::default()
            })
            .await,
            ["22"]
        );
        assert_eq!(
            find(MatchKeys {
                customer_number: some("100-7"),
                ..Default::default()
            })
            .await,
            ["22"]
        );
        assert_eq!(
            find(MatchKeys {
                id: some("23"),
                ..Default::default()
            })
            .await,
            ["23"]
        );
        assert!(
            find(MatchKeys {
                email: some(" "),
                ..Default::default()
            })
            .await
            .is_empty(),
            "no key"
        );
        let times = w.store.contact_times("22").await.unwrap().unwrap();
        assert_eq!((times.seen_at, times.look_before), (first.started_at, None));
        w.clock.turn(RHYTHM.interval);
        let second = take(&w.store, FINANCE_CONTACTS).await;
        let harvest = Harvest {
            contacts: vec![contact("22", 2, &[(Field::Name, "رضا")])],
            gone: vec!["23".to_owned()],
            ..Harvest::default()
        };
        w.store.finish(&second, &harvest).await.unwrap();
        let times = w.store.contact_times("22").await.unwrap().unwrap();
        assert_eq!(
            (times.seen_at, times.look_before),
            (second.started_at, Some(first.started_at))
        );
        let seen = w.store.contacts().await.unwrap();
        assert!((seen["22"].changes, seen["22"].gone) == (2, false) && seen["22"].checksum.len() == 32);
        assert_eq!((seen["23"].changes, seen["23"].gone), (2, true));
        assert!(
            find(MatchKeys {
                mobile: some("09121111111"),
                ..Default::default()
            })
            .await
            .is_empty()
        );
        let look = w.store.last_look(FINANCE_CONTACTS).await.unwrap().unwrap();
        assert_eq!(
            (look.started_at, look.completed_at),
            (second.started_at, w.clock.now())
        );

        // Told of once more though it looks as before: it is not newer for that. One that comes back is.
        w.clock.turn(RHYTHM.interval);
        let third = take(&w.store, FINANCE_CONTACTS).await;
        let harvest = Harvest {
            contacts: vec![
                contact("22", 3, &[(Field::Name, "رضا")]),
                contact("23", 3, &[(Field::Mobile, "09121111111")]),
            ],
            ..Harvest::default()
        };
        w.store.finish(&third, &harvest).await.unwrap();
        let again = w.store.contact_times("22").await.unwrap().unwrap();
        assert_eq!(again, times);
        assert_eq!(w.store.contacts().await.unwrap()["22"].changes, 3);
        let back = w.store.contact_times("23").await.unwrap().unwrap();
        assert_eq!(
            (back.seen_at, back.look_before),
            (third.started_at, Some(second.started_at))
        );
        assert_eq!(w.store.last_look("crm:person").await.unwrap(), None);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_the_guard_holds_is_released_or_dropped_as_a_whole_and_once() {
    for (on, verdict) in ALL
        .into_iter()
        .flat_map(|on| [(on, Verdict::Release), (on, Verdict::Drop)])
    {
        let w = Site::new(on).await;
        let turn = take(&w.store, FINANCE_CONTACTS).await;
        let codes: Vec<String> = (1..=600).map(|n| n.to_string()).collect();
        let harvest = Harvest {
            changes: codes
                .iter()
                .map(|code| found(code, &format!("poll:{code}:1")))
                .collect(),
            contacts: codes.iter().map(|code| contact(code, 1, &[])).collect(),
            hold: Some("too many: MAX_CHANGES_PER_RUN".to_owned()),
            ring: 100,
            ..Harvest::default()
        };
        let stored = w.store.finish(&turn, &harvest).await.unwrap();
        let guard = stored.held_by.unwrap();
        assert_eq!((stored.rows, stored.rings.len()), (0, 0));
        let rows = w.rows().await;
        assert!(rows.len() == 1 && rows[0].id == guard && rows[0].status == Status::Conflict);
        assert_eq!(rows[0].source_entity_id, FINANCE_CONTACTS);
        assert_eq!(
            w.store.contacts().await.unwrap().len(),
            600,
            "the snapshot has moved on"
        );
        w.clock.turn(RHYTHM.interval);
        assert_eq!(
            w.store.begin(FINANCE_CONTACTS, "a", RHYTHM).await.unwrap(),
            Begin::Held(guard)
        );
        assert_eq!(
            w.store
                .known_events(Side::Finance, &["poll:1:1"])
                .await
                .unwrap()
                .len(),
            1,
            "held is heard"
        );
        assert!(w.store.held(Some("crm:person")).await.unwrap().is_empty());
        let held = w.store.held(None).await.unwrap().remove(0);
        assert_eq!((held.changes, held.row, held.examples.len()), (600, guard, 10));
        assert!(held.why.contains("MAX_CHANGES_PER_RUN"));
        let twice = [w.store.clone(), w.store.clone()].map(|store| {
            let held = held.clone();
            tokio::spawn(async move { store.settle(&held, verdict).await.unwrap() })
        });
        let mut made = 0;
        for one in twice {
            made += one.await.unwrap();
        }
        assert_eq!(made, 600, "two operators at once settle it once");
        let rows = w.rows().await;
        let of = |status| {
            rows.iter()
                .filter(|row| row.status == status && row.id != guard)
                .count()
        };
        let settled = rows.iter().find(|row| row.id == guard).unwrap();
        let expected = match verdict {
            Verdict::Release => (600, 0, Status::Success),
            Verdict::Drop => (0, 600, Status::Skipped),
        };
        assert_eq!(
            (of(Status::Pending), of(Status::Skipped), settled.status),
            expected
        );
        assert!(w.store.held(None).await.unwrap().is_empty());
        take(&w.store, FINANCE_CONTACTS).await;
        w.drop_it().await;
    }
}

#[tokio::test]
async fn mappings_are_loaded_by_either_id_and_counted_without_halves_and_tombstones() {
    use domain::store::entities::link;
    use domain::store::{EntityType, LinkState};
    use sea_orm::ActiveValue::Set;
    for on in [On::Sqlite, On::Postgres] {
        let w = Site::new(on).await;
        let now = w.clock.now();
        let states = [
            LinkState::Active,
            LinkState::Conflict,
            LinkState::Closed,
            LinkState::New,
        ];
        for (n, state) in states.into_iter().enumerate() {
            let whole = state != LinkState::New;
            let base = domain::merge::Base::new(Kind::Organization);
            let row = link::ActiveModel {
                id: Set(w.clock.id()),
                entity_type: Set(EntityType::Customer),
                crm_id: Set(Some(format!("c{n}"))),
                finance_id: Set(whole.then(|| n.to_string())),
                base: Set(whole.then(|| serde_json::to_value(&base).unwrap())),
                state: Set(state),
                last_sync_at: Set((n == 1).then_some(now)),
                version: Set(0),
                lease_token: Set(0),
                created_at: Set(now),
                updated_at: Set(now),
                ..Default::default()
            };
            link::Entity::insert(row)
                .exec_without_returning(w.db.as_ref().unwrap().store.db())
                .await
                .unwrap();
        }
        assert_eq!(w.store.linked_count(EntityType::Customer).await.unwrap(), 2);
        let crm = w.store.linked(Side::Crm, &["c0", "c3", "unknown"]).await.unwrap();
        assert_eq!(crm.len(), 2);
        assert_eq!(
            crm["c0"].base.as_ref().map(|base| base.kind),
            Some(Kind::Organization)
        );
        assert_eq!((&crm["c3"].base, crm["c3"].state), (&None, LinkState::New));
        let written = w.store.written_since(now).await.unwrap();
        assert_eq!(written.into_iter().collect::<Vec<_>>(), ["1"]);
        let later = now + chrono::Duration::milliseconds(1);
        assert!(w.store.written_since(later).await.unwrap().is_empty());
        let finance = w.store.linked(Side::Finance, &["2"]).await.unwrap();
        assert_eq!(finance["2"].state, LinkState::Closed);
        w.drop_it().await;
    }
}
