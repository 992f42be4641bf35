//! Both ways, as users see it: edits meet, the later wins, nothing that is not mapped is touched, nothing loops.

use std::time::Duration;

use domain::store::Status;
use serde_json::{Value, json};
use simulator::sample;
use testkit::Engine;

use crate::deployment::{Deployment, Process};
use crate::polls::{QUICK, at_rest, looks, services};

const LIMIT: Duration = Duration::from_secs(30);

/// A deployment of either kind without webhooks: all is heard by polling.
async fn polling(engine: Engine) -> (Deployment, Vec<Process>) {
    let d = Deployment::new(engine, &QUICK).await;
    let processes = services(&d, engine);
    d.ready().await;
    (d, processes)
}

/// Every poll has looked once from now on, and no row waits.
async fn polled(d: &Deployment) {
    looks(d, 1).await;
    d.settled(LIMIT).await;
}

fn crm(d: &Deployment, id: &str, property: &str) -> Value {
    d.sim.crm().get(id).unwrap()[property].clone()
}

fn finance(d: &Deployment, code: i64, column: &str) -> Value {
    d.sim.finance().get(code).unwrap()[column].clone()
}

/// A customer that is in both systems, with many unmapped properties set on both sides; its id and code.
async fn met(d: &Deployment, seed: u64) -> (String, i64) {
    let customer = &sample::customers(seed, 1)[0];
    let mut object = customer.to_crm();
    for (property, value) in unmapped_in_crm().as_object().unwrap() {
        object[property] = value.clone();
    }
    let id = d.sim.crm().create(customer.kind, object).unwrap();
    d.eventually("created in finance", LIMIT, async || {
        !crm(d, &id, "refId").is_null()
    })
    .await;
    d.settled(LIMIT).await;
    let code: i64 = crm(d, &id, "refId").as_str().unwrap().parse().unwrap();
    d.edit_finance(code, unmapped_in_finance());
    polled(d).await;
    (id, code)
}

fn unmapped_in_crm() -> Value {
    json!({
        "subject": "موضوع", "economicCode": "411111111111", "alternativeEmail": "second@example.com",
        "tags": ["الف", "ب"], "extendedProperties": [{"userKey": "Grade", "value": "A"}, {"userKey": "Rate", "value": "1.50"}],
        "colorId": 7, "dontSms": true, "unknownToEverybody": {"deep": [1.0, 2]},
    })
}

fn unmapped_in_finance() -> Value {
    json!({
        "CityCode": 41, "CountryCode": 98, "Gender": 1, "AccountPartyCode": 3005, "MobileNo2": "09120000000",
        "TelNo2": "02100000000", "Email2": "x@example.com", "FatherName": "اکبر", "BirthDate": "1360/01/01",
    })
}

fn unmapped_is_untouched(d: &Deployment, id: &str, code: i64) {
    for (property, value) in unmapped_in_crm().as_object().unwrap() {
        assert_eq!(&crm(d, id, property), value, "{property}");
    }
    for (column, value) in unmapped_in_finance().as_object().unwrap() {
        assert_eq!(&finance(d, code, column), value, "{column}");
    }
}

