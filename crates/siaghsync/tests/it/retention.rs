//! `AUDIT_RETENTION_DAYS`: old audit rows are emptied by a running worker, and syncs go on as if nothing had been.

use std::time::Duration;

use domain::store::Status;
use domain::store::entities::log;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use simulator::sample;
use testkit::Engine;
use uuid::Uuid;

use crate::deployment::Deployment;

const LONG: Duration = Duration::from_secs(60);

fn is_empty(row: &log::Model) -> bool {
    let columns = [
        &row.trigger_payload,
        &row.source_data,
        &row.target_data_before,
        &row.target_data_after,
        &row.changes,
    ];
    columns.into_iter().all(Option::is_none) && row.error_stack.is_none()
}

async fn only_the_old_are_emptied(d: &Deployment, old: &[Uuid]) {
    for row in d.rows().await {
        if old.contains(&row.id) {
            assert!(row.completed_at.is_some() && row.status.is_final());
        } else if row.status == Status::Success {
            assert!(!is_empty(&row), "a young row keeps all");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_rows_are_emptied_and_syncs_go_on() {
    let d = Deployment::new(Engine::Postgres, &[("AUDIT_RETENTION_DAYS", "30")]).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let worker = d.run("siagh-worker", &[]);
    d.ready().await;
    d.native_webhooks();
    // Echoes come late, as on a busy machine: they belong to what must be over before anything is compared.
    d.sim.crm().configure(|crm| crm.webhooks.delay_ms = 150);
    let mut typed = d.create_customers(sample::customers(51, 10));
    d.settled(LONG).await;
    let age = r#"UPDATE "SyncLog" SET "completedAt" = "completedAt" - INTERVAL '31 days'"#;
    d.db.store.db().execute_unprepared(age).await.unwrap();
    let old: Vec<_> = d.rows().await.iter().map(|row| row.id).collect();
    let young = d.create_customers(sample::customers(52, 5));
    d.settled(LONG).await;
    let links = d.links().await;

    // A worker looks when it starts, then once an hour; the first one has looked already.
    let second = d.run("siagh-worker", &[]);
    d.eventually("emptied", LONG, async || {
        let rows = d.rows().await;
        rows.iter().filter(|row| old.contains(&row.id)).all(is_empty)
    })
    .await;
    only_the_old_are_emptied(&d, &old).await;
    assert_eq!(d.links().await, links);
    assert!(
        second
            .log()
            .contains("audit rows older than AUDIT_RETENTION_DAYS")
    );

    // What was emptied is known all the same: an edit is an edit, an echo an echo.
    let (id, customer) = &mut typed[0];
    customer.name = format!("{} دوم", customer.name);
    d.sim.crm().edit(id, json!({"nickName": customer.name})).unwrap();
    for (id, _) in &typed {
        d.sim.crm().announce(id).unwrap();
    }
    d.settled(LONG).await;
    typed.extend(young);
    let contacts = d.sim.finance().contacts();
    assert_eq!(contacts.len(), typed.len());
    let named = |contact: &Value| contact["Name"] == typed[0].1.name.as_str();
    assert_eq!(contacts.iter().filter(|contact| named(contact)).count(), 1);
    drop((worker, second));
    d.db.drop_it().await;
}
