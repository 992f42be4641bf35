//! A CRM whose clock is wrong: what its times can't tell is a tie, and the clock is named.

use domain::store::entities::log;
use serde_json::json;
use simulator::sample;
use testkit::Engine;

use super::{LIMIT, code_of, held, polled};
use crate::deployment::Deployment;
use crate::polls::{QUICK, looks};

/// The rows in which a field of that value was decided.
async fn decided(d: &Deployment, loser: &str) -> Vec<String> {
    let rows: Vec<log::Model> = d.rows().await;
    let changes = rows.into_iter().filter_map(|row| Some(row.changes?.to_string()));
    changes.filter(|changes| changes.contains(loser)).collect()
}

/// Both sides edit one name while nobody works: first the CRM, then, after a look, finance. Says what both hold then.
async fn both_edit(d: &Deployment, id: &str, code: i64) -> [String; 2] {
    d.edit_crm(id, json!({"nickName": "نام از فروش"}));
    looks(d, 2).await;
    d.edit_finance(code, json!({"Name": "نام از حسابداری"}));
    looks(d, 1).await;
    let _worker = d.run("siagh-worker", &[]);
    d.settled(LIMIT).await;
    let crm = d.sim.crm().get(id).unwrap()["nickName"].clone();
    [crm, held(d, code, "Name")].map(|name| name.as_str().unwrap().to_owned())
}

/// A deployment with a CRM whose server keeps that zone's time, and a customer on both sides of whom finance was heard last.
async fn with_clock(
    zone: chrono_tz::Tz,
    tie_breaker: &str,
) -> (Deployment, crate::deployment::Process, String, i64) {
    let settings = [&QUICK[..], &[("TIE_BREAKER", tie_breaker)]].concat();
    let d = Deployment::new(Engine::Postgres, &settings).await;
    d.sim.crm().configure(|crm| crm.timezone = zone);
    let ingest = d.run("siagh-ingest", &[]);
    let worker = d.run("siagh-worker", &[]);
    d.ready().await;
    let customer = &sample::customers(71, 1)[0];
    let id = d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
    polled(&d).await;
    let code = code_of(&d, &id);
    d.edit_finance(code, json!({"Description": "یادداشت"}));
    polled(&d).await;
    assert_eq!(d.sim.crm().get(&id).unwrap()["description"], "یادداشت");
    assert_eq!(worker.stop(LIMIT), Some(0));
    (d, ingest, id, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_16_times_of_a_clock_that_is_an_hour_ahead_are_ties_and_the_clock_is_named() {
    for (tie_breaker, winner, loser) in [
        ("finance", "نام از حسابداری", "نام از فروش"),
        ("crm", "نام از فروش", "نام از حسابداری"),
    ] {
        let (d, ingest, id, code) = with_clock(chrono_tz::Asia::Kabul, tie_breaker).await;
        assert_eq!(both_edit(&d, &id, code).await, [winner, winner], "{tie_breaker}");
        let told = decided(&d, loser).await;
        assert!(
            told.iter().any(|changes| changes.contains("tie")),
            "the loser is told, and why: {told:?}"
        );
        let log = ingest.log();
        assert!(log.contains("CRM_TIMEZONE"), "the log names the clock: {log}");
        let (exit, said) = d.siaghsync(&["check"]);
        assert_eq!(exit, Some(1), "{said}");
        for words in ["60 minutes ahead of", "summer time", "CRM_TIMEZONE", "a tie"] {
            assert!(said.contains(words), "{words} in {said}");
        }
        d.db.drop_it().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_16_a_clock_of_another_zone_that_is_behind_is_named_and_loses_no_edit() {
    let (d, _ingest, id, code) = with_clock(chrono_tz::UTC, "crm").await;
    let (exit, said) = d.siaghsync(&["check"]);
    assert_eq!(exit, Some(1), "{said}");
    assert!(
        said.contains("behind") && said.contains("from Tehran to UTC"),
        "{said}"
    );
    // Whose was the later is told wrongly then; but what loses is written down, and what nobody contests arrives.
    let both = both_edit(&d, &id, code).await;
    assert_eq!(both[0], both[1]);
    let loser = ["نام از فروش", "نام از حسابداری"]
        .into_iter()
        .find(|name| *name != both[0]);
    assert!(!decided(&d, loser.unwrap()).await.is_empty(), "{both:?}");
    let _worker = d.run("siagh-worker", &[]);
    d.edit_crm(&id, json!({"website": "late.example.com"}));
    polled(&d).await;
    assert_eq!(held(&d, code, "WebSiteAddress"), "late.example.com");
    d.db.drop_it().await;
}

/// Right by its own zone, which the setting names: no tie, and nothing is named.
#[tokio::test(flavor = "multi_thread")]
async fn case_16_a_clock_of_another_zone_that_is_set_is_right() {
    let settings = [
        &QUICK[..],
        &[("CRM_TIMEZONE", "Asia/Kabul"), ("TIE_BREAKER", "crm")],
    ]
    .concat();
    let d = Deployment::new(Engine::Sqlite, &settings).await;
    d.sim.crm().configure(|crm| crm.timezone = chrono_tz::Asia::Kabul);
    let _serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    let customer = &sample::customers(72, 1)[0];
    let id = d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
    polled(&d).await;
    let code = code_of(&d, &id);
    d.edit_finance(code, json!({"Email": "new@example.com"}));
    polled(&d).await;
    assert_eq!(d.sim.crm().get(&id).unwrap()["email"], "new@example.com");
    let (_, said) = d.siaghsync(&["check"]);
    assert!(!said.contains("modifyDate"), "{said}");
    d.db.drop_it().await;
}
