//! Documents as a CRM really has them (`cases.md`), from end to end.

use std::time::Duration;

use domain::store::Status;
use domain::store::entities::log;
use serde_json::{Value, json};
use simulator::{Kind, sample};
use testkit::Engine;

use super::number;
use crate::deployment::{Deployment, Process, SECRET};

const LIMIT: Duration = Duration::from_secs(60);

/// Webhooks of customers and documents, and a customer who is linked.
async fn serving() -> (Deployment, Process, String) {
    let d = Deployment::new(Engine::Sqlite, &[("SWEEP_INTERVAL_SECONDS", "1")]).await;
    let serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    d.native_webhooks();
    d.document_webhooks();
    let customer = &sample::customers(81, 1)[0];
    let customer = d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    d.settled(LIMIT).await;
    (d, serve, customer)
}

fn detail(code: &str, count: &str, price: &str) -> Value {
    json!({"productCode": code, "isService": false, "count": number(count), "baseUnitPrice": number(price)})
}

fn document(customer: &str, details: Value) -> Value {
    json!({"identityId": customer, "quoteDate": "2025-12-21T10:00:00", "details": details})
}

/// The last row about that document which was not covered by another.
async fn last(d: &Deployment, id: &str) -> log::Model {
    let mut rows = d.rows().await.into_iter();
    let of = |row: &log::Model| {
        row.source_entity_id == id && row.covered_by.is_none() && row.trigger_payload.is_some()
    };
    rows.rfind(of).unwrap()
}

