//! Translation, on answers that were recorded as JSON.

use domain::customer::Field as F;
use secrecy::SecretString;

use super::*;
use crate::config::Credentials;
use crate::wire;

const PERSON: &[u8] = include_bytes!("../tests/fixtures/person.json");
const ORGANIZATION: &[u8] = include_bytes!("../tests/fixtures/organization_pascal.json");

fn config() -> Config {
    Config::new("http://crm.test", Credentials::Token(SecretString::from("t")))
}

fn read(body: &[u8], kind: Kind) -> Snapshot {
    snapshot(wire::parse(body).unwrap().unwrap(), kind, &config()).unwrap()
}

fn person() -> Snapshot {
    read(PERSON, Kind::Person)
}

fn after(changes: &[(F, &str)]) -> Value {
    let before = person();
    let changes = changes
        .iter()
        .map(|(field, value)| (*field, (*value).to_owned()))
        .collect();
    changed(&before, &changes, &config())
}

#[test]
fn a_person_is_read_by_the_table() {
    let read = person();
    assert_eq!(read.id, "8a1f3c52-6f0e-4a9b-9c57-0d7d2a1b7e10");
    assert_eq!(
        read.modified_at,
        Some("2025-12-21T10:36:17.173Z".parse().unwrap())
    );
    let expected = Customer::new(Kind::Person)
        .with(F::Name, "علي رضایی")
        .with(F::Mobile, "09122222222")
        .with(F::Phone, "02188776655")
        .with(F::Email, "ali@example.com")
        .with(F::NationalId, "0012345679")
        .with(F::Description, "سطر یک\nسطر دو")
        .with(F::Address, "خیابان زند")
        .with(F::PostalCode, "7134567890")
        .with(F::CustomerNumber, "100-10255");
    assert_eq!(read.customer, expected);
}

#[test]
fn pascal_case_reads_alike_and_an_unknown_type_is_judged_by_its_number() {
    let read = read(ORGANIZATION, Kind::Organization);
    let expected = Customer::new(Kind::Organization)
        .with(F::Name, "شرکت آریا")
        .with(F::Mobile, "09301234567")
        .with(F::Phone, "02122334455")
        .with(F::Address, "جاده مخصوص")
        .with(F::CustomerNumber, "100-10300")
        .with(F::FinanceCode, "1007");
    assert_eq!(read.customer, expected);
    assert_eq!(read.modified_at, Some("2025-06-01T04:30:00Z".parse().unwrap()));
    assert_eq!(read.whole["registerNumber"], "4455");
}

#[test]
fn nothing_changes_but_what_is_to_change() {
    let text = |value: &Value| value.to_string();
    assert_eq!(text(&after(&[])), text(&person().whole));
    let mut expected = person().whole;
    expected["phoneContacts"][3]["phoneNumber"] = Value::from("09123333333");
    expected["phoneContacts"][1]["phoneNumber"] = Value::from("02100000000");
    expected["addressContacts"][1]["address"] = Value::Null;
    expected["email"] = Value::Null;
    expected["refId"] = Value::from("1001");
    let changes = [
        (F::Mobile, "09123333333"),
        (F::Phone, "02100000000"),
        (F::Address, " "),
        (F::Email, ""),
        (F::FinanceCode, "1001"),
    ];
    assert_eq!(text(&after(&changes)), text(&expected));
}

#[test]
fn unknown_numbers_keep_their_digits() {
    let text = after(&[(F::Email, "x@y.ir")]).to_string();
    for number in ["12345678901234567890.1230", "1.0000", "52.5310", "1.50"] {
        assert!(text.contains(number), "{number}");
    }
}

