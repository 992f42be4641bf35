//! Reading, finding, creating and saving customers.

use std::collections::BTreeSet;

use domain::customer::{Customer, Field as F, Kind, Values};
use domain::ports::{Customers, MatchKeys};
use serde_json::{Value, json};
use simulator::{Kind as Made, Simulator};
use testkit::calls::logged;

use crate::support::simulated;

/// A person with many properties that this system does not map.
fn rich() -> Value {
    let mut object = json!({
        "nickName": "علی رضایی", "firstName": "علی", "lastName": "رضایی", "email": "ali@example.com",
        "nationalCode": "0012345679", "score": 1.0000, "tags": ["vip"], "gender": 1, "stageId": "s-1",
        "extendedProperties": [{"userKey": "k", "value": "v"}],
        "phoneContacts": [
            {"id": "00000000-0000-4000-8000-000000000001", "default": false, "phoneType": "فکس", "phoneNumber": "0211"},
            {"id": "00000000-0000-4000-8000-000000000002", "default": true, "phoneType": "موبایل", "phoneNumber": "09121111111", "extension": "9"},
            {"id": "00000000-0000-4000-8000-000000000003", "default": false, "phoneType": "دفتر", "phoneNumber": "02122222222"},
        ],
        "addressContacts": [{"id": "00000000-0000-4000-8000-000000000004", "default": true, "city": "شیراز", "state": "فارس", "address": "زند", "zipCode": "1"}],
        "organizations": [{"id": "o", "title": "مدیر"}], "employees": [],
    });
    for index in 0..40 {
        object[format!("custom{index}")] = json!({"value": index, "deep": [{"text": format!("t{index}")}]});
    }
    object
}

async fn seeded() -> (Simulator, payamgostar::Payamgostar, String) {
    let (simulator, crm) = simulated().await;
    let id = simulator.crm().seed(Made::Person, rich()).unwrap();
    (simulator, crm, id)
}

fn without_dates(mut object: Value) -> Value {
    for of_the_server in ["modifyDate", "rowVersion"] {
        object.as_object_mut().unwrap().remove(of_the_server);
    }
    object
}

#[tokio::test]
async fn a_save_preserves_whatever_it_does_not_change_in_either_spelling() {
    for pascal in [false, true] {
        let (simulator, crm, id) = seeded().await;
        simulator.crm().configure(|config| config.pascal_case = pascal);
        let mut expected = without_dates(simulator.crm().get_as_answered(&id).unwrap());
        let current = crm.read(&id, None).await.unwrap().unwrap();
        let changes = Values::from([
            (F::Name, "علی رضایی فرد".to_owned()),
            (F::Mobile, "09129999999".to_owned()),
            (F::Website, "https://a.ir".to_owned()),
            (F::NationalId, String::new()),
        ]);
        crm.update(&current, &changes).await.unwrap();
        expected["nickName"] = json!("علی رضایی فرد");
        expected["lastName"] = json!("رضایی فرد");
        expected["phoneContacts"][1]["phoneNumber"] = json!("09129999999");
        expected["website"] = json!("https://a.ir");
        expected["nationalCode"] = Value::Null;
        assert_eq!(
            without_dates(simulator.crm().get_as_answered(&id).unwrap()),
            expected,
            "pascal: {pascal}"
        );
        let read = crm.read(&id, Some(Kind::Person)).await.unwrap().unwrap();
        assert_eq!(read.customer.get(F::Mobile), "09129999999");
        assert_eq!(read.customer.get(F::NationalId), "");
    }
}

#[tokio::test]
async fn the_hinted_kind_is_asked_first() {
    let (simulator, crm) = simulated().await;
    let id = simulator
        .crm()
        .seed(Made::Organization, json!({"nickName": "آریا"}))
        .unwrap();
    assert!(crm.read(&id, Some(Kind::Organization)).await.unwrap().is_some());
    assert_eq!(simulator.crm().stats().calls("person/get"), 0);
    let read = crm.read(&id.to_uppercase(), None).await.unwrap().unwrap();
    assert_eq!((read.customer.kind, read.id), (Kind::Organization, id));
    assert_eq!(simulator.crm().stats().calls("person/get"), 1);
}

