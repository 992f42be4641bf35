//! Telephones that finance gives to one contact only: two that swap theirs, and one that was merged into another.

use domain::store::Status;
use domain::store::entities::log;
use serde_json::{Value, json};
use simulator::Kind as Made;
use testkit::Engine;

use super::{LIMIT, code_of, held, polled};
use crate::deployment::Deployment;
use crate::polls::{QUICK, services};

fn phones(mobile: &str) -> Value {
    json!([{"phoneType": "Mobile", "default": true, "phoneNumber": mobile}])
}

fn person(d: &Deployment, name: &str, mobile: &str, email: &str) -> String {
    let object = json!({"nickName": name, "email": email, "phoneContacts": phones(mobile)});
    d.sim.crm().create(Made::Person, object).unwrap()
}

async fn ended(d: &Deployment, status: Status) -> Vec<log::Model> {
    let rows = d.rows().await;
    rows.into_iter().filter(|row| row.status == status).collect()
}

const ALI: &str = "09123450017";
const MINA: &str = "09352221346";
const KAVEH: &str = "09121234569";

/// How many rows wait, or have failed.
async fn waiting(d: &Deployment) -> usize {
    ended(d, Status::Conflict).await.len() + ended(d, Status::Failed).await.len()
}

fn mobile(d: &Deployment, code: i64) -> Value {
    held(d, code, "MobileNo")
}

/// Two people, and their codes.
async fn two(d: &Deployment) -> ([String; 2], [i64; 2]) {
    let ids = [
        person(d, "علی رضایی", ALI, "ali@example.com"),
        person(d, "مینا کریمی", MINA, "mina@example.com"),
    ];
    polled(d).await;
    let codes = ids.clone().map(|id| code_of(d, &id));
    (ids, codes)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_13_two_that_swap_their_mobiles_are_told_of_each_other() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _services = services(&d, Engine::Postgres);
    d.ready().await;
    let (ids, codes) = two(&d).await;
    // Nobody hears of one without the other.
    d.edit_crm(
        &ids[0],
        json!({"phoneContacts": phones(MINA), "website": "ali.example.com"}),
    );
    d.edit_crm(
        &ids[1],
        json!({"phoneContacts": phones(ALI), "website": "mina.example.com"}),
    );
    polled(&d).await;
    polled(&d).await;
    let waits = ended(&d, Status::Conflict).await;
    assert_eq!(waits.len(), 2, "{:?}", d.rows().await);
    for row in &waits {
        let said = row.error_message.as_deref().unwrap();
        for code in codes {
            assert!(said.contains(&code.to_string()), "{code} in {said}");
        }
    }
    assert_eq!(held(&d, codes[0], "WebSiteAddress"), "ali.example.com");
    assert_eq!(held(&d, codes[1], "WebSiteAddress"), "mina.example.com");
    assert_eq!([ALI, MINA].map(Value::from), codes.map(|code| mobile(&d, code)));
    // Somebody does what the rows say.
    d.edit_crm(&ids[0], json!({"phoneContacts": []}));
    d.eventually("hers has arrived", LIMIT, async || mobile(&d, codes[1]) == ALI)
        .await;
    d.edit_crm(&ids[0], json!({"phoneContacts": phones(MINA)}));
    d.eventually("his has arrived", LIMIT, async || mobile(&d, codes[0]) == MINA)
        .await;
    d.settled(LIMIT).await;
    assert_eq!(waiting(&d).await, 0);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_13_of_three_in_a_ring_each_is_told() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _services = services(&d, Engine::Postgres);
    d.ready().await;
    let (ids, codes) = two(&d).await;
    let third = person(&d, "کاوه پورداد", KAVEH, "kaveh@example.com");
    polled(&d).await;
    for (id, mobile) in [(&ids[0], MINA), (&ids[1], KAVEH), (&third, ALI)] {
        d.edit_crm(id, json!({"phoneContacts": phones(mobile)}));
    }
    polled(&d).await;
    polled(&d).await;
    assert_eq!(waiting(&d).await, 3, "each is told who holds the number");
    d.edit_crm(&third, json!({"phoneContacts": []}));
    d.eventually("the ring is open", LIMIT, async || {
        mobile(&d, codes[1]) == KAVEH && mobile(&d, codes[0]) == MINA
    })
    .await;
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_30_of_one_that_was_merged_the_survivors_row_names_the_contact_that_holds_the_mobile() {
    let d = Deployment::new(Engine::Sqlite, &QUICK).await;
    let _services = services(&d, Engine::Sqlite);
    d.ready().await;
    d.native_webhooks();
    d.document_webhooks();
    let survivor = person(&d, "علی رضایی", ALI, "ali@example.com");
    let merged = person(&d, "بازرگانی رضایی", MINA, "shop@example.com");
    d.settled(LIMIT).await;
    let codes = [&survivor, &merged].map(|id| code_of(&d, id));
    d.sim.crm().delete(&merged).unwrap();
    d.edit_crm(
        &survivor,
        json!({"phoneContacts": phones(MINA), "website": "ali.example.com"}),
    );
    d.settled(LIMIT).await;
    let waits = ended(&d, Status::Failed).await;
    let said: Vec<&str> = waits
        .iter()
        .filter_map(|row| row.error_message.as_deref())
        .collect();
    // Heard of by webhook and by poll.
    assert!((1..=2).contains(&said.len()), "{said:?}");
    for part in [
        &codes[1].to_string(),
        &merged,
        "merged into this one",
        "take the value out",
    ] {
        assert!(said[0].contains(part), "{part} in {said:?}");
    }
    assert_eq!(
        held(&d, codes[0], "WebSiteAddress"),
        "ali.example.com",
        "its other fields go on"
    );
    let rows = json!([{"productCode": "5001", "count": 1, "baseUnitPrice": 10, "isService": false}]);
    let quote = json!({"identityId": survivor, "quoteDate": "2025-12-21T10:00:00", "details": rows});
    d.sim.crm().create(Made::Quote, quote).unwrap();
    d.settled(LIMIT).await;
    let issued = d.sim.finance().documents();
    assert_eq!(issued.len(), 1, "and its quotes");
    assert_eq!(issued[0].customer, codes[0]);
    // The accountant does what the row says: by itself it arrives.
    d.edit_finance(codes[1], json!({"MobileNo": null}));
    d.eventually("arrived", LIMIT, async || held(&d, codes[0], "MobileNo") == MINA)
        .await;
    d.settled(LIMIT).await;
    d.eventually("nothing waits for it any more", LIMIT, async || {
        ended(&d, Status::Failed).await.is_empty()
    })
    .await;
    assert_eq!(
        held(&d, codes[1], "Name"),
        "بازرگانی رضایی",
        "which is left as it is"
    );
    d.db.drop_it().await;
}
