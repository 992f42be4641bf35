//! Several finance companies in one deployment: one code may stand in each, and nothing of one is taken for the other's.

use domain::company::{Companies, Company};
use domain::customer::{Customer, Field, Kind};
use domain::index::IndexStore;
use domain::outside::OutsideStore as _;
use domain::polls::{Begin, ContactNow, Found, Harvest, PollStore as _, contacts_of};
use domain::ports::Side;
use domain::store::entities::{link, log};
use domain::store::sql::SqlStore;
use domain::store::{Claim, EntityRef, Event, NotServed, Store as _, Trigger};
use sea_orm::{ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _};
use testkit::{Engine, TestDb};
use uuid::Uuid;

use crate::index::sighting;
use crate::polls::RHYTHM;
use crate::world::LEASE;

/// On both databases. (The store in memory serves one company.)
async fn on_databases(test: impl AsyncFn(SqlStore)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let db = TestDb::new(engine).await.unwrap();
        test(db.store.clone()).await;
        db.drop_it().await;
    }
}

fn company(code: u16) -> Company {
    Company::of(code).unwrap()
}

fn both() -> Companies {
    Companies::new(company(100), [company(200)])
}

/// The store of a deployment that serves 100 and 200, as either.
async fn stores(store: &SqlStore) -> [SqlStore; 2] {
    store.serve(&both()).await.unwrap().unwrap();
    let store = store.clone().serving(both());
    [store.of(company(100)), store.of(company(200))]
}

fn heard(code: &str, key: Option<&str>) -> Event {
    Event {
        row: Uuid::now_v7(),
        entity: EntityRef::customer(Side::Finance, code),
        company: None,
        trigger: Trigger::Webhook,
        event_id: key.map(str::to_owned),
        payload: serde_json::Value::Null,
        traceparent: None,
        rung: false,
    }
}

