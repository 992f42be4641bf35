//! Data as people and systems really have it (`cases.md`): one bad record stops none of the others.

use std::collections::BTreeMap;

use domain::customer::{Customer, Field, Kind, Values};
use domain::message::Code;
use domain::ports::changes::{Changed, Changes as _, End, Part, Since};
use domain::ports::{Customers as _, MatchKeys, PortError, SetAside};
use payamgostar::Payamgostar;
use serde_json::json;
use simulator::{Kind as Made, Simulator};

use crate::support::simulated;

/// So deep that no parser follows.
fn too_deep() -> String {
    format!("{}{}", "[".repeat(300), "]".repeat(300))
}

fn person(simulator: &Simulator, object: serde_json::Value) -> String {
    simulator.crm().create(Made::Person, object).unwrap()
}

fn raw(simulator: &Simulator, texts: &[(&str, &str)]) {
    let texts = texts
        .iter()
        .map(|(text, by)| ((*text).to_owned(), (*by).to_owned()));
    let texts: BTreeMap<_, _> = texts.collect();
    simulator.crm().configure(|config| config.raw_texts = texts);
}

async fn read_all(crm: &Payamgostar, cursor: Option<&str>) -> (BTreeMap<String, Customer>, End) {
    let mut parts = crm.customer_changes(Kind::Person, Since { cursor, wide: false });
    let mut all = BTreeMap::new();
    loop {
        match parts.next().await.unwrap() {
            Part::Records(records) => {
                for Changed { id, record, .. } in records {
                    assert!(all.insert(id, record).is_none(), "each state once");
                }
            }
            Part::End(end) => return (all, end),
        }
    }
}

fn email(text: &str) -> MatchKeys {
    MatchKeys {
        email: Some(text.to_owned()),
        ..MatchKeys::default()
    }
}

#[tokio::test]
async fn case_10_three_odd_records_of_many_stop_nobody() {
    let (simulator, crm) = simulated().await;
    simulator.crm().configure(|config| config.max_page_size = 20);
    let half = person(&simulator, json!({"nickName": "علیHALF رضایی"}));
    let nul = person(
        &simulator,
        json!({"nickName": "مینا\0 کریمی", "description": "a\0b"}),
    );
    let long = format!("{}@example.com", "e".repeat(6000));
    let lengthy = person(&simulator, json!({"nickName": "پارس", "email": long}));
    let broken = person(
        &simulator,
        json!({"nickName": "خراب", "email": "broken@example.com", "subject": "BREAK"}),
    );
    for index in 0..100 {
        person(
            &simulator,
            json!({"nickName": format!("خوب {index}"), "email": format!("good{index}@example.com")}),
        );
    }
    raw(&simulator, &[("HALF", "\\ud83d"), ("\"BREAK\"", &too_deep())]);

    let (all, end) = read_all(&crm, None).await;
    assert_eq!(all.len(), 103);
    assert_eq!(all[&half].get(Field::Name), "علی رضایی");
    assert_eq!(all[&nul].get(Field::Name), "مینا کریمی");
    assert_eq!(all[&nul].get(Field::Description), "ab");
    assert_eq!(all[&lengthy].get(Field::Email), long);
    let [aside] = end.aside.as_slice() else {
        panic!("{:?}", end.aside)
    };
    assert_eq!(
        (aside.id.as_str(), &aside.why.code),
        (broken.as_str(), &Code::AsideUnreadable)
    );
    assert!(aside.to_string().contains("subject"), "{aside}");
    assert!(end.cursor.is_some(), "the cursor goes beyond it");

    // By itself.
    let alone = crm.read(&half, None).await.unwrap().unwrap();
    assert_eq!(alone.customer.get(Field::Name), "علی رضایی");
    let read = crm.read(&broken, Some(Kind::Person)).await;
    assert!(
        matches!(&read, Err(PortError::SetAside(SetAside { id, .. })) if *id == broken),
        "{read:?}"
    );
    // By a search.
    let found = crm.find(&email("good7@example.com")).await.unwrap();
    assert_eq!((found.records.len(), found.aside), (1, vec![]));
    let found = crm.find(&email("broken@example.com")).await.unwrap();
    assert_eq!(found.records, []);
    assert_eq!(found.aside[0].id, broken);
    crm.check().await.unwrap();
}

