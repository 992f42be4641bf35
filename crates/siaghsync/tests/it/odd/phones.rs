//! Of several telephones of the CRM only one is linked: nothing that finance does touches the others.

use serde_json::{Value, json};
use testkit::Engine;

use super::{code_of, held, in_crm, polled};
use crate::deployment::Deployment;
use crate::polls::{QUICK, at_rest, services};

fn phone(kind: &str, number: &str, default: bool) -> Value {
    json!({"phoneType": kind, "phoneNumber": number, "default": default})
}

fn numbers(d: &Deployment, id: &str) -> Vec<String> {
    let object = d.sim.crm().get(id).unwrap();
    let all = object["phoneContacts"].as_array().unwrap().iter();
    all.map(|entry| entry["phoneNumber"].as_str().unwrap().to_owned())
        .collect()
}

/// A customer of these telephones, linked, and the number that finance shows in that column.
async fn linked(d: &Deployment, phones: &[Value], column: &str, shows: &str) -> (String, i64) {
    let id = in_crm(
        d,
        json!({"nickName": "علی رضایی", "email": "ali@example.com", "phoneContacts": phones}),
    );
    polled(d).await;
    at_rest(d).await;
    let code = code_of(d, &id);
    assert_eq!(held(d, code, column), shows);
    (id, code)
}

/// Finance clears the column, the CRM edits something else, finance gives it another number.
async fn cleared_and_set_again(d: &Deployment, id: &str, code: i64, column: &str, others: &[&str]) {
    d.edit_finance(code, json!({ column: null }));
    polled(d).await;
    at_rest(d).await;
    assert_eq!(numbers(d, id), others, "only the linked one is cleared");
    d.edit_crm(id, json!({"website": "ali.example.com"}));
    polled(d).await;
    at_rest(d).await;
    assert_eq!(held(d, code, "WebSiteAddress"), "ali.example.com");
    assert_eq!(
        held(d, code, column),
        Value::Null,
        "no other moves up into its place"
    );
    assert_eq!(numbers(d, id), others);
    let new = if column == "MobileNo" {
        "09351112233"
    } else {
        "02188990011"
    };
    d.edit_finance(code, json!({ column: new }));
    polled(d).await;
    at_rest(d).await;
    let mut now = numbers(d, id);
    now.retain(|number| number != new);
    assert_eq!(now, others, "beside the others");
    assert_eq!(numbers(d, id).len(), others.len() + 1);
    assert_eq!(held(d, code, column), new);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_20_only_the_mobile_that_was_linked_is_cleared() {
    for strategy in ["finance_priority", "crm_priority"] {
        let settings = [&QUICK[..], &[("CONFLICT_STRATEGY", strategy)]].concat();
        let d = Deployment::new(Engine::Sqlite, &settings).await;
        let _services = services(&d, Engine::Sqlite);
        d.ready().await;
        let phones = [
            phone("Mobile", "09120000001", false),
            phone("موبایل", "09120000002", true),
            phone("Office", "02188000000", false),
            phone("همراه", "09120000003", false),
        ];
        let (id, code) = linked(&d, &phones, "MobileNo", "09120000002").await;
        let others = ["09120000001", "02188000000", "09120000003"];
        cleared_and_set_again(&d, &id, code, "MobileNo", &others).await;
        assert_eq!(held(&d, code, "TelNo"), "02188000000");
        d.db.drop_it().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_20_of_several_landlines_as_well_and_when_both_sides_are_edited() {
    let settings = [&QUICK[..], &[("CONFLICT_STRATEGY", "finance_priority")]].concat();
    let d = Deployment::new(Engine::Postgres, &settings).await;
    let ingest = d.run("siagh-ingest", &[]);
    let worker = d.run("siagh-worker", &[]);
    d.ready().await;
    let phones = [
        phone("دفتر", "02188000000", false),
        phone("همراه", "09120000002", true),
        phone("Office", "02177000000", false),
    ];
    let (id, code) = linked(&d, &phones, "TelNo", "02188000000").await;
    cleared_and_set_again(&d, &id, code, "TelNo", &["09120000002", "02177000000"]).await;
    // Sales types another linked mobile while finance clears it, and nobody carries anything out.
    assert_eq!(worker.stop(super::LIMIT), Some(0));
    let mut entries = d.sim.crm().get(&id).unwrap()["phoneContacts"].clone();
    let mobile = entries.as_array_mut().unwrap().iter_mut();
    for entry in mobile.filter(|entry| entry["phoneNumber"] == "09120000002") {
        entry["phoneNumber"] = json!("09120000009");
    }
    d.edit_crm(&id, json!({"phoneContacts": entries}));
    d.edit_finance(code, json!({"MobileNo": null}));
    crate::polls::looks(&d, 2).await;
    let _worker = d.run("siagh-worker", &[]);
    d.settled(super::LIMIT).await;
    at_rest(&d).await;
    assert_eq!(held(&d, code, "MobileNo"), Value::Null, "finance has priority");
    let left = numbers(&d, &id);
    assert!(!left.contains(&"09120000009".to_owned()), "{left:?}");
    assert!(
        left.contains(&"02177000000".to_owned()) && left.contains(&"02188990011".to_owned()),
        "{left:?}"
    );
    let told = d
        .rows()
        .await
        .into_iter()
        .filter_map(|row| Some(row.changes?.to_string()));
    assert!(
        told.into_iter().any(|changes| changes.contains("09120000009")),
        "the loser is told"
    );
    drop(ingest);
    d.db.drop_it().await;
}