#[test]
fn a_cleared_mobile_takes_its_own_entry_only() {
    let object = after(&[(F::Mobile, "")]);
    let ids: Vec<_> = object["phoneContacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| text(entry, "id"))
        .collect();
    assert_eq!(ids, ["p1", "p2", "p3"]);
}

#[test]
fn names_follow_while_they_join_to_the_old_one() {
    let object = after(&[(F::Name, "حسین  کریمی نژاد")]);
    assert_eq!(
        [&object["nickName"], &object["firstName"], &object["lastName"]],
        ["حسین  کریمی نژاد", "حسین", "کریمی نژاد"]
    );
    let mut whole = person().whole;
    whole["nickName"] = Value::from("دکتر رضایی");
    let changes = Values::from([(F::Name, "مهندس رضایی".to_owned())]);
    let object = changed(
        &snapshot(whole.clone(), Kind::Person, &config()).unwrap(),
        &changes,
        &config(),
    );
    assert_eq!(
        [&object["nickName"], &object["firstName"], &object["lastName"]],
        ["مهندس رضایی", "علی", "رضایی"]
    );
    whole["nickName"] = Value::from(" ");
    assert_eq!(
        snapshot(whole, Kind::Person, &config())
            .unwrap()
            .customer
            .get(F::Name),
        "علی رضایی"
    );
}

#[test]
fn what_is_missing_is_added_and_an_entry_that_lies_empty_is_filled() {
    let customer = Customer::new(Kind::Organization)
        .with(F::Name, "شرکت آریا تک")
        .with(F::Mobile, "09121234567")
        .with(F::Phone, "0211")
        .with(F::PostalCode, "123")
        .with(F::Active, "1")
        .with(F::FinanceCode, "22");
    let config = Config {
        category: Some("syaghcontact".into()),
        ..config()
    };
    let expected = serde_json::json!({
        "crmObjectTypeCode": "organization", "nickName": "شرکت آریا تک", "refId": "22",
        "phoneContacts": [
            {"default": true, "phoneType": "Mobile", "phoneNumber": "09121234567"},
            {"default": false, "phoneType": "Office", "phoneNumber": "0211"},
        ],
        "addressContacts": [{"default": true, "zipCode": "123"}],
        "categories": [{"key": "syaghcontact"}],
    });
    assert_eq!(created(&customer, &config), expected);

    let whole = serde_json::json!({"phoneContacts": [{"id": "1", "phoneType": "همراه", "phoneNumber": null}, null, "x"], "addressContacts": [null, "y"]});
    let changes = Values::from([
        (F::Mobile, "0912".to_owned()),
        (F::Phone, "021".to_owned()),
        (F::Address, "آ".to_owned()),
    ]);
    let object = changed(
        &snapshot(whole, Kind::Person, &config).unwrap(),
        &changes,
        &config,
    );
    assert_eq!(
        object["phoneContacts"][0],
        serde_json::json!({"id": "1", "phoneType": "همراه", "phoneNumber": "0912"})
    );
    assert_eq!(
        object["phoneContacts"][3],
        serde_json::json!({"default": true, "phoneType": "Office", "phoneNumber": "021"})
    );
    assert_eq!(object["addressContacts"][2]["address"], "آ");
}

#[test]
fn a_created_person_has_both_names() {
    let object = created(
        &Customer::new(Kind::Person).with(F::Name, "علی رضایی فرد"),
        &config(),
    );
    assert_eq!([&object["firstName"], &object["lastName"]], ["علی", "رضایی فرد"]);
    let object = created(&Customer::new(Kind::Person).with(F::Name, "علی"), &config());
    assert_eq!(
        (&object["firstName"], &object["lastName"]),
        (&Value::from("علی"), &Value::Null)
    );
}

#[test]
fn a_field_may_stand_in_an_extended_property() {
    let config = Config {
        extended: [(F::Website, "Shop".to_owned())].into(),
        ..config()
    };
    let mut whole = person().whole;
    let read = |whole: &Value| snapshot(whole.clone(), Kind::Person, &config).unwrap();
    whole.as_object_mut().unwrap().remove("extendedProperties");
    assert!(
        read(&whole).customer.hidden.contains(&F::Website),
        "not shown is not empty"
    );
    whole["extendedProperties"] =
        serde_json::json!([{"userKey": "Grade", "value": "A"}, {"userKey": "Shop", "value": "pars.ir"}]);
    whole["website"] = "elsewhere.ir".into();
    let before = read(&whole);
    assert_eq!(before.customer.get(F::Website), "pars.ir");
    let object = changed(
        &before,
        &Values::from([(F::Website, "nou.ir".to_owned())]),
        &config,
    );
    let mut expected = before.whole.clone();
    expected["extendedProperties"][1]["value"] = "nou.ir".into();
    assert_eq!(object, expected, "and nothing else changes");
    let made = created(&Customer::new(Kind::Person).with(F::Website, "a.ir"), &config);
    assert_eq!(
        made["extendedProperties"],
        serde_json::json!([{"userKey": "Shop", "value": "a.ir"}])
    );
    assert_eq!(made.get("website"), None);
}
