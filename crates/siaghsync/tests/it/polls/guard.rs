//! The guard: a bulk edit is held whole, by name of the setting, until an operator says what becomes of it.

use std::time::Duration;

use domain::polls::PollStore;
use domain::store::{Status, Store};
use serde_json::json;
use simulator::{FaultKind, FaultRule, System};
use testkit::Engine;

use super::{QUICK, at_rest, converged, count, looks, services};
use crate::deployment::Deployment;

async fn held(d: &Deployment) -> u64 {
    d.eventually("held", Duration::from_secs(30), async || {
        !d.db.store.held(None).await.unwrap().is_empty()
    })
    .await;
    d.db.store
        .held(None)
        .await
        .unwrap()
        .iter()
        .map(|held| held.changes)
        .sum()
}

async fn a_bulk_edit_is_held_then_released_then_dropped(on: Engine) {
    let d = Deployment::new(on, &QUICK).await;
    let services = services(&d, on);
    d.ready().await;
    let typed = converged(&d, 100).await;
    let mut codes: Vec<i64> = d
        .sim
        .finance()
        .contacts()
        .iter()
        .map(|contact| contact["Code"].as_i64().unwrap())
        .collect();
    codes.sort_unstable();
    let websites = || {
        d.sim
            .crm()
            .customers()
            .iter()
            .filter(|c| c["website"] == "bulk.example.com")
            .count()
    };
    let edit = |website: &str| {
        // No look sees only some of them.
        let unreadable = FaultRule::always(System::Finance, "GetAll", FaultKind::Error500Before);
        d.sim.faults().add(unreadable);
        for code in &codes[..60] {
            d.sim
                .finance()
                .edit(*code, json!({ "WebSiteAddress": website }))
                .unwrap();
        }
        d.sim.faults().clear();
    };

    let crm_saves = d.sim.crm().stats().all_saves();
    edit("bulk.example.com");
    let n = held(&d).await;
    assert_eq!(n, 60);
    let guard = d
        .rows()
        .await
        .into_iter()
        .find(|row| row.status == Status::Conflict)
        .unwrap();
    assert_eq!(guard.source_entity_id, "finance:contacts");
    let said = guard.error_message.clone().unwrap();
    for word in [
        "MAX_CHANGED_SHARE=0.2",
        "siaghsync resume",
        "siaghsync guard drop",
    ] {
        assert!(said.contains(word), "{word} in {said}");
    }
    assert!(services[0].log().contains("guard"));
    assert_eq!(d.sim.crm().stats().all_saves(), crm_saves, "nothing of it spread");
    // The other system's polls go on.
    d.sim
        .crm()
        .edit(&typed[99].0, json!({"website": "one.example.com"}))
        .unwrap();
    d.eventually("the CRM's edit in finance", Duration::from_secs(20), async || {
        d.sim
            .finance()
            .contacts()
            .iter()
            .any(|contact| contact["WebSiteAddress"] == "one.example.com")
    })
    .await;
    let (code, said) = d.siaghsync(&["guard", "list"]);
    assert!(
        code == Some(0) && said.contains(&format!("finance:contacts: {n} change(s) held")),
        "{said}"
    );
    let (code, said) = d.siaghsync(&["resume"]);
    assert!(
        code == Some(0) && said.contains(&format!("{n} change(s) released")),
        "{said}"
    );
    d.eventually("all released", Duration::from_secs(60), async || websites() == 60)
        .await;
    at_rest(&d).await;
    let settled = d.rows().await.into_iter().find(|row| row.id == guard.id).unwrap();
    assert_eq!(settled.status, Status::Success);

    edit("dropped.example.com");
    let n = held(&d).await;
    let (code, said) = d.siaghsync(&["guard", "drop"]);
    assert!(code == Some(1) && said.contains("--yes"), "{said}");
    let (skipped, before) = (count(&d, Status::Skipped).await, websites());
    let (code, said) = d.siaghsync(&["guard", "drop", "--yes"]);
    assert!(
        code == Some(0) && said.contains(&format!("{n} change(s) dropped")),
        "{said}"
    );
    looks(&d, 3).await;
    d.settled(Duration::from_secs(30)).await;
    assert_eq!(websites(), before, "dropped is dropped");
    assert_eq!(
        count(&d, Status::Skipped).await,
        skipped + usize::try_from(n).unwrap()
    );
    assert!(d.db.store.held(None).await.unwrap().is_empty());
    let (code, said) = d.siaghsync(&["resume"]);
    assert!(code == Some(0) && said.contains("holds nothing"), "{said}");
    let (code, said) = d.siaghsync(&["resume", "crm:nobody"]);
    assert!(code == Some(1) && said.contains("crm:nobody"), "{said}");
    drop(services);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_edit_is_held_then_released_then_dropped_embedded() {
    a_bulk_edit_is_held_then_released_then_dropped(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_edit_is_held_then_released_then_dropped_distributed() {
    a_bulk_edit_is_held_then_released_then_dropped(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_look_at_the_crm_goes_by_the_guard_and_what_was_dropped_is_not_found_again() {
    let d = Deployment::new(
        Engine::Sqlite,
        &[&QUICK[..], &[("MAX_CHANGES_PER_RUN", "10")]].concat(),
    )
    .await;
    for n in 0..11 {
        let person = json!({"nickName": format!("مشتری {n}"), "nationalCode": format!("00{n:08}")});
        d.sim.crm().seed(simulator::Kind::Person, person).unwrap();
    }
    let _services = services(&d, Engine::Sqlite);
    d.ready().await;
    assert_eq!(held(&d).await, 11);
    let why = &d.db.store.held(None).await.unwrap()[0].why;
    assert!(why.contains("MAX_CHANGES_PER_RUN=10"), "{why}");
    assert_eq!(d.siaghsync(&["guard", "drop", "--yes"]).0, Some(0));
    // The overlap shows them again and again.
    looks(&d, 3).await;
    assert!(d.db.store.held(None).await.unwrap().is_empty());
    assert_eq!(
        d.db.store.stats().await.unwrap().skipped,
        12,
        "the changes, and the guard's own row"
    );
    assert!(d.sim.finance().contacts().is_empty());
    d.db.drop_it().await;
}
