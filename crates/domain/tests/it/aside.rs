//! What can't be read as a record: kept by the look that saw it, until one reads it well again.

use std::collections::HashSet;

use domain::message::{Code, Message};
use domain::polls::{
    Begin, CRM_ORGANIZATION, CRM_PERSON, CRM_QUOTES, FINANCE_CONTACTS, Harvest, PollStore as _,
};
use domain::ports::{SetAside, Side};
use domain::store::EntityType;
use testkit::{Engine, TestDb};

use crate::polls::{RHYTHM, turn_of};
use crate::world::{World, contract};

contract![case_10_what_is_set_aside_stays_so_until_it_reads_well];

fn bad(id: &str, property: &str) -> SetAside {
    let why = Message::new(Code::AsideUnreadable).with("properties", property);
    SetAside {
        id: id.to_owned(),
        why,
    }
}

fn set(ids: &[&str]) -> HashSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

async fn look(w: &World, poll: &str, aside: Vec<SetAside>, well: &[&str]) {
    let turn = turn_of(w, poll).await;
    let harvest = Harvest {
        aside,
        well: well.iter().map(|id| (*id).to_owned()).collect(),
        ..Harvest::default()
    };
    w.polls.finish(&turn, &harvest).await.unwrap();
    w.clock.turn(RHYTHM.interval);
}

async fn case_10_what_is_set_aside_stays_so_until_it_reads_well(w: &World) {
    look(w, CRM_PERSON, vec![bad("a", "nickName"), bad("", "crmId")], &[]).await;
    look(w, FINANCE_CONTACTS, vec![bad("a", "Name")], &[]).await;
    look(w, CRM_QUOTES, vec![bad("q", "details")], &[]).await;
    let of = async |poll| w.polls.set_aside_by(poll).await.unwrap();
    assert_eq!(of(CRM_PERSON).await, set(&["a", ""]));
    assert_eq!(
        of(CRM_ORGANIZATION).await,
        set(&["a", ""]),
        "customers are one type"
    );
    assert_eq!(of(CRM_QUOTES).await, set(&["q"]));
    look(w, CRM_PERSON, vec![bad("", "crmId"), bad("b", "email")], &["a"]).await;
    assert_eq!(of(CRM_PERSON).await, set(&["b", ""]));
    assert_eq!(of(FINANCE_CONTACTS).await, set(&["a"]), "another system's");
}

#[tokio::test]
async fn case_10_what_is_set_aside_is_listed_with_its_reason_and_since_when() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let db = TestDb::new(engine).await.unwrap();
        assert_eq!(db.store.set_aside(10).await.unwrap(), (vec![], 0));
        let mut first_seen = None;
        for property in ["nickName", "email"] {
            let begun = db.store.begin(
                CRM_PERSON,
                "a",
                domain::polls::Rhythm {
                    interval: std::time::Duration::ZERO,
                    ..RHYTHM
                },
            );
            let Begin::Taken(turn) = begun.await.unwrap() else {
                panic!()
            };
            let harvest = Harvest {
                aside: vec![bad("a", property), bad("b", property)],
                ..Harvest::default()
            };
            db.store.finish(&turn, &harvest).await.unwrap();
            let (shown, all) = db.store.set_aside(1).await.unwrap();
            let [one] = shown.as_slice() else {
                panic!("{shown:?}")
            };
            assert_eq!(
                (all, one.side, one.entity_type),
                (2, Side::Crm, EntityType::Customer)
            );
            assert_eq!(
                (one.id.as_str(), &one.why),
                ("a", &bad("a", property).why),
                "the reason of today"
            );
            assert_eq!(*first_seen.get_or_insert(one.first_seen), one.first_seen);
            assert!(one.last_seen >= one.first_seen);
        }
        db.drop_it().await;
    }
}
