//! Documents that are changed after they were issued.

use std::time::Duration;

use domain::store::Status;
use serde_json::{Value, json};
use simulator::{Kind, sample};
use testkit::Engine;

use super::{number, of_documents, quote};
use crate::deployment::Deployment;

/// The count of the second row is changed: one row waits for a human and says so. Its id.
async fn a_change_is_shown(d: &Deployment, id: &str, object: &Value) -> String {
    let mut details = object["details"].clone();
    details[1]["count"] = number("7.0000");
    d.edit_crm(id, json!({ "details": details }));
    d.settled(Duration::from_secs(60)).await;
    let held = of_documents(d.rows().await)
        .into_iter()
        .find(|row| row.status == Status::Conflict);
    let held = held.expect("a conflict");
    let changes = held.changes.clone().unwrap();
    assert_eq!(
        (&changes[0]["row"], &changes[0]["field"], &changes[0]["now"]),
        (&json!(2), &json!("count"), &json!("7"))
    );
    held.id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_a_change_does_nothing_and_one_with_a_change_shows_the_row() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let _serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    d.native_webhooks();
    d.document_webhooks();
    let customer = &sample::customers(19, 1)[0];
    let customer = d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
    let (_, object) = quote(2, &customer);
    let id = d.sim.crm().create(Kind::Quote, object.clone()).unwrap();
    d.settled(Duration::from_secs(60)).await;
    assert_eq!(d.sim.finance().documents().len(), 1);
    let before = d.sim.crm().get(&id).unwrap();
    d.sim.crm().announce(&id).unwrap();
    d.settled(Duration::from_secs(60)).await;
    assert_eq!(d.sim.crm().get(&id).unwrap(), before, "nothing was written");
    assert!(
        of_documents(d.rows().await)
            .iter()
            .all(|row| row.status != Status::Conflict)
    );

    let held = a_change_is_shown(&d, &id, &object).await;
    let (code, said) = d.siaghsync(&["verify", "--documents"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("2025-12-21"), "{said}");
    let (code, said) = d.siaghsync(&["resolve", &held, "--accept"]);
    assert_eq!(code, Some(0), "{said}");
    d.settled(Duration::from_secs(60)).await;
    assert!(
        of_documents(d.rows().await)
            .iter()
            .all(|row| row.status != Status::Conflict)
    );
    assert_eq!(
        d.sim.finance().documents().len(),
        1,
        "finance is the accountant's matter"
    );
    let (code, said) = d.siaghsync(&["verify", "--documents"]);
    assert_eq!(code, Some(0), "{said}");
    // Deleted in the CRM: it stays in finance, and is named as what makes the difference.
    d.sim.crm().delete(&id).unwrap();
    let (code, said) = d.siaghsync(&["verify", "--documents"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains(&id) && said.contains("it was deleted there"),
        "{said}"
    );
    d.db.drop_it().await;
}
