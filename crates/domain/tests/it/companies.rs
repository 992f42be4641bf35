//! Several finance companies in one deployment: one code may stand in each, and nothing of one is taken for the other's.

use std::collections::HashSet;

use domain::clock::Clock as _;
use domain::company::{Companies, Company};
use domain::customer::{Customer, Field, Kind};
use domain::index::IndexStore as _;
use domain::index::Sighting;
use domain::matching::{Form, Key};
use domain::polls::{Begin, ContactNow, Found, Harvest, PollLease, Verdict, contacts_of};
use domain::ports::{SetAside, Side};
use domain::store::entities::log;
use domain::store::sql::SqlStore;
use domain::store::{Claim, EntityRef, EntityType, Event, NotServed, Store as _, Trigger, Work};
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use testkit::{Engine, TestDb};
use uuid::Uuid;

use crate::index::sighting;
use crate::polls::RHYTHM;
use crate::world::{LEASE, OfCompany, World, contract, words};

contract![
    one_code_in_two_companies_is_two_links_with_their_own_rows,
    a_link_becomes_the_companys_that_links_it,
    what_one_company_has_reserved_keeps_no_other_waiting,
    an_order_is_reserved_for_all_of_them,
    a_record_of_the_crm_stands_in_the_index_of_the_company_that_its_number_names,
    what_is_ruled_of_one_companys_records_says_nothing_of_the_others,
    each_companys_contacts_are_polled_by_themselves,
    what_one_companys_poll_sets_aside_or_holds_is_that_ones,
    an_outage_of_one_companys_system_is_no_other_ones,
];

