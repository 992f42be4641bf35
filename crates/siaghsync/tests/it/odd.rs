//! Data as people and systems really have it (`cases.md`), from end to end: with real processes on a real database.

mod capitals;
mod clocks;
mod forms;
mod ids;
mod kinds;
mod many;
mod phones;
mod province;
mod restored;
mod taken;
mod undated;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::store::Status;
use domain::store::entities::log;
use serde_json::json;
use simulator::{FaultKind, FaultRule, Kind as Made, System};
use testkit::Engine;

use crate::deployment::Deployment;
use crate::polls::{QUICK, looks, services};

/// As long as anything here may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Every poll has looked from now on, and no row waits.
async fn polled(d: &Deployment) {
    looks(d, 1).await;
    d.settled(LIMIT).await;
}

/// The finance code of a customer that is linked.
fn code_of(d: &Deployment, id: &str) -> i64 {
    let object = d.sim.crm().get(id).unwrap();
    let noted = object["refId"]
        .as_str()
        .unwrap_or_else(|| panic!("not linked: {object}"));
    noted.parse().unwrap()
}

/// What a contact holds in that column, null where there is nothing.
fn held(d: &Deployment, code: i64, column: &str) -> serde_json::Value {
    d.sim.finance().get(code).unwrap()[column].clone()
}

fn saves(d: &Deployment) -> u64 {
    d.sim.finance().stats().calls("SaveFormData") + d.sim.crm().stats().calls("/update")
}

fn in_crm(d: &Deployment, object: serde_json::Value) -> String {
    d.sim.crm().seed(Made::Person, object).unwrap()
}

fn finance_names(d: &Deployment) -> Vec<String> {
    let contacts = d.sim.finance().contacts();
    let names = contacts
        .iter()
        .map(|contact| contact["Name"].as_str().unwrap().to_owned());
    names.collect()
}

async fn failed(d: &Deployment) -> usize {
    let rows = d.rows().await.into_iter();
    rows.filter(|row| row.status == Status::Failed).count()
}

/// From now on a marked text is half a surrogate, or nested too deeply, in what both systems answer.
fn odd_texts(d: &Deployment) {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let texts = BTreeMap::from([
        ("HALF".to_owned(), "\\ud83d".to_owned()),
        ("\"BREAK\"".to_owned(), deep),
    ]);
    d.sim.crm().configure(|config| config.raw_texts = texts.clone());
    d.sim
        .finance()
        .configure(|config| config.raw_texts = texts.clone());
}

