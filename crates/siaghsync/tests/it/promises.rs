//! What the product promises of lost answers, crowds, bursts and outages, each with its figure.

use std::time::{Duration, Instant};

use domain::store::entities::log;
use domain::store::{Status, Store};
use futures::future::join_all;
use serde_json::{Value, json};
use simulator::{FaultKind, FaultRule, System, sample};
use testkit::Engine;

use crate::deployment::{Deployment, SECRET};
use crate::polls::looks;

const LIMIT: Duration = Duration::from_secs(180);
const QUICK: [(&str, &str); 6] = [
    ("HTTP_TIMEOUT_SECONDS", "2"),
    ("LEASE_SECONDS", "6"),
    ("CREATE_SETTLE_SECONDS", "6"),
    ("SWEEP_INTERVAL_SECONDS", "1"),
    ("RETRY_BASE_SECONDS", "1"),
    ("MAX_CHANGED_SHARE", "1"),
];

/// The ways in which a create is carried out and its caller never hears of it.
const LOST_ANSWERS: [FaultKind; 5] = [
    FaultKind::CommitThenDrop,
    FaultKind::CommitThenHang,
    FaultKind::Error500After,
    FaultKind::TruncatedBody,
    FaultKind::LateCommit,
];

fn lose_answers(d: &Deployment, system: System, endpoint: &str, times: u64) {
    for kind in LOST_ANSWERS {
        let rule = FaultRule::next(system, endpoint, kind, times / LOST_ANSWERS.len() as u64);
        d.sim.faults().add(rule.ms(2_500));
    }
}

fn hits(d: &Deployment) -> u64 {
    d.sim.faults().list().iter().map(|status| status.hits).sum()
}

/// Without phones: finance refuses a second contact with the same one, and would hide a second create.
fn without_phones(mut object: Value) -> Value {
    let object = object.as_object_mut().unwrap();
    for phones in ["phoneContacts", "MobileNo", "TelNo"] {
        object.remove(phones);
    }
    Value::Object(object.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_lost_answers_on_create_make_no_duplicate() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _workers = [d.run("siagh-worker", &[]), d.run("siagh-worker", &[])];
    d.ready().await;
    d.native_webhooks();
    lose_answers(&d, System::Finance, "2BFDA/create", 100);
    for customer in sample::customers(41, 100) {
        let object = without_phones(customer.to_crm());
        d.sim.crm().create(customer.kind, object).unwrap();
    }
    d.settled(LIMIT).await;
    assert_eq!(hits(&d), 100, "lost answers");
    assert_eq!(d.sim.finance().contacts().len(), 100);
    assert_eq!(d.sim.finance().stats().calls("2BFDA/create"), 100);
    every_row_went_well(&d).await;
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_lost_answers_of_the_crm_make_no_duplicate() {
    let d = Deployment::new(
        Engine::Postgres,
        &[&QUICK[..], &[("POLL_INTERVAL_SECONDS", "1")]].concat(),
    )
    .await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _workers = [d.run("siagh-worker", &[]), d.run("siagh-worker", &[])];
    d.ready().await;
    looks(&d, 1).await;
    lose_answers(&d, System::Crm, "/create", 100);
    // The guard looks at the share of the mapped from fifty changes on.
    for customers in sample::customers(42, 100).chunks(40) {
        for customer in customers {
            d.sim
                .finance()
                .create(without_phones(customer.to_finance()))
                .unwrap();
        }
        looks(&d, 2).await;
    }
    d.settled(LIMIT).await;
    assert_eq!(hits(&d), 100, "lost answers");
    assert_eq!(d.sim.crm().count(), 100);
    assert_eq!(d.sim.crm().stats().calls("/create"), 100);
    every_row_went_well(&d).await;
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_simultaneous_first_events_make_one_contact() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _workers = [(); 3].map(|()| d.run("siagh-worker", &[]));
    d.ready().await;
    d.sim
        .faults()
        .add(FaultRule::always(System::Finance, "", FaultKind::Slow).ms(300));
    let customer = &sample::customers(43, 1)[0];
    let object = without_phones(customer.to_crm());
    let id = d.sim.crm().seed(customer.kind, object).unwrap();
    let url = d.url(&format!(
        "/webhook/crm/identity?token={SECRET}&event=Insert&type=Identity&id={id}"
    ));
    let answers = join_all((0..50).map(|_| d.http.get(&url).send())).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status() == 202));
    d.settled(LIMIT).await;
    let rows = d.rows().await;
    let enqueued = rows.iter().filter(|row| row.direction == "CRM_TO_FINANCE");
    assert_eq!(enqueued.count(), 50, "a row for each event");
    assert_eq!(d.sim.finance().stats().calls("2BFDA/create"), 1);
    assert_eq!(d.sim.finance().contacts().len(), 1);
    assert_eq!(d.links().await.len(), 1);
    every_row_went_well(&d).await;
    d.db.drop_it().await;
}

