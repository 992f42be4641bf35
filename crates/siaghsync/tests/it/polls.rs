//! Without a single webhook: what is edited on either side is found by polls, and nothing else is touched.

mod bulk;
mod guard;
mod hours;
mod partial;
mod registration;
mod set_back;
mod two;

use std::time::Duration;

use domain::polls::{CRM_ORGANIZATION, CRM_PERSON, FINANCE_CONTACTS, PollStore};
use domain::store::{Status, Store};
use serde_json::json;
use simulator::sample;
use testkit::Engine;

use crate::deployment::{Deployment, Process};
use crate::oracle;

/// A poll every second; the rest as quick as it may be.
pub const QUICK: [(&str, &str); 4] = [
    ("POLL_INTERVAL_SECONDS", "1"),
    ("SWEEP_INTERVAL_SECONDS", "1"),
    ("LEASE_SECONDS", "6"),
    ("HTTP_TIMEOUT_SECONDS", "3"),
];

/// The services of that kind of deployment.
pub fn services(d: &Deployment, on: Engine) -> Vec<Process> {
    match on {
        Engine::Postgres => vec![d.run("siagh-ingest", &[]), d.run("siagh-worker", &[])],
        Engine::Sqlite => vec![d.run("siaghsync", &["serve"])],
    }
}

/// Waits for complete looks of all polls of customers that begin from now on.
pub async fn looks(d: &Deployment, times: usize) {
    looks_of(d, &[CRM_PERSON, CRM_ORGANIZATION, FINANCE_CONTACTS], times).await;
}

/// Likewise of these polls.
pub async fn looks_of(d: &Deployment, polls: &[&str], times: usize) {
    for _ in 0..times {
        let now = d.db.store.clock().now();
        for poll in polls {
            d.eventually(poll, Duration::from_secs(30), async || {
                let look = d.db.store.last_look(poll).await.unwrap();
                look.is_some_and(|look| look.started_at > now)
            })
            .await;
        }
    }
}

/// Creates customers in the CRM without a webhook and waits until finance has them; in portions that the guard of a
/// first look lets pass.
pub async fn converged(d: &Deployment, n: usize) -> Vec<(String, sample::SampleCustomer)> {
    let mut typed = Vec::new();
    for customers in sample::customers(21, n).chunks(45) {
        for customer in customers {
            typed.push((
                d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap(),
                customer.clone(),
            ));
        }
        looks(d, 1).await;
        d.settled(Duration::from_secs(120)).await;
    }
    oracle::finance_holds_exactly(&d.sim, &typed);
    at_rest(d).await;
    typed
}

/// Waits until nothing moves any more: a poll that read between a write of ours and its commit may have made a row of
/// it, so the last look of each must have brought none.
pub async fn at_rest(d: &Deployment) {
    d.eventually(
        "at rest: a look without a new row",
        Duration::from_secs(90),
        async || {
            d.settled(Duration::from_secs(60)).await;
            let rows = d.rows().await.len();
            looks(d, 2).await;
            d.settled(Duration::from_secs(60)).await;
            d.rows().await.len() == rows
        },
    )
    .await;
}

/// Rows of that status, without the guard's own.
pub async fn count(d: &Deployment, status: Status) -> usize {
    let rows = d.rows().await;
    rows.iter()
        .filter(|row| row.status == status && !row.source_entity_id.contains(':'))
        .count()
}

async fn edits_reach_the_other_side(d: &Deployment, typed: &[(String, sample::SampleCustomer)]) {
    let code = d.sim.finance().contacts()[0]["Code"].as_i64().unwrap();
    d.edit_finance(code, json!({"Email": "accounting@example.com"}));
    let contact = d.sim.finance().get(code).unwrap();
    let is_that = |customer: &sample::SampleCustomer| contact["MobileNo"] == customer.mobile.as_str();
    let of_crm = |same: bool| {
        let mut typed = typed.iter();
        typed.find(|(_, customer)| is_that(customer) == same).unwrap()
    };
    let (edited, _) = of_crm(true);
    let (other, _) = of_crm(false);
    d.eventually(
        "the edit of finance in the CRM",
        Duration::from_secs(20),
        async || d.sim.crm().get(edited).unwrap()["email"] == "accounting@example.com",
    )
    .await;
    // Else one look at the CRM may find this edit together with what was just written there.
    at_rest(d).await;
    d.edit_crm(other, json!({"website": "sales.example.com"}));
    d.eventually(
        "the edit of the CRM in finance",
        Duration::from_secs(20),
        async || {
            let contacts = d.sim.finance().contacts();
            contacts
                .iter()
                .any(|c| c["WebSiteAddress"] == "sales.example.com")
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_on_either_side_reach_the_other_and_ten_cycles_later_nothing_has_moved() {
    for on in [Engine::Sqlite, Engine::Postgres] {
        let d = Deployment::new(on, &QUICK).await;
        let services = services(&d, on);
        d.ready().await;
        let typed = converged(&d, 40).await;
        edits_reach_the_other_side(&d, &typed).await;
        at_rest(&d).await;
        let saves = || {
            let (crm, finance) = (d.sim.crm().stats(), d.sim.finance().stats());
            (crm.all_saves(), finance.all_saves())
        };
        let (before, rows) = (saves(), d.rows().await.len());
        looks(&d, 10).await;
        d.settled(Duration::from_secs(30)).await;
        assert_eq!(before, saves(), "zero writes");
        assert_eq!(d.rows().await.len(), rows, "zero new rows");
        let stats = d.db.store.stats().await.unwrap();
        assert_eq!((stats.failed, stats.conflict), (0, 0));
        let log = services[0].log();
        for line in [
            "🔄 Polling CRM for customer changes...",
            "🔄 Polling Finance for customer changes...",
            "Found 1 updated customers in CRM",
            "Found 1 updated customers in Finance",
            "✅ Queued 1 customers for sync",
        ] {
            assert!(log.contains(line), "{line} in {log}");
        }
        drop(services);
        d.db.drop_it().await;
    }
}
