//! CRM objects: what the server adds, keeps, clears and forgets.

use serde_json::{Value, json};
use simulator::{Kind, config::UnknownId};

use crate::support::{world, world_with};

#[tokio::test]
async fn the_server_completes_a_new_person_and_keeps_the_rest() {
    let world = world().await;
    let id = world
        .create_person(json!({
            "firstName": "علی", "lastName": "رضایی", "hobbies": "کوهنوردی", "somethingNew": {"deep": [serde_json::from_str::<Value>("1.50").unwrap()]},
            "phoneContacts": [{"default": true, "phoneType": "موبایل", "phoneNumber": "۰۹۱۲"}],
            "categories": [{"key": "syaghcontact"}], "tags": ["a"],
            "extendedProperties": [{"userKey": "CreditLimit", "value": "5"}],
            "modifyDate": "2001-01-01T00:00:00", "customerNumber": null,
        }))
        .await;
    let person = world.person(&id).await;
    assert_eq!(person["nickName"], "علی رضایی");
    assert_eq!(person["customerNumber"], "100-10001");
    assert_eq!(person["crmObjectTypeCode"], "person");
    assert_eq!(person["phoneContacts"][0]["phoneNumber"], "۰۹۱۲");
    assert!(person["phoneContacts"][0]["id"].is_string());
    assert!(person["categories"][0]["id"].is_string());
    assert_eq!(person["extendedProperties"][0]["value"], "5");
    assert_eq!(person["somethingNew"]["deep"][0].to_string(), "1.50");
    assert_eq!(person["email"], Value::Null);
    assert!(person["rowVersion"].is_string(), "an undocumented property");
    let date = person["modifyDate"].as_str().unwrap();
    assert_eq!(date.len(), "2025-12-21T14:06:17.173".len());
    assert!(!date.starts_with("2001"));
    let local = world.sim.clock().local(chrono_tz::Asia::Tehran).to_string();
    assert_eq!(date[..10], local[..10]);
}

#[tokio::test]
async fn an_update_clears_what_is_left_out() {
    let world = world().await;
    let id = world
        .create_person(json!({
            "nickName": "علی", "email": "a@example.com", "tags": ["a"], "hobbies": "x",
            "phoneContacts": [{"phoneNumber": "1"}, {"phoneNumber": "2"}],
        }))
        .await;
    let mut person = world.person(&id).await;
    let first = person["phoneContacts"][0]["id"].clone();
    person["phoneContacts"] = json!([
        person["phoneContacts"][0], {"phoneNumber": "3"}, {"id": "not-known", "phoneNumber": "4"},
    ]);
    world.crm_ok("crmobject/person/update", person.clone()).await;
    let saved = world.person(&id).await;
    assert_eq!(saved["phoneContacts"][0]["id"], first);
    assert_ne!(saved["phoneContacts"][2]["id"], "not-known");
    assert_eq!(saved["hobbies"], "x");
    assert_eq!(saved["creatDate"], person["creatDate"]);
    assert!(saved["modifyDate"].as_str() > person["modifyDate"].as_str());
    world
        .crm_ok("crmobject/person/update", json!({"crmId": id, "nickName": "علی"}))
        .await;
    let cleared = world.person(&id).await;
    assert_eq!(cleared["nickName"], "علی");
    for property in ["email", "hobbies", "customerNumber"] {
        assert_eq!(cleared[property], Value::Null, "{property}");
    }
    assert_eq!(cleared["phoneContacts"], json!([]));
    assert_eq!(world.sim.crm().saves(&id).api, 3);
}

#[tokio::test]
async fn an_unknown_id_is_answered_as_configured() {
    let world = world().await;
    let id = world.create_person(json!({"nickName": "x"})).await;
    let (status, error) = world.crm("crmobject/organization/get", json!({"id": id})).await;
    assert_eq!((status.as_u16(), &error["code"]), (404, &json!(404)));
    assert_eq!(
        world.crm("crmobject/person/delete", json!({"id": id})).await.0,
        400
    );
    world
        .crm_ok("crmobject/person/delete", json!({"id": id, "option": 1}))
        .await;
    for (behaviour, expected) in [
        (UnknownId::NotFound, 404),
        (UnknownId::BadRequest, 400),
        (UnknownId::EmptyOk, 200),
    ] {
        world.sim.crm().configure(|config| config.unknown_id = behaviour);
        let (status, body) = world.crm("crmobject/person/get", json!({"id": id})).await;
        assert_eq!(status, expected);
        assert_eq!(behaviour == UnknownId::EmptyOk, body == "");
    }
}

#[tokio::test]
async fn a_quote_is_kept_to_the_last_digit() {
    let world = world().await;
    let text = r#"{"subject": "x", "crmObjectTypeCode": "PI_7", "finalValue": 12345678901234567890.10,
        "details": [{"productCode": "5", "count": 1.0000, "baseUnitPrice": 1250000.0075}]}"#;
    let quote: Value = serde_json::from_str(text).unwrap();
    let created = world.crm_ok("crmobject/quote/sales/create", quote).await;
    let id = created["crmId"].clone();
    let stored = world.crm_ok("crmobject/quote/sales/get", json!({"id": id})).await;
    assert_eq!(stored["finalValue"].to_string(), "12345678901234567890.10");
    assert_eq!(stored["details"][0]["count"].to_string(), "1.0000");
    assert_eq!(stored["details"][0]["baseUnitPrice"].to_string(), "1250000.0075");
    assert_eq!(stored["crmObjectTypeCode"], "PI_7");
    assert!(stored["number"].as_str().unwrap().starts_with("100-14"));
    assert_eq!(
        world
            .crm("crmobject/invoice/sales/get", json!({"id": id}))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn identities_are_searched_from_page_zero() {
    let world = world_with(|config| config.sample_data = true).await;
    let search = |page: u64, size: u64, term: &'static str| {
        let body = json!({"pageNumber": page, "pageSize": size, "searchTerm": term});
        let world = &world;
        async move {
            world
                .crm_ok("crmobject/identity/search", body)
                .await
                .as_array()
                .unwrap()
                .clone()
        }
    };
    let all = search(0, 500, "").await;
    assert_eq!(all.len(), 12);
    assert_eq!(search(0, 5, "").await[..], all[..5]);
    assert_eq!(search(2, 5, "").await[..], all[10..]);
    assert_eq!(search(3, 5, "").await.len(), 0);
    assert_eq!(search(0, 5, "09121112233").await.len(), 1);
    assert!(all[0]["identityId"].is_string() && all[0]["customerNo"].is_string());
}

#[tokio::test]
async fn a_users_edit_merges() {
    let world = world().await;
    let crm = world.sim.crm();
    let id = crm
        .create(Kind::Organization, json!({"nickName": "پارس", "email": "a@b.c"}))
        .unwrap();
    crm.edit(&id, json!({"email": null, "website": "https://x"}))
        .unwrap();
    let stored = crm.get(&id).unwrap();
    assert_eq!(stored["website"], "https://x");
    assert!(stored.get("email").is_none());
    assert_eq!(crm.saves(&id).user, 2);
    assert_eq!(crm.saves(&id).api, 0);
    crm.delete(&id).unwrap();
    assert!(crm.get(&id).is_none());
    assert!(crm.edit(&id, json!({})).is_err());
}
