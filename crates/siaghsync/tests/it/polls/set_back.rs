//! Finance after a backup was put back, and lists that show only half: held whole, and nothing spreads.

use std::time::Duration;

use domain::polls::{FINANCE_CONTACTS, PollStore};
use domain::store::{LinkState, Status};
use serde_json::{Value, json};
use simulator::sample::SampleCustomer;
use testkit::Engine;

use super::{QUICK, at_rest, converged, looks, looks_of, services};
use crate::deployment::{Deployment, Process};

/// From now on finance's lists leave the last of its contacts out.
fn hide(d: &Deployment, contacts: usize) {
    let all = d.sim.finance().rows().len();
    d.sim
        .finance()
        .configure(|config| config.shows_at_most = all - contacts);
}

async fn in_step(on: Engine, customers: usize) -> (Deployment, Vec<Process>, Vec<(String, SampleCustomer)>) {
    let d = Deployment::new(on, &QUICK).await;
    let services = services(&d, on);
    d.ready().await;
    let typed = converged(&d, customers).await;
    (d, services, typed)
}

/// Why the guard holds finance's poll, and how many changes.
async fn held(d: &Deployment) -> (String, u64) {
    d.eventually("held", Duration::from_secs(30), async || {
        !d.db.store.held(Some(FINANCE_CONTACTS)).await.unwrap().is_empty()
    })
    .await;
    let held = d.db.store.held(Some(FINANCE_CONTACTS)).await.unwrap();
    (held[0].why.english(), held[0].changes)
}

async fn held_no_more(d: &Deployment) {
    d.eventually("held no more", Duration::from_secs(30), async || {
        d.db.store.held(None).await.unwrap().is_empty()
    })
    .await;
}

async fn all_active(d: &Deployment) -> bool {
    let links = d.links().await;
    links.iter().all(|link| link.state == LinkState::Active)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_1_a_backup_that_was_put_back_takes_no_edit_of_the_crm_back() {
    for on in [Engine::Sqlite, Engine::Postgres] {
        let (d, services, typed) = in_step(on, 30).await;
        let backup = d.sim.finance().back_up();
        for (id, _) in &typed[..8] {
            let edit = json!({"website": "today.example.com"});
            d.edit_crm(id, edit);
        }
        looks(&d, 1).await;
        d.settled(Duration::from_secs(60)).await;
        at_rest(&d).await;
        let arrived = |column: &str, rows: Vec<Value>| {
            rows.iter()
                .filter(|row| row[column] == "today.example.com")
                .count()
        };
        assert_eq!(arrived("WebSiteAddress", d.sim.finance().contacts()), 8);
        looks_of(&d, &[FINANCE_CONTACTS], 1).await;
        let (crm_saves, rows) = (d.sim.crm().stats().all_saves(), d.rows().await.len());
        d.sim.finance().put_back(&backup);
        let (why, changes) = held(&d).await;
        assert!(
            why.contains("put back from a backup") && why.contains("8 of 30"),
            "{why}"
        );
        assert_eq!(changes, 8);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(d.sim.crm().stats().all_saves(), crm_saves, "nothing of it spread");
        assert_eq!(arrived("website", d.sim.crm().customers()), 8);
        assert_eq!(d.rows().await.len(), rows + 1, "the guard's own");
        // Someone puts finance right: the hold ends by itself.
        for contact in d.sim.finance().contacts() {
            let of_today = typed[..8].iter().any(|(id, _)| {
                let customer = d.sim.crm().get(id).unwrap();
                customer["refId"].as_str() == Some(&*contact["Code"].to_string())
            });
            if of_today {
                let code = contact["Code"].as_i64().unwrap();
                let edit = json!({"WebSiteAddress": "today.example.com"});
                d.edit_finance(code, edit);
            }
        }
        held_no_more(&d).await;
        assert_eq!(d.sim.crm().stats().all_saves(), crm_saves);
        drop(services);
        d.db.drop_it().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_17_half_of_the_contacts_close_no_link_however_often() {
    for on in [Engine::Sqlite, Engine::Postgres] {
        let (d, services, _) = in_step(on, 30).await;
        let rows = d.rows().await.len();
        hide(&d, 15);
        let (why, changes) = held(&d).await;
        assert!(why.contains("put back from a backup"), "{why}");
        assert_eq!(changes, 15);
        assert!(all_active(&d).await);
        d.sim.finance().configure(|config| config.shows_at_most = 0);
        held_no_more(&d).await;
        looks(&d, 2).await;
        assert!(all_active(&d).await);
        assert_eq!(d.rows().await.len(), rows + 1, "the guard's own");
        drop(services);
        d.db.drop_it().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_17_three_that_are_not_shown_twice_are_asked_for_and_stay() {
    let (d, _services, _) = in_step(Engine::Postgres, 30).await;
    hide(&d, 3);
    d.eventually("asked for", Duration::from_secs(30), async || {
        let rows = d.rows().await;
        let vanished = |row: &&domain::store::entities::log::Model| {
            row.trigger_payload
                .as_ref()
                .is_some_and(|said| said["vanished"] == true)
                && row.status == Status::Skipped
        };
        rows.iter().filter(vanished).count() == 3
    })
    .await;
    assert!(all_active(&d).await, "finance shows them by their codes");
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_18_what_webhooks_have_brought_leaves_no_held_poll_behind() {
    let settings = [&QUICK[..], &[("MAX_CHANGES_PER_RUN", "20")]].concat();
    let d = Deployment::new(Engine::Postgres, &settings).await;
    let _ingest = d.run("siagh-ingest", &[]);
    d.ready().await;
    // No worker yet: what webhooks have brought is open when the poll sees the same.
    d.native_webhooks();
    for customer in simulator::sample::customers(9, 40) {
        d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    }
    d.eventually("heard", Duration::from_secs(30), async || {
        d.rows().await.len() >= 40
    })
    .await;
    looks(&d, 2).await;
    assert!(d.db.store.held(None).await.unwrap().is_empty());
    let _worker = d.run("siagh-worker", &[]);
    d.settled(Duration::from_secs(60)).await;
    assert_eq!(d.sim.finance().contacts().len(), 40);
    assert!(d.db.store.held(None).await.unwrap().is_empty());
    d.db.drop_it().await;
}