#[tokio::test]
async fn case_10_what_was_repaired_is_saved_without_a_loss() {
    let (simulator, crm) = simulated().await;
    let id = person(
        &simulator,
        json!({"nickName": "علی", "description": "x\0HALFy 😀", "extendedProperties": [{"userKey": "k", "value": "v"}]}),
    );
    raw(&simulator, &[("HALF", "\\uD83D")]);
    let current = crm.read(&id, None).await.unwrap().unwrap();
    let changes = Values::from([(Field::Email, "a@b.ir".to_owned())]);
    crm.update(&current, &changes).await.unwrap();
    let stored = simulator.crm().get(&id).unwrap();
    assert_eq!(stored["description"], "xy 😀");
    assert_eq!(stored["extendedProperties"][0]["value"], "v");
}

#[tokio::test]
async fn case_10_a_record_that_is_none_in_any_other_way() {
    let (simulator, crm) = simulated().await;
    simulator.crm().configure(|config| config.pascal_case = true);
    let good = person(&simulator, json!({"nickName": "خوب"}));
    let nameless = person(&simulator, json!({"nickName": "بی‌نام"}));
    let shapeless = person(&simulator, json!({"nickName": "MAIL"}));
    let number = person(&simulator, json!({"nickName": "NUMBER"}));
    raw(
        &simulator,
        &[
            (&format!("\"{nameless}\""), "null"),
            ("\"MAIL\"", r#"{"Value":"علی"}"#),
            ("\"NUMBER\"", "12345678901234567890"),
        ],
    );
    let (all, end) = read_all(&crm, None).await;
    assert_eq!(
        all.keys().cloned().collect::<std::collections::BTreeSet<_>>(),
        [good, number.clone()].into()
    );
    assert_eq!(all[&number].get(Field::Name), "12345678901234567890");
    let aside: Vec<(&str, &Code)> = end
        .aside
        .iter()
        .map(|aside| (aside.id.as_str(), &aside.why.code))
        .collect();
    assert!(aside.contains(&("", &Code::AsideNoId)), "{aside:?}");
    assert!(aside.contains(&(&shapeless, &Code::AsideBadValue)), "{aside:?}");
    // A name that can't be read is not an empty one.
    assert!(matches!(
        crm.read(&shapeless, None).await,
        Err(PortError::SetAside(_))
    ));
}

#[tokio::test]
async fn case_10_an_answer_that_is_no_list_stops_the_read() {
    let (simulator, crm) = simulated().await;
    person(&simulator, json!({"nickName": "خوب"}));
    raw(&simulator, &[("\"data\":[", "\"data\":{\"0\":[")]);
    let mut parts = crm.customer_changes(Kind::Person, Since::default());
    assert!(matches!(parts.next().await, Err(PortError::Transient { .. })));
}

fn phone(kind: &str, number: &str, default: bool) -> serde_json::Value {
    json!({"phoneType": kind, "phoneNumber": number, "default": default})
}

fn numbers(simulator: &Simulator, id: &str) -> Vec<String> {
    let object = simulator.crm().get(id).unwrap();
    let all = object["phoneContacts"].as_array().unwrap();
    all.iter()
        .map(|entry| entry["phoneNumber"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn case_20_only_the_linked_mobile_is_cleared_changed_and_set_again() {
    let (simulator, crm) = simulated().await;
    let phones = [
        phone("Mobile", "09120000001", false),
        phone("موبایل", "09120000002", true),
        phone("Office", "02188000000", false),
        phone("همراه", "09120000003", false),
    ];
    let id = person(&simulator, json!({"nickName": "علی", "phoneContacts": phones}));
    let mut places = None;
    for (value, left) in [
        ("", &["09120000001", "02188000000", "09120000003"][..]),
        (
            "09120000009",
            &["09120000001", "02188000000", "09120000003", "09120000009"],
        ),
        (
            "09120000008",
            &["09120000001", "02188000000", "09120000003", "09120000008"],
        ),
        ("", &["09120000001", "02188000000", "09120000003"]),
    ] {
        let mut current = crm.read(&id, None).await.unwrap().unwrap();
        places = crm.placed(&mut current, places.as_ref());
        let changes = Values::from([(Field::Mobile, value.to_owned())]);
        crm.clearing(places.as_mut().unwrap(), &changes);
        crm.update(&current, &changes).await.unwrap();
        let mut back = crm.read(&id, None).await.unwrap().unwrap();
        places = crm.placed(&mut back, places.as_ref());
        assert_eq!(
            back.customer.get(Field::Mobile),
            value,
            "no other moves up into its place"
        );
        assert_eq!(back.customer.get(Field::Phone), "02188000000");
        assert_eq!(numbers(&simulator, &id), left);
    }
}

#[tokio::test]
async fn case_24_an_id_in_capitals_is_the_same_id() {
    let (simulator, crm) = simulated().await;
    let id = person(&simulator, json!({"nickName": "علی", "email": "a@b.ir"}));
    for verbs in [
        &["find", "search"][..],
        &["get"],
        &["update", "create"],
        &["get", "find", "update"],
    ] {
        simulator.crm().configure(|config| {
            config.capital_ids_in = verbs.iter().map(|verb| (*verb).to_owned()).collect()
        });
        let (all, _) = read_all(&crm, None).await;
        assert!(all.contains_key(&id), "{verbs:?}");
        assert_eq!(crm.find(&email("a@b.ir")).await.unwrap().records[0].id, id);
        let current = crm.read(&id.to_uppercase(), None).await.unwrap().unwrap();
        assert_eq!(current.id, id);
        crm.update(
            &current,
            &Values::from([(Field::Description, format!("{verbs:?}"))]),
        )
        .await
        .unwrap();
        let made = crm
            .create(&Customer::new(Kind::Person).with(Field::Name, "نو"))
            .await
            .unwrap();
        assert_eq!(made, made.to_lowercase());
    }
}

#[tokio::test]
async fn case_31_what_bears_no_date_of_a_change_is_read_too() {
    let (simulator, crm) = simulated().await;
    let start = "2025-12-21T10:36:17.173Z".parse().unwrap();
    simulator.clock().freeze(start);
    simulator.crm().configure(|config| {
        config.modify_date_at_first_edit = true;
        config.max_page_size = 10;
    });
    let old: Vec<String> = (0..35)
        .map(|n| {
            simulator
                .clock()
                .advance(chrono::TimeDelta::milliseconds(if n % 3 == 0 { 0 } else { 40 }));
            person(&simulator, json!({"nickName": format!("کهنه {n}")}))
        })
        .collect();
    simulator
        .crm()
        .edit(&old[3], json!({"description": "ویرایش"}))
        .unwrap();
    simulator.clock().advance(chrono::TimeDelta::minutes(10));
    person(&simulator, json!({"nickName": "آخر"}));
    let (all, end) = read_all(&crm, None).await;
    assert_eq!(all.len(), 36);
    let cursor = end.cursor.unwrap();
    // A day later a new one, also without a date, and an edit of an old one.
    simulator.clock().advance(chrono::TimeDelta::days(1));
    let new = person(&simulator, json!({"nickName": "نو"}));
    simulator
        .crm()
        .edit(&old[20], json!({"description": "ویرایش"}))
        .unwrap();
    let made_at = simulator.clock().now();
    let (all, end) = read_all(&crm, Some(&cursor)).await;
    assert_eq!(
        all.len(),
        3,
        "the one that the overlap covers, the new one, and the edit"
    );
    assert!(all.contains_key(&new) && all.contains_key(&old[20]));
    assert!(end.cursor.unwrap() > cursor, "the cursor has moved on");
    let read = crm.read(&new, None).await.unwrap().unwrap();
    assert_eq!(read.modified_at, Some(made_at));
}

#[tokio::test]
async fn case_29_the_web_servers_own_page_names_the_field_and_is_no_outage() {
    let (simulator, crm) = simulated().await;
    let id = person(&simulator, json!({"nickName": "علی"}));
    let current = crm.read(&id, None).await.unwrap().unwrap();
    for status in [400, 403, 404, 500] {
        simulator
            .crm()
            .configure(|config| config.refuses_markup_with = status);
        let changes = Values::from([(Field::Description, "یک <b>مهم</b>".to_owned())]);
        let refused = crm.update(&current, &changes).await.unwrap_err();
        assert!(
            matches!(&refused, PortError::Refused(words) if words.contains("description")),
            "{status}: {refused}"
        );
        let changes = Values::from([(Field::Description, "3 < 4".to_owned())]);
        crm.update(&current, &changes).await.unwrap();
    }
}