/// How its last row has ended; whoever was issued is heard of once more by the echo of its number.
async fn ends(d: &Deployment, id: &str, status: Status, words: &str) {
    d.settled(LIMIT).await;
    let row = last(d, id).await;
    let said = row.error_message.unwrap_or_default();
    let echo = status == Status::Success && row.status == Status::Skipped && said.contains("and unchanged");
    assert!(row.status == status || echo, "{:?}: {said}", row.status);
    assert!(said.contains(words), "{words} in {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_8_another_companys_customer_and_its_quote_are_skipped_and_a_quote_of_theirs_for_one_of_ours() {
    let (d, _serve, ours) = serving().await;
    let mut theirs = sample::customers(82, 1)[0].to_crm();
    theirs["customerNumber"] = json!("200-77");
    let theirs = d.sim.crm().create(Kind::Person, theirs).unwrap();
    ends(&d, &theirs, Status::Skipped, "belongs to company 200").await;
    for (customer, written) in [
        (&theirs, "200-1404/5"),
        (&theirs, "۲۰۰-۱۴۰۴/۶"),
        (&ours, "200-1404/7"),
    ] {
        let mut quote = document(customer, json!([detail("5001", "1", "10")]));
        quote["number"] = json!(written);
        let quote = d.sim.crm().create(Kind::Quote, quote).unwrap();
        ends(&d, &quote, Status::Skipped, "company 200").await;
    }
    assert_eq!(d.sim.finance().contacts().len(), 1, "only ours");
    assert!(d.sim.finance().documents().is_empty());
    assert_eq!(d.sim.crm().saves(&theirs).api, 0);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_9_what_was_given_back_is_refused_with_its_row_and_a_difference_after_the_issue() {
    let (d, _serve, customer) = serving().await;
    let mut rows = json!([detail("5001", "1", "10"), detail("5002", "5", "20")]);
    rows[1]["returnedCount"] = number("2.0000");
    let id = d
        .sim
        .crm()
        .create(Kind::Quote, document(&customer, rows.clone()))
        .unwrap();
    ends(&d, &id, Status::Failed, "row 2: 2 of it were given back").await;
    assert!(d.sim.finance().documents().is_empty());
    // Corrected, it is issued by itself; 0 is nothing.
    rows[1]["returnedCount"] = number("0.0000");
    d.edit_crm(&id, json!({"details": rows}));
    ends(&d, &id, Status::Success, "").await;
    assert_eq!(d.sim.finance().documents().len(), 1);
    rows[0]["returnedCount"] = number("1");
    d.edit_crm(&id, json!({"details": rows}));
    ends(&d, &id, Status::Conflict, "row 1: returned").await;
    assert_eq!(d.sim.finance().documents().len(), 1);
    d.db.drop_it().await;
}

/// Whom the CRM announces before it shows it: announced by hand, and shown two seconds later.
#[tokio::test(flavor = "multi_thread")]
async fn case_11_a_document_that_is_announced_before_it_is_shown_is_issued_and_a_customer_comes_too() {
    let (d, _serve, customer) = serving().await;
    let hooks = d.sim.crm().config().webhooks;
    d.sim.crm().configure(|crm| crm.webhooks.native.clear());
    let invoice = document(&customer, json!([detail("5001", "1", "10")]));
    let invoice = d.sim.crm().create(Kind::Invoice, invoice).unwrap();
    let new = &sample::customers(83, 1)[0];
    let new = d.sim.crm().create(new.kind, new.to_crm()).unwrap();
    for (kind, id) in [("invoice", &invoice), ("identity", &new)] {
        d.sim.crm().delete(id).unwrap();
        let url = d.url(&format!(
            "/webhook/crm/{kind}?token={SECRET}&event=Insert&id={id}"
        ));
        assert_eq!(d.http.get(url).send().await.unwrap().status(), 202);
    }
    for id in [&invoice, &new] {
        d.eventually("looked for and not there", LIMIT, async || {
            let rows = d.rows().await;
            let waits = |row: &log::Model| {
                row.source_entity_id == *id && row.error_code.as_deref() == Some("announced_not_there")
            };
            rows.iter().any(waits)
        })
        .await;
        d.sim.crm().restore(id).unwrap();
    }
    ends(&d, &invoice, Status::Success, "").await;
    ends(&d, &new, Status::Success, "").await;
    assert_eq!(d.sim.finance().documents().len(), 1);
    assert_eq!(d.sim.finance().contacts().len(), 2);
    d.sim.crm().configure(|crm| crm.webhooks = hooks);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_14_a_header_that_is_rounded_otherwise_than_its_rows_is_issued_and_a_wrong_one_is_not() {
    let (d, _serve, customer) = serving().await;
    for (total, final_value, fine) in [
        ("143499", "143499", true),
        ("143490", "143000", true),
        ("143499", "142000", false),
        ("143600", "143499", false),
    ] {
        let mut quote = document(&customer, json!([detail("5001", "3000", "47.83")]));
        (quote["totalValue"], quote["finalValue"]) = (number(total), number(final_value));
        let id = d.sim.crm().create(Kind::Quote, quote).unwrap();
        let status = if fine { Status::Success } else { Status::Failed };
        ends(&d, &id, status, if fine { "" } else { "the rows add up to" }).await;
    }
    let issued = d.sim.finance().documents();
    assert_eq!(issued.len(), 2);
    let price = |document: &simulator::Document| document.rows[0]["price"].to_string();
    assert!(
        issued.iter().all(|document| price(document) == "47.83"),
        "{issued:?}"
    );
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_15_rows_in_another_order_are_no_change_and_a_row_that_came_is_one() {
    let (d, _serve, customer) = serving().await;
    let rows = [
        detail("5001", "1", "10"),
        detail("5002", "2", "20"),
        detail("5002", "3", "20"),
    ];
    let id = d
        .sim
        .crm()
        .create(Kind::Quote, document(&customer, json!(rows)))
        .unwrap();
    ends(&d, &id, Status::Success, "").await;
    let mut turned = rows.clone();
    turned.reverse();
    d.edit_crm(&id, json!({"details": turned}));
    ends(&d, &id, Status::Skipped, "unchanged").await;
    let more = [&turned[..], &[detail("5003", "1", "5")]].concat();
    d.edit_crm(&id, json!({"details": more}));
    ends(&d, &id, Status::Conflict, "5003").await;
    // Taken out again, nothing waits.
    d.edit_crm(&id, json!({"details": rows}));
    ends(&d, &id, Status::Skipped, "unchanged").await;
    let waits = d
        .rows()
        .await
        .into_iter()
        .filter(|row| row.status == Status::Conflict);
    assert_eq!(waits.count(), 0);
    assert_eq!(d.sim.finance().documents().len(), 1);
    d.db.drop_it().await;
}