async fn both_are_counted(d: &Deployment) {
    let scrape = d.http.get(d.url("/metrics")).send().await.unwrap();
    let scrape = scrape.text().await.unwrap();
    for system in ["crm", "finance"] {
        let told = format!("poll_records_set_aside{{system=\"{system}\",record=\"customer\"}} 1");
        assert!(scrape.lines().any(|line| line == told), "{scrape}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_10_three_odd_records_of_many_are_repaired_or_listed_and_all_others_are_synced() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    odd_texts(&d);
    in_crm(&d, json!({"nickName": "علی HALFرضایی"}));
    in_crm(&d, json!({"nickName": "مینا\0 کریمی"}));
    let broken = in_crm(&d, json!({"nickName": "خراب", "subject": "BREAK"}));
    // Fewer than the guard looks at on a first day.
    for n in 0..40 {
        in_crm(
            &d,
            json!({"nickName": format!("خوب {n}"), "email": format!("good{n}@example.com")}),
        );
    }
    let odd_contact = d
        .sim
        .finance()
        .seed(json!({"Name": "خراب در مالی", "Email2": "BREAK"}))
        .unwrap();
    let _services = services(&d, Engine::Postgres);
    d.ready().await;
    looks(&d, 2).await;
    d.settled(Duration::from_secs(90)).await;

    let names = finance_names(&d);
    assert_eq!(
        names.len(),
        43,
        "40 good ones, two that were repaired, and finance's own"
    );
    for repaired in ["علی رضایی", "مینا کریمی"] {
        assert!(names.iter().any(|name| name == repaired), "{names:?}");
    }
    let (code, said) = d.siaghsync(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    for (id, why) in [(broken.clone(), "subject"), (odd_contact.to_string(), "Email2")] {
        let line = said
            .lines()
            .find(|line| line.contains("set aside") && line.contains(&id));
        assert!(line.is_some_and(|line| line.contains(why)), "{id}: {said}");
    }
    both_are_counted(&d).await;

    // Corrected, they are like all others.
    d.edit_crm(&broken, json!({"subject": "x"}));
    d.edit_finance(odd_contact, json!({"Email2": "a@b.ir"}));
    looks(&d, 2).await;
    d.settled(Duration::from_secs(60)).await;
    assert!(finance_names(&d).contains(&"خراب".to_owned()));
    let (_, said) = d.siaghsync(&["check"]);
    assert!(!said.contains("set aside"), "{said}");
    assert_eq!(failed(&d).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_19_nobody_calls_before_the_time_that_was_asked_for() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _services = ["siagh-ingest", "siagh-worker", "siagh-worker"].map(|name| d.run(name, &[]));
    d.ready().await;
    d.native_webhooks();
    for (kind, dated) in [
        (FaultKind::TooManyRequests, false),
        (FaultKind::UnavailableFor, true),
    ] {
        let mut rule = FaultRule::next(System::Finance, "", kind, 1).retry_after(5);
        rule.retry_after_as_date = dated;
        let asked_before = d.sim.finance().stats().snapshot().requests;
        d.sim.faults().add(rule);
        d.sim
            .crm()
            .create(
                Made::Person,
                json!({"nickName": format!("علی {kind:?}"), "email": format!("{kind:?}@b.ir")}),
            )
            .unwrap();
        d.eventually("asked", Duration::from_secs(20), async || {
            d.sim.finance().stats().snapshot().requests > asked_before
        })
        .await;
        let began = Instant::now();
        // The other processes hear of it within a second; what was under way may still arrive.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        for n in 0..20 {
            let object =
                json!({"nickName": format!("مینا {kind:?} {n}"), "email": format!("{kind:?}{n}@b.ir")});
            d.sim.crm().create(Made::Person, object).unwrap();
        }
        let quiet = d.sim.finance().stats().snapshot().requests;
        tokio::time::sleep(Duration::from_millis(4500).saturating_sub(began.elapsed())).await;
        assert_eq!(
            d.sim.finance().stats().snapshot().requests,
            quiet,
            "{kind:?}: nobody calls"
        );
        d.settled(Duration::from_secs(60)).await;
    }
    assert_eq!(finance_names(&d).len(), 42);
    for row in d.rows().await {
        assert_eq!(row.retry_count, 0, "no try is used up: {:?}", row.error_message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_29_a_tag_that_finances_web_server_refuses_fails_that_record_alone() {
    let d = Deployment::new(Engine::Sqlite, &QUICK).await;
    d.sim
        .finance()
        .configure(|config| config.refuses_markup_with = 500);
    let _services = services(&d, Engine::Sqlite);
    d.ready().await;
    d.native_webhooks();
    let mut odd = Vec::new();
    for n in 0..12 {
        let description = if n % 2 == 0 { "یک <b>مهم</b>" } else { "3 < 4" };
        let object = json!({"nickName": format!("علی {n}"), "email": format!("a{n}@b.ir"), "description": description});
        let id = d.sim.crm().create(Made::Person, object).unwrap();
        odd.extend((n % 2 == 0).then_some(id));
    }
    d.settled(Duration::from_secs(60)).await;
    assert_eq!(finance_names(&d).len(), 6, "the others go on");
    let rows = d.rows().await;
    for id in odd {
        // Heard of by webhook and poll: one run may cover both rows, whichever came first.
        let ran = |row: &&log::Model| row.source_entity_id == id && row.covered_by.is_none();
        let row = rows.iter().rfind(ran).unwrap();
        let said = row.error_message.clone().unwrap_or_default();
        assert_eq!(
            (row.status, row.error_class.as_deref()),
            (Status::Failed, Some("refused")),
            "{said}"
        );
        assert!(said.contains("description") && !said.contains("مهم"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_12_a_mobile_moves_from_one_customer_to_another_and_arrives_by_itself() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let d = Deployment::new(engine, &QUICK).await;
        let _services = services(&d, engine);
        d.ready().await;
        d.native_webhooks();
        let person = |name: &str, mobile: &str, email: &str| {
            let phones = json!([{"phoneType": "Mobile", "default": true, "phoneNumber": mobile}]);
            json!({"nickName": name, "email": email, "phoneContacts": phones})
        };
        let from = person("علی رضایی", "09123450017", "ali@b.ir");
        let from = d.sim.crm().create(Made::Person, from).unwrap();
        let to = person("مینا کریمی", "09352221346", "mina@b.ir");
        let to = d.sim.crm().create(Made::Person, to).unwrap();
        d.settled(Duration::from_secs(60)).await;
        // Who gets it is heard of first.
        d.edit_crm(&to, person("مینا کریمی", "09123450017", "new@b.ir"));
        d.settled(Duration::from_secs(60)).await;
        let rows = d.rows().await;
        let waits: Vec<_> = rows.iter().filter(|row| row.status == Status::Failed).collect();
        let said = waits
            .iter()
            .filter_map(|row| row.error_message.clone())
            .collect::<Vec<_>>()
            .join("\n");
        assert!(
            waits
                .iter()
                .all(|row| row.error_class.as_deref() == Some("taken")),
            "{said}"
        );
        assert!(
            said.contains("علی رضایی") && said.contains("شماره تلفن نمی تواند تکراری باشد."),
            "{said}"
        );
        let mobiles = || -> BTreeMap<String, String> {
            let contacts = d.sim.finance().contacts();
            let text = |contact: &serde_json::Value, column: &str| {
                contact[column].as_str().unwrap_or_default().to_owned()
            };
            contacts
                .iter()
                .map(|contact| (text(contact, "Email"), text(contact, "MobileNo")))
                .collect()
        };
        assert_eq!(mobiles()["new@b.ir"], "09352221346", "the rest has arrived");
        d.edit_crm(&from, person("علی رضایی", "09121234569", "ali@b.ir"));
        d.eventually("moved", Duration::from_secs(60), async || {
            mobiles()["new@b.ir"] == "09123450017"
        })
        .await;
        assert_eq!(mobiles()["ali@b.ir"], "09121234569");
        d.settled(Duration::from_secs(60)).await;
        assert_eq!(failed(&d).await, 0);
    }
}
