//! Distributed: ingest and two workers as processes, on PostgreSQL and Redis.

use std::time::{Duration, Instant};

use domain::store::entities::log;
use domain::store::{EntityRef, EntityType, Event, Status, Store, Trigger};
use simulator::sample;
use testkit::Engine;
use uuid::Uuid;

use crate::deployment::Deployment;
use crate::oracle;

/// Rows that carried something to finance.
fn success(rows: &[log::Model]) -> usize {
    let carried = |row: &&log::Model| row.status == Status::Success && row.direction == "CRM_TO_FINANCE";
    rows.iter().filter(carried).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_customers_reach_finance_once_without_the_sweeper() {
    // An hour between sweeps: what arrives, arrives by Redis.
    let d = Deployment::new(Engine::Postgres, &[("SWEEP_INTERVAL_SECONDS", "3600")]).await;
    let ingest = d.run("siagh-ingest", &[]);
    let workers = [d.run("siagh-worker", &[]), d.run("siagh-worker", &[])];
    d.ready().await;
    let customers = sample::customers(7, 200);
    d.native_webhooks();
    let mut typed = d.create_customers(customers[..100].to_vec());
    assert!(d.sim.crm().webhooks_settled(Duration::from_secs(30)).await);
    d.signed_webhooks();
    typed.extend(d.create_customers(customers[100..].to_vec()));
    d.settled(Duration::from_secs(120)).await;
    oracle::finance_holds_exactly(&d.sim, &typed);
    let links = d.links().await;
    assert_eq!(links.len(), 200);
    assert!(
        links
            .iter()
            .all(|m| m.crm_id.is_some() && m.finance_id.is_some() && m.base.is_some())
    );
    let rows = d.rows().await;
    assert_eq!(success(&rows), 200);
    assert!(
        rows.iter()
            .all(|r| matches!(r.status, Status::Success | Status::Skipped)),
        "no failure, no conflict"
    );

    // Every webhook once more: nothing is created, nothing is written.
    let saves = || d.sim.finance().stats().calls("SaveFormData") + d.sim.crm().stats().calls("/update");
    let before = saves();
    for (id, _) in &typed {
        d.sim.crm().announce(id).unwrap();
    }
    d.settled(Duration::from_secs(120)).await;
    assert_eq!(saves(), before);
    assert_eq!(success(&d.rows().await), 200);
    oracle::finance_holds_exactly(&d.sim, &typed);

    for worker in workers {
        assert!(
            worker.log().contains("✅ Synced, row"),
            "both workers had their share"
        );
        assert_eq!(worker.stop(Duration::from_secs(20)), Some(0));
    }
    assert_eq!(ingest.stop(Duration::from_secs(20)), Some(0));
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_leaves_unmapped_columns_of_finance_as_they_were() {
    let d = Deployment::new(Engine::Postgres, &[]).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _worker = d.run("siagh-worker", &[]);
    d.ready().await;
    d.native_webhooks();
    let customer = &sample::customers(3, 1)[0];
    let id = d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    d.settled(Duration::from_secs(30)).await;
    let code = d.sim.finance().contacts()[0]["Code"].as_i64().unwrap();
    let theirs = serde_json::json!({
        "CityCode": 41, "CountryCode": 98, "Gender": 1, "IsActive": false, "AccountPartyCode": 3005,
        "MobileNo2": "09120000000", "FatherName": "اکبر",
    });
    d.edit_finance(code, theirs.clone());
    d.edit_crm(&id, serde_json::json!({"email": "new@example.com"}));
    d.settled(Duration::from_secs(30)).await;
    let contact = d.sim.finance().get(code).unwrap();
    assert_eq!(contact["Email"], "new@example.com");
    for (column, value) in theirs.as_object().unwrap() {
        assert_eq!(&contact[column], value, "{column}");
    }
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_fifty_thousand_rows_drains_without_a_wedge() {
    let d = Deployment::new(Engine::Postgres, &[("WORKER_CONCURRENCY", "32")]).await;
    // Nobody serves yet: 50,000 rows of 5,000 records that the CRM does not have.
    let ids: Vec<String> = (0..5_000).map(|_| Uuid::new_v4().to_string()).collect();
    for chunk in 0..100 {
        let events: Vec<Event> = (0..500)
            .map(|n| Event {
                row: Uuid::now_v7(),
                entity: EntityRef {
                    entity_type: EntityType::Customer,
                    side: domain::ports::Side::Crm,
                    id: ids[(chunk * 500 + n) % ids.len()].clone(),
                },
                company: None,
                trigger: Trigger::Webhook,
                event_id: None,
                payload: serde_json::Value::Null,
                traceparent: None,
                rung: false,
            })
            .collect();
        d.db.store.enqueue(&events).await.unwrap();
    }
    let started = Instant::now();
    let _workers = [d.run("siagh-worker", &[]), d.run("siagh-worker", &[])];
    d.settled(Duration::from_secs(300)).await;
    let took = started.elapsed();
    let stats = d.db.store.stats().await.unwrap();
    println!(
        "50,000 waiting rows of 5,000 records drained in {:.1} s",
        took.as_secs_f64()
    );
    assert_eq!(stats.skipped, 50_000);
    d.db.drop_it().await;
}
