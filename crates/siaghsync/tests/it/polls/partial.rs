//! Answers of finance that can't be the whole truth change nothing, and are said to be so.

use std::collections::HashSet;
use std::time::Duration;

use domain::polls::PollStore;
use serde_json::json;
use simulator::{FaultKind, FaultRule, System};
use testkit::Engine;

use super::{QUICK, converged, looks, services};
use crate::deployment::Deployment;

#[tokio::test(flavor = "multi_thread")]
async fn truncated_failed_and_empty_answers_change_nothing() {
    for on in [Engine::Sqlite, Engine::Postgres] {
        let d = Deployment::new(on, &QUICK).await;
        let services = services(&d, on);
        d.ready().await;
        converged(&d, 12).await;
        let (rows, seen) = (
            d.rows().await.len(),
            d.db.store.contacts_but(&HashSet::new()).await.unwrap(),
        );
        let faults = [
            FaultKind::TruncatedJson,
            FaultKind::TruncatedBody,
            FaultKind::Error500Before,
            FaultKind::Html200,
            FaultKind::EmptyAnswer,
        ];
        for fault in faults {
            let calls = d.sim.finance().stats().calls("GetAll");
            d.sim
                .faults()
                .add(FaultRule::always(System::Finance, "GetAll", fault));
            d.eventually("polled", Duration::from_secs(20), async || {
                d.sim.finance().stats().calls("GetAll") >= calls + 2
            })
            .await;
            d.sim.faults().clear();
            looks(&d, 1).await;
            assert_eq!(d.rows().await.len(), rows, "{fault:?}");
            assert_eq!(
                d.db.store.contacts_but(&HashSet::new()).await.unwrap(),
                seen,
                "{fault:?}"
            );
        }
        assert!(
            services[0]
                .log()
                .contains("poll finance:contacts failed, nothing was changed")
        );

        // A list with nothing in it.
        let contacts = d.sim.finance().contacts();
        for contact in &contacts {
            d.sim.finance().delete(contact["Code"].as_i64().unwrap()).unwrap();
        }
        d.eventually("said so", Duration::from_secs(20), async || {
            services[0]
                .log()
                .contains("finance answered no contact at all, though 12 were there")
        })
        .await;
        assert_eq!(d.rows().await.len(), rows);
        assert_eq!(d.db.store.contacts_but(&HashSet::new()).await.unwrap(), seen);
        drop(services);
        d.db.drop_it().await;
    }
}

/// The contacts of rows that say that one has vanished.
async fn vanished(d: &Deployment) -> Vec<String> {
    let rows = d.rows().await.into_iter().filter(|row| {
        let payload = row.trigger_payload.as_ref();
        payload.is_some_and(|payload| payload["vanished"] == true)
    });
    rows.map(|row| row.source_entity_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_vanishes_is_asked_for_by_its_code_and_a_change_back_is_seen() {
    let d = Deployment::new(Engine::Sqlite, &QUICK).await;
    let _services = services(&d, Engine::Sqlite);
    d.ready().await;
    converged(&d, 5).await;
    let codes: Vec<i64> = d
        .sim
        .finance()
        .contacts()
        .iter()
        .map(|contact| contact["Code"].as_i64().unwrap())
        .collect();
    let crm_email = async |code: i64| {
        let customers = d.sim.crm().customers();
        let customer = customers
            .iter()
            .find(|customer| customer["refId"] == code.to_string().as_str());
        customer.unwrap()["email"].as_str().unwrap_or_default().to_owned()
    };
    for email in ["a@example.com", "b@example.com", "a@example.com"] {
        d.edit_finance(codes[0], json!({ "Email": email }));
        d.eventually(email, Duration::from_secs(20), async || {
            crm_email(codes[0]).await == email
        })
        .await;
    }
    let stranger = d
        .sim
        .finance()
        .seed(json!({"Name": "رهگذر", "MobileNo": "09350000000"}))
        .unwrap();
    d.eventually("known", Duration::from_secs(20), async || {
        d.db.store
            .contacts_but(&HashSet::new())
            .await
            .unwrap()
            .contains_key(&stranger.to_string())
    })
    .await;
    d.settled(Duration::from_secs(30)).await;
    d.sim.finance().delete(codes[1]).unwrap();
    d.eventually("closed", Duration::from_secs(20), async || {
        d.links().await.iter().any(|link| {
            link.finance_id == Some(codes[1].to_string()) && link.state == domain::store::LinkState::Closed
        })
    })
    .await;
    assert_eq!(vanished(&d).await, [codes[1].to_string()], "a row for it, once");
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_between_two_looks_of_idle_workers_are_two_events() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _ingest = d.run("siagh-ingest", &[]);
    d.ready().await;
    let code = d
        .sim
        .finance()
        .seed(json!({"Name": "علی", "Email": "a@example.com"}))
        .unwrap();
    looks(&d, 1).await;
    for email in ["b@example.com", "a@example.com"] {
        d.edit_finance(code, json!({ "Email": email }));
        looks(&d, 1).await;
    }
    let rows = d.rows().await;
    let mut events: Vec<_> = rows.iter().filter_map(|row| row.event_id.clone()).collect();
    events.sort_unstable();
    assert_eq!(events, [1, 2, 3].map(|n| format!("poll:{code}:{n}")));
    let payload = rows
        .iter()
        .find(|row| row.event_id.as_ref() == Some(&events[2]))
        .unwrap();
    let payload = payload.trigger_payload.as_ref().unwrap();
    assert!(
        payload["lookBefore"].as_str() < payload["look"].as_str(),
        "{payload}"
    );
    d.db.drop_it().await;
}
