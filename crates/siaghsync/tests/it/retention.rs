//! `AUDIT_RETENTION_DAYS`: old audit rows are emptied by a running worker, and syncs go on as if nothing had been.

use std::time::Duration;

use domain::store::Status;
use domain::store::entities::log;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use simulator::sample::{self, SampleCustomer};
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
    d.edit_crm(id, json!({"nickName": customer.name}));
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

/// What people's names, numbers and addresses are.
fn values_of(customer: &SampleCustomer) -> Vec<String> {
    let whole = [
        &customer.name,
        &customer.mobile,
        &customer.email,
        &customer.national_id,
        &customer.address,
    ];
    whole.into_iter().cloned().collect()
}

/// All that a table holds under that condition, each row as text.
async fn dumped(d: &Deployment, table: &str, condition: &str) -> Vec<String> {
    let db = d.db.store.db();
    let sql = format!(r#"SELECT row_to_json(t)::text AS "row" FROM "{table}" t WHERE {condition}"#);
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| row.try_get("", "row").unwrap())
        .collect()
}

/// Of customers that are deleted again, refused, in doubt with one another and skipped: rows of every ending.
async fn every_ending(d: &Deployment) -> Vec<SampleCustomer> {
    let customers = sample::customers(53, 6);
    let typed = d.create_customers(customers.clone());
    d.settled(LONG).await;
    // Refused: a number that another one holds. Skipped: another company's. Read and not there any more.
    let phones = json!([{"default": true, "phoneType": "Mobile", "phoneNumber": customers[0].mobile}]);
    d.edit_crm(&typed[1].0, json!({"phoneContacts": phones}));
    d.sim.crm().delete(&typed[2].0).unwrap();
    let mut stranger = sample::customers(54, 1)[0].to_crm();
    stranger["customerNumber"] = json!("200-77");
    d.sim.crm().create(simulator::Kind::Person, stranger).unwrap();
    d.settled(LONG).await;
    let mut all = customers;
    all.extend(sample::customers(54, 1));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn case_26_no_value_of_a_person_is_left_in_any_column_of_an_old_row() {
    let d = Deployment::new(Engine::Postgres, &[("AUDIT_RETENTION_DAYS", "30")]).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let worker = d.run("siagh-worker", &[]);
    d.ready().await;
    d.native_webhooks();
    let people = every_ending(&d).await;
    let statuses: Vec<Status> = d.rows().await.iter().map(|row| row.status).collect();
    for status in [Status::Success, Status::Skipped, Status::Failed] {
        assert!(statuses.contains(&status), "{statuses:?}");
    }
    let holds = |rows: &[String]| {
        let all = people.iter().flat_map(values_of);
        all.filter(|value| rows.iter().any(|row| row.contains(value.as_str())))
            .collect::<Vec<_>>()
    };
    let ended = "status IN ('SUCCESS', 'SKIPPED', 'FAILED')";
    assert!(
        !holds(&dumped(&d, "SyncLog", ended).await).is_empty(),
        "a young row keeps all"
    );
    for age in [
        r#"UPDATE "SyncLog" SET "completedAt" = "completedAt" - INTERVAL '31 days'"#,
        r#"UPDATE "RecordIndex" SET "goneSince" = "goneSince" - INTERVAL '31 days'"#,
    ] {
        d.db.store.db().execute_unprepared(age).await.unwrap();
    }
    assert_eq!(worker.stop(LONG), Some(0));
    let _second = d.run("siagh-worker", &[]);
    d.eventually("emptied", LONG, async || {
        let ended = [Status::Success, Status::Skipped, Status::Failed];
        d.rows()
            .await
            .iter()
            .filter(|row| ended.contains(&row.status))
            .all(is_empty)
    })
    .await;
    assert_eq!(holds(&dumped(&d, "SyncLog", ended).await), Vec::<String>::new());
    // Nor in the index, of who is gone.
    let gone = dumped(&d, "RecordIndex", r#""goneSince" IS NOT NULL"#).await;
    assert!(!gone.is_empty());
    assert_eq!(holds(&gone), Vec::<String>::new());
    let of_gone = r#"id IN (SELECT id FROM "RecordIndex" WHERE "goneSince" IS NOT NULL)"#;
    assert_eq!(dumped(&d, "RecordValue", of_gone).await, Vec::<String>::new());
    // Nor what waits for a value that somebody holds.
    assert_eq!(
        holds(&dumped(&d, "TakenValue", "true").await),
        Vec::<String>::new()
    );
    d.db.drop_it().await;
}