#[tokio::test]
async fn what_is_created_reads_back() {
    let (simulator, crm) = simulated().await;
    let customer = Customer::new(Kind::Organization)
        .with(F::Name, "شرکت آریا")
        .with(F::Mobile, "09121234567")
        .with(F::Phone, "02122334455")
        .with(F::Email, "i@arya.ir")
        .with(F::Address, "تهران\nزند")
        .with(F::PostalCode, "1234567890")
        .with(F::FinanceCode, "1007")
        .with(F::CustomerNumber, "100-7");
    let id = crm.create(&customer).await.unwrap();
    let read = crm.read(&id, Some(Kind::Organization)).await.unwrap().unwrap();
    assert_eq!(read.customer, customer);
    let skew = read.modified_at.unwrap() - simulator.clock().now();
    assert!(skew.num_seconds().abs() < 60, "{skew}");
}

#[tokio::test]
async fn customers_are_found_by_any_key_and_each_once() {
    let (simulator, crm, ali) = seeded().await;
    let seed = |kind, object| simulator.crm().seed(kind, object).unwrap();
    let by_ref = seed(Made::Organization, json!({"nickName": "ب", "refId": "22"}));
    let by_number = seed(
        Made::Person,
        json!({"nickName": "ج", "customerNumber": "100-505"}),
    );
    let by_mobile = seed(
        Made::Organization,
        json!({"nickName": "د", "phoneContacts": [{"phoneType": "Mobile", "phoneNumber": "+989123451237"}]}),
    );
    seed(Made::Person, json!({"nickName": "09123451237"}));
    seed(
        Made::Person,
        json!({"nickName": "بیگانه", "email": "other@example.com"}),
    );
    let key = |text: &str| Some(text.to_owned());
    let keys = MatchKeys {
        id: key("22"),
        customer_number: key("100-505"),
        national_id: key("۰۰۱۲۳۴۵۶۷۹"),
        mobile: key("0912 345 1237"),
        email: key("ALI@example.com"),
    };
    simulator.reset_stats();
    let found = crm.find(&keys).await.unwrap().records;
    let ids: BTreeSet<_> = found.iter().map(|snapshot| snapshot.id.clone()).collect();
    assert_eq!(ids, BTreeSet::from([ali, by_ref, by_number, by_mobile]));
    assert_eq!(found.len(), 4);
    assert_eq!(
        (
            simulator.crm().stats().calls("/find"),
            simulator.crm().stats().calls("identity/search")
        ),
        (2, 1)
    );
    simulator.reset_stats();
    assert!(crm.find(&MatchKeys::default()).await.unwrap().records.is_empty());
    assert_eq!(simulator.crm().stats().snapshot().requests, 0);
}

#[tokio::test]
async fn logs_hold_neither_secrets_nor_customers_and_spans_say_what_was_called() {
    let (simulator, crm, id) = seeded().await;
    let current = crm.read(&id, None).await.unwrap().unwrap();
    let changes = Values::from([(F::Mobile, "09120000001".to_owned())]);
    crm.update(&current, &changes).await.unwrap();
    simulator
        .crm()
        .configure(|config| config.password = "x".to_owned());
    simulator.crm().expire_everything();
    crm.read(&id, None).await.unwrap_err();
    // What all tests of this process have logged so far, at TRACE.
    let text = logged();
    for secret in [
        "crm-password",
        "Bearer",
        "09120000001",
        "09121111111",
        "ali@example.com",
        "رضایی",
        "simulator-api-token",
    ] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    let span = |line: &&str| {
        line.contains("POST /api/v2/crmobject/person/update")
            && line.contains("http.response.status_code=200")
    };
    assert!(text.lines().any(|line| span(&line)));
}