async fn edits_meet_and_the_later_wins(engine: Engine) {
    let (d, _processes) = polling(engine).await;
    let (id, code) = met(&d, 21).await;

    // An edit on either side reaches the other within a poll.
    d.edit_crm(&id, json!({"email": "from-crm@example.com"}));
    polled(&d).await;
    assert_eq!(finance(&d, code, "Email"), "from-crm@example.com");
    d.edit_finance(code, json!({"Email": "from-finance@example.com"}));
    polled(&d).await;
    assert_eq!(crm(&d, &id, "email"), "from-finance@example.com");

    // Different fields at the same time: both live on both sides.
    d.edit_crm(&id, json!({"website": "https://new.example.com"}));
    d.edit_finance(code, json!({"Description": "یادداشت حسابداری"}));
    polled(&d).await;
    assert_eq!(finance(&d, code, "WebSiteAddress"), "https://new.example.com");
    assert_eq!(crm(&d, &id, "description"), "یادداشت حسابداری");

    // Two edits of one customer within a second.
    d.edit_crm(&id, json!({"email": "first@example.com"}));
    d.edit_crm(
        &id,
        json!({"email": "second@example.com", "website": "https://second.example.com"}),
    );
    polled(&d).await;
    assert_eq!(finance(&d, code, "Email"), "second@example.com");
    assert_eq!(finance(&d, code, "WebSiteAddress"), "https://second.example.com");
    unmapped_is_untouched(&d, &id, code);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_meet_and_the_later_wins_embedded() {
    edits_meet_and_the_later_wins(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_meet_and_the_later_wins_distributed() {
    edits_meet_and_the_later_wins(Engine::Postgres).await;
}

/// The same field on both sides, in both orders, with looks at finance between the edits while nobody carries
/// anything out: ingest polls, no worker runs.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_of_one_field_the_later_wins_in_both_orders() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _ingest = d.run("siagh-ingest", &[]);
    d.ready().await;
    for crm_is_later in [true, false] {
        let worker = d.run("siagh-worker", &[]);
        let (id, code) = met(&d, if crm_is_later { 31 } else { 32 }).await;
        assert_eq!(worker.stop(Duration::from_secs(20)), Some(0));
        let look = async || looks(&d, 1).await;
        let edit_crm = || d.edit_crm(&id, json!({"nickName": "نام از CRM"}));
        let edit_finance = || d.edit_finance(code, json!({"Name": "نام از مالی"}));
        if crm_is_later {
            edit_finance();
            look().await;
            edit_crm();
        } else {
            edit_crm();
            look().await;
            edit_finance();
        }
        look().await;
        let worker = d.run("siagh-worker", &[]);
        let winner = if crm_is_later {
            "نام از CRM"
        } else {
            "نام از مالی"
        };
        let loser = if crm_is_later {
            "نام از مالی"
        } else {
            "نام از CRM"
        };
        d.eventually("settled by the later edit", LIMIT, async || {
            crm(&d, &id, "nickName") == winner && finance(&d, code, "Name") == winner
        })
        .await;
        d.settled(LIMIT).await;
        let kept = d.rows().await.into_iter().any(|row| {
            let changes = row.changes.map(|changes| changes.to_string()).unwrap_or_default();
            row.status == Status::Success && changes.contains(loser) && changes.contains("later_wins")
        });
        assert!(kept, "the loser stands in an audit row");
        assert_eq!(worker.stop(Duration::from_secs(20)), Some(0));
    }
    d.db.drop_it().await;
}

async fn nothing_loops(engine: Engine) {
    let (d, _processes) = polling(engine).await;
    d.native_webhooks();
    d.sim
        .finance()
        .configure(|finance| finance.lossy = simulator::config::LossyConfig::everything());
    let long = "بسیار ".repeat(120);
    let awkward = [
        json!({"nickName": "شرکت|پخش\nسیب", "phoneContacts": [{"default": true, "phoneType": "موبایل", "phoneNumber": "+98 912 000 0001"}]}),
        json!({"nickName": "علي كريمي", "phoneContacts": [{"default": true, "phoneType": "موبایل", "phoneNumber": "۰۹۱۲۰۰۰۰۰۰۲"}]}),
        json!({"nickName": "مینا راد", "description": long, "email": "Mina@Example.com",
               "phoneContacts": [{"default": true, "phoneType": "موبایل", "phoneNumber": "09120000003"}]}),
    ];
    let ids: Vec<_> = awkward
        .iter()
        .map(|object| {
            d.sim
                .crm()
                .create(simulator::Kind::Person, object.clone())
                .unwrap()
        })
        .collect();
    for id in &ids {
        d.eventually("created in finance", LIMIT, async || {
            !crm(&d, id, "refId").is_null()
        })
        .await;
    }
    at_rest(&d).await;
    let saves = || d.sim.finance().stats().calls("SaveFormData") + d.sim.crm().stats().calls("/update");
    let before = saves();
    for id in &ids {
        d.sim.crm().announce(id).unwrap();
    }
    looks(&d, 10).await;
    d.settled(LIMIT).await;
    assert_eq!(saves(), before, "ten poll cycles and an echo each write nothing");
    for (id, typed) in ids.iter().zip(&awkward) {
        assert_eq!(
            crm(&d, id, "nickName"),
            typed["nickName"],
            "the richer side keeps its own"
        );
    }
    assert_eq!(d.sim.finance().contacts().len(), 3);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_loops_embedded() {
    nothing_loops(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_loops_distributed() {
    nothing_loops(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_of_finance_become_persons_and_organizations_of_the_crm() {
    let settings = [
        ("CUSTOMER_NUMBER_OFFSET", "10000"),
        ("CRM_CATEGORY_KEY", "from-finance"),
    ];
    let d = Deployment::new(Engine::Sqlite, &[&QUICK[..], &settings[..]].concat()).await;
    let _serve = services(&d, Engine::Sqlite);
    d.ready().await;
    let person = json!({"Name": "مینا راد", "MobileNo": "09123334455", "NationalCode": "0499370899", "TowardType": false});
    let company =
        json!({"Name": "شرکت آریا", "TelNo": "02188776655", "TowardType": true, "Address": "تهران، ونک"});
    let user = json!({"Name": "کاربر مالی", "MobileNo": "09120009999", "IsAdminUser": true});
    let codes = [person, company].map(|contact| d.sim.finance().create(contact).unwrap());
    d.sim.finance().create(user).unwrap();
    polled(&d).await;
    polled(&d).await;
    assert_eq!(d.sim.crm().count(), 2, "finance's own users are no customers");
    for (code, kind) in codes
        .into_iter()
        .zip([simulator::Kind::Person, simulator::Kind::Organization])
    {
        let found = d.sim.crm().find(kind, "refId", &code.to_string().into());
        let [object] = &found[..] else {
            panic!("{} of {code}", found.len())
        };
        assert_eq!(object["customerNumber"], format!("100-{}", code + 10_000));
        assert_eq!(object["categories"][0]["key"], "from-finance");
        assert_eq!(object["nickName"], d.sim.finance().get(code).unwrap()["Name"]);
    }
    let person = &d.sim.crm().list(simulator::Kind::Person)[0];
    assert_eq!(
        (&person["firstName"], &person["lastName"]),
        (&json!("مینا"), &json!("راد"))
    );
    assert_eq!(person["phoneContacts"][0]["phoneNumber"], "09123334455");
    d.db.drop_it().await;
}