/// As a system answers that is somewhere else.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_quick_edits_cause_at_most_ten_saves() {
    a_hundred_quick_edits(Some(100), 10).await;
}

/// Slow answers make few runs by themselves. How many there are without depends on how fast the machine is: a run begins
/// as soon as the one before has ended. Eight on two busy cores, unoptimised.
#[tokio::test(flavor = "multi_thread")]
async fn nor_one_for_each_when_finance_answers_at_once() {
    a_hundred_quick_edits(None, 50).await;
}

async fn a_hundred_quick_edits(latency_ms: Option<u64>, most: u64) {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _workers = [(); 3].map(|()| d.run("siagh-worker", &[]));
    d.ready().await;
    d.native_webhooks();
    let customer = &sample::customers(44, 1)[0];
    let id = d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    d.settled(LIMIT).await;
    let code = d.sim.finance().contacts()[0]["Code"].as_i64().unwrap();
    let saved = d.sim.finance().saves(code).api;
    if let Some(ms) = latency_ms {
        let slow = FaultRule::always(System::Finance, "", FaultKind::Slow);
        d.sim.faults().add(slow.ms(ms));
    }
    let (begun, calls) = (d.sim.clock().now(), calls(&d));
    for n in 1..=100 {
        d.edit_crm(&id, json!({ "description": format!("ویرایش {n}") }));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The simulator calls in its own time.
    d.eventually("a row for each edit", LIMIT, async || {
        let rows = d.rows().await;
        rows.iter().filter(|row| row.started_at >= begun).count() >= 100
    })
    .await;
    d.settled(LIMIT).await;
    let contact = d.sim.finance().get(code).unwrap();
    assert_eq!(contact["Description"], "ویرایش 100", "it ends right");
    let saves = d.sim.finance().saves(code).api - saved;
    let calls = self::calls(&d) - calls;
    let rows = d.rows().await;
    let enqueued: Vec<_> = rows.iter().filter(|row| row.started_at >= begun).collect();
    let covered = |row: &&&log::Model| leader(row, &rows).is_some();
    let runs = (enqueued.len() - enqueued.iter().filter(covered).count()) as u64;
    println!("100 edits, {saves} saves, {runs} runs, {calls} outside calls");
    assert!((1..=most).contains(&saves), "{saves} saves");
    // The last row may find all in step.
    assert!(
        runs <= most + 1,
        "{runs} runs: rows are not covered by one another"
    );
    // Each of three workers may have to log in to both systems.
    assert!(calls <= 4 * runs + 6, "{calls} outside calls in {runs} runs");
    every_row_is_read_after_it_was_enqueued(&d, &id, &rows);
    every_row_went_well(&d).await;
    d.db.drop_it().await;
}

/// The row whose run has covered this one.
fn leader<'a>(row: &log::Model, rows: &'a [log::Model]) -> Option<&'a log::Model> {
    let leader = row.covered_by?;
    rows.iter().find(|row| row.id == leader)
}

/// A run closes only what it has claimed before it read.
fn every_row_is_read_after_it_was_enqueued(d: &Deployment, id: &str, rows: &[log::Model]) {
    let asked = d.sim.crm().stats().requests();
    let asked = asked
        .iter()
        .filter(|r| r.endpoint.ends_with("/get") && r.body.contains(id));
    let reads: Vec<_> = asked.map(|r| r.at).collect();
    for row in rows {
        let ended = leader(row, rows).unwrap_or(row).completed_at.unwrap();
        let mut read = reads.iter().filter(|at| row.started_at <= **at && **at <= ended);
        assert!(read.next().is_some(), "nothing was read for row {}", row.id);
    }
}

fn calls(d: &Deployment) -> u64 {
    d.sim.crm().stats().calls("") + d.sim.finance().stats().calls("")
}

/// With the retries of the default settings, which would be used up long before.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_thirty_seconds_leaves_nothing_failed() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _workers = [d.run("siagh-worker", &[]), d.run("siagh-worker", &[])];
    d.ready().await;
    d.native_webhooks();
    let customers = sample::customers(45, 30);
    let mut typed = Vec::new();
    for (n, customer) in customers.into_iter().enumerate() {
        if n == 10 {
            d.settled(LIMIT).await;
            d.sim
                .faults()
                .outage(System::Finance, Some(Duration::from_secs(30)));
        }
        typed.push((
            d.sim.crm().create(customer.kind, customer.to_crm()).unwrap(),
            customer,
        ));
        if n >= 10 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    d.eventually("the outage over", Duration::from_secs(30), async || {
        !d.sim.faults().in_outage(System::Finance)
    })
    .await;
    d.settled(LIMIT).await;
    let stats = d.db.store.stats().await.unwrap();
    assert_eq!((stats.failed, stats.conflict), (0, 0));
    crate::oracle::finance_holds_exactly(&d.sim, &typed);
    d.db.drop_it().await;
}