#[tokio::test]
async fn the_first_company_is_written_down_once_and_others_are_added() {
    on_databases(async |store| {
        let only = |code| Companies::new(company(code), []);
        assert_eq!(store.can_serve(&only(100)).await.unwrap(), Ok(()), "as it was");
        assert!(
            store.can_serve(&only(300)).await.unwrap().is_err(),
            "nobody has said so yet"
        );
        store.serve(&only(100)).await.unwrap().unwrap();
        assert_eq!(
            store.can_serve(&both()).await.unwrap(),
            Err(NotServed::Unknown(company(200)))
        );
        store.serve(&both()).await.unwrap().unwrap();
        store.serve(&both()).await.unwrap().unwrap();
        assert_eq!(store.can_serve(&both()).await.unwrap(), Ok(()));
        let other = Companies::new(company(200), [company(100)]);
        let refused = store.serve(&other).await.unwrap().unwrap_err();
        assert!(refused.to_string().contains("Name 100 first"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn what_was_kept_before_belongs_to_the_company_of_the_settings() {
    on_databases(async |store| {
        store.enqueue(&[heard("505", Some("a"))]).await.unwrap();
        let seen = sighting(
            Side::Finance,
            "505",
            &[(Field::Name, "علی رضایی")],
            store.clock().now(),
        );
        store.note(&[seen]).await.unwrap();
        let of_300 = Companies::new(company(300), []);
        store.serve(&of_300).await.unwrap().unwrap();
        let store = store.clone().serving(of_300);
        let row = log::Entity::find().one(store.db()).await.unwrap().unwrap();
        assert_eq!(row.company, "300");
        let there = store.unlinked(Side::Finance, "", 10).await.unwrap();
        assert_eq!(there.len(), 1, "the index is this company's");
        // The next start finds it so.
        assert_eq!(store.can_serve(store.served()).await.unwrap(), Ok(()));
    })
    .await;
}

#[tokio::test]
async fn one_code_in_two_companies_is_two_links_with_their_own_rows() {
    on_databases(async |store| {
        let stores = stores(&store).await;
        // The same key from two systems is two events.
        let events = [heard("505", Some("1")), heard("505", Some("1"))];
        for (store, event) in stores.iter().zip(&events) {
            assert_eq!(store.enqueue(std::slice::from_ref(event)).await.unwrap(), [true]);
            assert_eq!(
                store.enqueue(&[heard("505", Some("1"))]).await.unwrap(),
                [false],
                "heard before"
            );
            let known = store.known_events(Side::Finance, &["1", "2"]).await.unwrap();
            assert_eq!(known.into_iter().collect::<Vec<_>>(), ["1"]);
        }
        let mut works = Vec::new();
        for event in &events {
            // Whoever claims it: the row says whose it is.
            let Claim::Taken(work) = stores[0].claim(event.row, "w", LEASE).await.unwrap() else {
                panic!("not claimed");
            };
            works.push(work);
        }
        assert_eq!(works[0].link.company, company(100));
        assert_eq!(works[1].link.company, company(200));
        assert_ne!(works[0].lease.link, works[1].lease.link);
        assert!(works.iter().all(|work| work.covered.is_empty()));
        for (store, work) in stores.iter().zip(&works) {
            let found = store
                .find_link(&EntityRef::customer(Side::Finance, "505"))
                .await
                .unwrap();
            assert_eq!(found.unwrap().id, work.lease.link);
        }
        assert_eq!(link::Entity::find().count(store.db()).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_link_becomes_the_companys_that_links_it() {
    on_databases(async |store| {
        let [first, second] = stores(&store).await;
        let event = Event {
            entity: EntityRef::customer(Side::Crm, "c1"),
            ..heard("", None)
        };
        first.enqueue(std::slice::from_ref(&event)).await.unwrap();
        let Claim::Taken(work) = first.claim(event.row, "w", LEASE).await.unwrap() else {
            panic!("not claimed");
        };
        let code = EntityRef::customer(Side::Finance, "505");
        second.link(&work.lease, &code).await.unwrap();
        assert_eq!(first.find_link(&code).await.unwrap(), None);
        let link = second.find_link(&code).await.unwrap().unwrap();
        assert_eq!((link.id, link.company), (work.lease.link, company(200)));
        let linked = second.linked(Side::Finance, &["505"]).await.unwrap();
        assert!(
            linked.contains_key("505") && first.linked(Side::Finance, &["505"]).await.unwrap().is_empty()
        );
        let counts = [&first, &second]
            .map(|store| store.linked_count(Side::Finance, domain::store::EntityType::Customer));
        let [of_first, of_second] = counts;
        assert_eq!((of_first.await.unwrap(), of_second.await.unwrap()), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn what_one_company_has_reserved_keeps_no_other_waiting() {
    on_databases(async |store| {
        let stores = stores(&store).await;
        let keys = ["national-id:1".to_owned(), "code:505".to_owned()];
        for (store, id) in stores.iter().zip(["c1", "c2"]) {
            let event = Event {
                entity: EntityRef::customer(Side::Crm, id),
                ..heard("", None)
            };
            store.enqueue(std::slice::from_ref(&event)).await.unwrap();
            let Claim::Taken(work) = store.claim(event.row, "w", LEASE).await.unwrap() else {
                panic!("not claimed");
            };
            assert_eq!(store.lock(&work.lease, &keys).await.unwrap(), None, "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_record_of_the_crm_stands_in_the_index_of_the_company_that_its_number_names() {
    on_databases(async |store| {
        let [first, second] = stores(&store).await;
        let at = store.clock().now();
        let name = (Field::Name, "علی رضایی");
        let unnamed = sighting(Side::Crm, "a", &[name], at);
        let of_200 = sighting(Side::Crm, "b", &[name, (Field::CustomerNumber, "200-7")], at);
        let of_300 = sighting(Side::Crm, "c", &[name, (Field::CustomerNumber, "300-7")], at);
        first.note(&[unnamed, of_200, of_300]).await.unwrap();
        let ids = async |store: &SqlStore| {
            let there = store.unlinked(Side::Crm, "", 10).await.unwrap();
            there.into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        assert_eq!(
            (ids(&first).await, ids(&second).await),
            (vec!["a".into()], vec!["b".into()])
        );
        // Given a number of the other company, it moves.
        let later = at + chrono::Duration::seconds(1);
        let moved = sighting(Side::Crm, "a", &[name, (Field::CustomerNumber, "200-8")], later);
        second.note(&[moved]).await.unwrap();
        let all: Vec<String> = vec!["a".into(), "b".into()];
        assert_eq!((ids(&first).await, ids(&second).await), (Vec::new(), all));
    })
    .await;
}

#[tokio::test]
async fn each_companys_contacts_are_polled_by_themselves() {
    on_databases(async |store| {
        let stores = stores(&store).await;
        for store in &stores {
            let poll = contacts_of(store.company(), store.served().first());
            let Begin::Taken(turn) = store.begin(&poll, "a", RHYTHM).await.unwrap() else {
                panic!("not due");
            };
            let contact = ContactNow::new("505".to_owned(), &Customer::new(Kind::Person), 1);
            let harvest = Harvest {
                contacts: vec![contact],
                changes: vec![Found {
                    id: "505".to_owned(),
                    event_id: "poll:505:1".to_owned(),
                    vanished: false,
                    problem: None,
                }],
                ..Harvest::default()
            };
            assert_eq!(store.finish(&turn, &harvest).await.unwrap().rows, 1);
            assert_eq!(store.contacts().await.unwrap().len(), 1);
            assert!(store.last_look(&poll).await.unwrap().is_some());
        }
        let rows = log::Entity::find().all(store.db()).await.unwrap();
        let mut of: Vec<_> = rows.iter().map(|row| row.company.as_str()).collect();
        of.sort_unstable();
        assert_eq!(of, ["100", "200"]);
    })
    .await;
}

#[tokio::test]
async fn an_outage_of_one_companys_system_is_no_other_ones() {
    on_databases(async |store| {
        let [first, second] = stores(&store).await;
        let now = store.clock().now();
        let open = domain::breaker::Open {
            since: now,
            probe_at: now,
            probes: 0,
        };
        assert!(second.swap(Side::Finance, 0, Some(open)).await.unwrap());
        let down = async |store: &SqlStore| {
            let all = store.breakers().await.unwrap();
            all.into_iter()
                .filter(|(_, shared)| shared.open.is_some())
                .map(|(side, _)| side)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (down(&first).await, down(&second).await),
            (Vec::new(), vec![Side::Finance])
        );
        let rows = store.db().query_all_raw(sea_orm::Statement::from_string(
            store.db().get_database_backend(),
            r#"SELECT "system" FROM "OutsideSystem""#,
        ));
        assert_eq!(rows.await.unwrap().len(), 3);
    })
    .await;
}