/// On both databases: the store in memory keeps no list of companies.
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
async fn stores(w: &World) -> [OfCompany; 2] {
    let all = w.serving(&both()).await;
    all.try_into().ok().unwrap()
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

async fn claimed(of: &OfCompany, event: &Event) -> Box<Work> {
    match of.store.claim(event.row, "w", LEASE).await.unwrap() {
        Claim::Taken(work) => work,
        other => panic!("{other:?}"),
    }
}

async fn turn(of: &OfCompany) -> PollLease {
    let poll = contacts_of(of.company, company(100));
    match of.polls.begin(&poll, "a", RHYTHM).await.unwrap() {
        Begin::Taken(turn) => turn,
        other => panic!("{other:?}"),
    }
}

fn found(code: &str) -> Found {
    Found {
        id: code.to_owned(),
        event_id: format!("poll:{code}:1"),
        vanished: false,
        problem: None,
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
        let systems = store.db().query_all_raw(sea_orm::Statement::from_string(
            store.db().get_database_backend(),
            r#"SELECT "system" FROM "OutsideSystem""#,
        ));
        assert_eq!(
            systems.await.unwrap().len(),
            3,
            "the CRM, and a finance system each"
        );
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

async fn one_code_in_two_companies_is_two_links_with_their_own_rows(w: &World) {
    let stores = stores(w).await;
    // The same key from two systems is two events.
    let events = [heard("505", Some("1")), heard("505", Some("1"))];
    for (of, event) in stores.iter().zip(&events) {
        let new = of.store.enqueue(std::slice::from_ref(event)).await.unwrap();
        assert_eq!(new, [true]);
        let again = of.store.enqueue(&[heard("505", Some("1"))]).await.unwrap();
        assert_eq!(again, [false], "heard before");
        let known = of.polls.known_events(Side::Finance, &["1", "2"]).await.unwrap();
        assert_eq!(known.into_iter().collect::<Vec<_>>(), ["1"]);
    }
    let mut works = Vec::new();
    for event in &events {
        // Whoever claims it: the row says whose it is.
        works.push(claimed(&stores[0], event).await);
    }
    assert_eq!(works[0].link.company, company(100));
    assert_eq!(works[1].link.company, company(200));
    assert_ne!(works[0].lease.link, works[1].lease.link);
    assert!(works.iter().all(|work| work.covered.is_empty()));
    let code = EntityRef::customer(Side::Finance, "505");
    for (of, work) in stores.iter().zip(&works) {
        let found = of.store.find_link(&code).await.unwrap();
        assert_eq!(found.unwrap().id, work.lease.link);
    }
    assert_eq!(w.links().await.len(), 2);
}

async fn a_link_becomes_the_companys_that_links_it(w: &World) {
    let [first, second] = stores(w).await;
    let event = Event {
        entity: EntityRef::customer(Side::Crm, "c1"),
        ..heard("", None)
    };
    first.store.enqueue(std::slice::from_ref(&event)).await.unwrap();
    let work = claimed(&first, &event).await;
    let code = EntityRef::customer(Side::Finance, "505");
    second.store.link(&work.lease, &code).await.unwrap();
    assert_eq!(first.store.find_link(&code).await.unwrap(), None);
    let link = second.store.find_link(&code).await.unwrap().unwrap();
    assert_eq!((link.id, link.company), (work.lease.link, company(200)));
    for (of, count) in [(&first, 0), (&second, 1)] {
        let linked = of.polls.linked(Side::Finance, &["505"]).await.unwrap();
        assert_eq!(linked.len(), count);
        let counted = of.polls.linked_count(Side::Finance, EntityType::Customer).await;
        assert_eq!(counted.unwrap(), count as u64);
        let of_crm = of.polls.linked(Side::Crm, &["c1"]).await.unwrap();
        assert_eq!(of_crm.len(), 1, "the CRM is one");
    }
}

async fn what_one_company_has_reserved_keeps_no_other_waiting(w: &World) {
    let stores = stores(w).await;
    let keys = ["national-id:1".to_owned(), "code:505".to_owned()];
    for (of, id) in stores.iter().zip(["c1", "c2"]) {
        let event = Event {
            entity: EntityRef::customer(Side::Crm, id),
            ..heard("", None)
        };
        of.store.enqueue(std::slice::from_ref(&event)).await.unwrap();
        let work = claimed(of, &event).await;
        assert_eq!(of.store.lock(&work.lease, &keys).await.unwrap(), None, "{id}");
    }
}

async fn an_order_is_reserved_for_all_of_them(w: &World) {
    let stores = stores(w).await;
    let mut works = Vec::new();
    for (of, id) in stores.iter().zip(["q1", "i2"]) {
        let event = Event {
            entity: EntityRef::customer(Side::Crm, id),
            ..heard("", None)
        };
        of.store.enqueue(std::slice::from_ref(&event)).await.unwrap();
        works.push(claimed(of, &event).await);
    }
    // Whoever is first.
    for (first, second, key) in [(0, 1, "order:a"), (1, 0, "order:b")] {
        let key = [key.to_owned()];
        let has = stores[first].store.lock(&works[first].lease, &key).await.unwrap();
        assert_eq!(has, None);
        let held = stores[second]
            .store
            .lock(&works[second].lease, &key)
            .await
            .unwrap();
        assert_eq!(held.unwrap().link, works[first].lease.link);
    }
}

async fn a_record_of_the_crm_stands_in_the_index_of_the_company_that_its_number_names(w: &World) {
    let [first, second] = stores(w).await;
    let at = w.clock.now();
    let name = (Field::Name, "علی رضایی");
    let unnamed = sighting(Side::Crm, "a", &[name], at);
    let of_200 = sighting(Side::Crm, "b", &[name, (Field::CustomerNumber, "200-7")], at);
    let of_300 = sighting(Side::Crm, "c", &[name, (Field::CustomerNumber, "300-7")], at);
    first.index.note(&[unnamed, of_200, of_300]).await.unwrap();
    let ids = async |of: &OfCompany| {
        let there = of.index.unlinked(Side::Crm, "", 10).await.unwrap();
        there.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(
        (ids(&first).await, ids(&second).await),
        (vec!["a".into()], vec!["b".into()])
    );
    // Given a number of the other company, it moves.
    let later = at + chrono::Duration::seconds(1);
    let moved = sighting(Side::Crm, "a", &[name, (Field::CustomerNumber, "200-8")], later);
    second.index.note(&[moved]).await.unwrap();
    let all: Vec<String> = vec!["a".into(), "b".into()];
    assert_eq!((ids(&first).await, ids(&second).await), (Vec::new(), all));
}

async fn each_companys_contacts_are_polled_by_themselves(w: &World) {
    let stores = stores(w).await;
    for of in &stores {
        let turn = turn(of).await;
        let contact = ContactNow::new("505".to_owned(), &Customer::new(Kind::Person), 1);
        let harvest = Harvest {
            contacts: vec![contact],
            changes: vec![found("505")],
            ..Harvest::default()
        };
        assert_eq!(of.polls.finish(&turn, &harvest).await.unwrap().rows, 1);
        assert_eq!(of.polls.contacts_but(&HashSet::new()).await.unwrap().len(), 1);
        assert!(of.polls.last_look(&turn.poll).await.unwrap().is_some());
    }
    let rows = w.rows().await;
    let mut of: Vec<_> = rows.iter().map(|row| row.company.as_str()).collect();
    of.sort_unstable();
    assert_eq!(of, ["100", "200"]);
}

async fn what_is_ruled_of_one_companys_records_says_nothing_of_the_others(w: &World) {
    let [first, second] = stores(w).await;
    let values = [(Field::Name, "علی رضایی"), (Field::Mobile, "09121112345")];
    let seen = sighting(Side::Finance, "505", &values, w.clock.now());
    let in_second = Sighting {
        company: second.company,
        ..seen.clone()
    };
    first.index.note(&[seen, in_second]).await.unwrap();
    let apart = ["505".to_owned()];
    first.index.separate(Side::Crm, "c1", &apart).await.unwrap();
    let column = [(Side::Finance, Field::Name), (Side::Crm, Field::Phone)];
    first.index.accept_columns(&column).await.unwrap();
    let mobile = Form {
        key: Key::Mobile,
        value: "9121112345".to_owned(),
    };
    for (of, candidates, columns) in [(&first, 0, 2), (&second, 1, 1)] {
        let forms = std::slice::from_ref(&mobile);
        let found = of.index.holding(Side::Finance, forms, "c1").await.unwrap();
        assert_eq!(found.len(), candidates);
        // What is ruled of the CRM holds for all.
        assert_eq!(of.index.columns().await.unwrap().len(), columns);
    }
    let held = second.index.hold_column(Side::Finance, Field::Name).await;
    assert!(!held.unwrap(), "nobody has ruled that here");
}

async fn what_one_companys_poll_sets_aside_or_holds_is_that_ones(w: &World) {
    let [first, second] = stores(w).await;
    let turn = turn(&second).await;
    let harvest = Harvest {
        changes: vec![found("505")],
        aside: vec![SetAside {
            id: "7".to_owned(),
            why: words("half of a letter"),
        }],
        hold: Some(words("too many")),
        ..Harvest::default()
    };
    second.polls.finish(&turn, &harvest).await.unwrap();
    for (of, there) in [(&first, 0), (&second, 1)] {
        let poll = contacts_of(of.company, company(100));
        assert_eq!(of.polls.set_aside_by(&poll).await.unwrap().len(), there);
        let known = of.polls.known_events(Side::Finance, &["poll:505:1"]).await;
        assert_eq!(known.unwrap().len(), there);
    }
    let held = first.polls.held(Some(&turn.poll)).await.unwrap();
    // Whoever settles it: its name says whose it is.
    assert_eq!(first.polls.settle(&held[0], Verdict::Release).await.unwrap(), 1);
    let rows = w.rows().await;
    let row = rows.iter().find(|row| row.source_entity_id == "505").unwrap();
    assert_eq!(row.company, "200");
    let at = w.clock.now() + chrono::Duration::seconds(1);
    for (of, there) in [(&first, 0), (&second, 1)] {
        let entity = (Side::Finance, EntityType::Customer);
        let in_hand = of.polls.in_hand(entity, &["505"], at).await.unwrap();
        assert_eq!(in_hand.len(), there);
    }
}

async fn an_outage_of_one_companys_system_is_no_other_ones(w: &World) {
    let [first, second] = stores(w).await;
    let now = w.clock.now();
    let open = domain::breaker::Open {
        since: now,
        probe_at: now,
        probes: 0,
    };
    assert!(second.outside.swap(Side::Finance, 0, Some(open)).await.unwrap());
    let down = async |of: &OfCompany| {
        let all = of.outside.breakers().await.unwrap();
        all.into_iter()
            .filter(|(_, shared)| shared.open.is_some())
            .map(|(side, _)| side)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (down(&first).await, down(&second).await),
        (Vec::new(), vec![Side::Finance])
    );
}