/// Finance answers whatever is asked, and carries nothing out: no breaker is open for long, so each row would spend its
/// tries within seconds.
#[tokio::test(flavor = "multi_thread")]
async fn thirty_seconds_without_a_save_leave_nothing_failed() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let workers = [d.run("siagh-worker", &[]), d.run("siagh-worker", &[])];
    d.ready().await;
    d.native_webhooks();
    let customers = sample::customers(48, 40);
    let mut typed = d.create_customers(customers[..20].to_vec());
    d.settled(LIMIT).await;
    let saves = || d.sim.finance().stats().calls("SaveFormData");
    let before = saves();
    d.sim.faults().add(FaultRule::always(
        System::Finance,
        "SaveFormData",
        FaultKind::Unavailable,
    ));
    let began = Instant::now();
    // One at first, as on a quiet day; then many.
    d.edit_crm(&typed[0].0, json!({"description": "در خاموشی 0"}));
    tokio::time::sleep(Duration::from_secs(3)).await;
    for (n, customer) in customers[20..].iter().cloned().enumerate() {
        if n > 0 {
            let description = format!("در خاموشی {n}");
            d.edit_crm(&typed[n].0, json!({ "description": description }));
        }
        let id = d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
        typed.push((id, customer));
    }
    tokio::time::sleep(Duration::from_secs(30).saturating_sub(began.elapsed())).await;
    let (tried, lasted) = (saves() - before, began.elapsed().as_secs());
    d.sim.faults().clear();
    let back = Instant::now();
    all_changes_are_in_finance(&d).await;
    println!(
        "{tried} saves in {lasted} s that carried out none; all 40 changes there {:?} after it",
        back.elapsed()
    );
    // What was under way when it began, and then one a second of each worker.
    assert!(tried <= 50 + 2 * lasted, "{tried} saves in {lasted} s");
    d.settled(LIMIT).await;
    every_row_went_well(&d).await;
    drop(workers);
    d.db.drop_it().await;
}

/// The 20 edits of the silence, and the 20 new customers.
async fn all_changes_are_in_finance(d: &Deployment) {
    d.eventually("the edits in finance", Duration::from_secs(40), async || {
        let contacts = d.sim.finance().contacts();
        let edited = contacts
            .iter()
            .filter_map(|contact| contact["Description"].as_str())
            .filter(|words| words.starts_with("در خاموشی"));
        edited.count() == 20 && contacts.len() == 40
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_answers_another_code_is_a_conflict_and_no_new_link() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _worker = d.run("siagh-worker", &[]);
    d.ready().await;
    d.native_webhooks();
    let customer = &sample::customers(46, 1)[0];
    let object = without_phones(customer.to_crm());
    let id = d.sim.crm().create(customer.kind, object).unwrap();
    d.settled(LIMIT).await;
    let code = d.sim.finance().contacts()[0]["Code"].as_i64().unwrap();
    let linked = d.links().await.remove(0);
    d.sim.finance().configure(|finance| finance.updates_create = true);
    d.edit_crm(&id, json!({"email": "new@example.com"}));
    d.settled(LIMIT).await;
    let contacts = d.sim.finance().contacts();
    let second = contacts.iter().find(|contact| contact["Code"] != code).unwrap();
    let second = second["Code"].as_i64().unwrap();
    let rows = d.rows().await;
    let conflict = rows.iter().find(|row| row.status == Status::Conflict).unwrap();
    let message = conflict.error_message.as_ref().unwrap();
    for code in [code, second] {
        assert!(message.contains(&code.to_string()), "{code} in {message:?}");
    }
    let link = d.links().await.remove(0);
    assert_eq!(
        (&link.crm_id, &link.finance_id, &link.base),
        (&linked.crm_id, &linked.finance_id, &linked.base)
    );
    assert_eq!(d.sim.crm().get(&id).unwrap()["refId"], code.to_string());

    // Nor does it go on and on, though finance does: another event makes no third contact by itself.
    d.sim.crm().announce(&id).unwrap();
    d.settled(LIMIT).await;
    assert_eq!(d.sim.finance().contacts().len(), 2);
    d.db.drop_it().await;
}

async fn every_row_went_well(d: &Deployment) {
    let rows = d.rows().await;
    let bad: Vec<_> = rows
        .iter()
        .filter(|row| !matches!(row.status, Status::Success | Status::Skipped))
        .map(|row| (row.status, &row.error_message))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}
