//! Quotes become pre-invoices: every one once, each value as it was typed, whatever happens to the answers.
//!
//! The oracle is what the test typed, never the merge or a connector.

mod changes;
mod lost_answers;
mod odd;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::store::entities::log;
use domain::store::{EntityType, Status};
use serde_json::{Value, json};
use simulator::{Kind, sample};
use testkit::Engine;

use crate::deployment::Deployment;

/// A row as it was typed: product, count and price as texts, so that no digit is lost.
struct Typed {
    customer: String,
    description: String,
    rows: Vec<(String, String, String)>,
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The `n`th quote of a customer: one to three rows, with fractions and with amounts that no float holds.
fn quote(n: usize, customer: &str) -> (Typed, Value) {
    let rows: Vec<_> = (0..=n % 3)
        .map(|row| {
            let count = ["1", "2.5", "0.001"][(n + row) % 3].to_owned();
            let price = format!("{}{:09}.{}", 1 + n % 9, 7 * n + row, ["25", "5", "45"][row % 3]);
            (format!("5001{n:03}{row}"), count, price)
        })
        .collect();
    let details: Vec<Value> = rows
        .iter()
        .map(|(code, count, price)| {
            json!({
                "productCode": code, "productName": "کاغذ A4", "isService": false, "baseUnitPrice": number(price),
                "count": number(&format!("{count}{}", if count.contains('.') { "0" } else { ".0000" })),
                "totalDiscount": 0, "totalVat": 0, "totalToll": 0, "productUnitTypeName": "بسته",
            })
        })
        .collect();
    let description = format!("سفارش {n} | فوری");
    let object = json!({
        "subject": "پیش فاکتور", "description": description, "identityId": customer, "crmObjectTypeCode": "PI_5",
        "quoteDate": "2025-12-21T10:00:00", "billableObjectState": "Draft", "details": details,
    });
    let typed = Typed {
        customer: customer.to_owned(),
        description,
        rows,
    };
    (typed, object)
}

/// Finance holds exactly these, each once and value by value.
fn finance_holds(d: &Deployment, typed: &BTreeMap<String, Typed>) {
    let documents = d.sim.finance().documents();
    assert_eq!(documents.len(), typed.len(), "one document per quote");
    for (id, quote) in typed {
        let crm = d.sim.crm().get(id).unwrap();
        let noted = crm["refId"].as_str().unwrap_or_default().to_owned();
        let found: Vec<_> = documents
            .iter()
            .filter(|document| document.number.to_string() == noted)
            .collect();
        let [document] = found[..] else {
            panic!(
                "{} documents have the number {noted:?} of quote {id}",
                found.len()
            )
        };
        let customer = d.sim.crm().get(&quote.customer).unwrap();
        assert_eq!(customer["refId"], document.customer.to_string(), "its customer");
        let header: Vec<(&str, &str)> = document
            .header
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let year = d.sim.finance().config().fiscal_year;
        for (name, value) in [
            ("hssanadstate", "8"),
            ("codenoeesanad", "2"),
            ("codesalemodel", "5"),
            ("codemarkazforush", "5"),
            ("codenoeepardakht", "2"),
            ("codenoeeforush", "1"),
            ("codevaseteh", "31"),
            ("codecontact", ""),
            ("salmali", &year.to_string()),
            ("codemoshtari", &document.customer.to_string()),
            ("tozihat", &quote.description.replace('|', "/")),
        ] {
            assert!(
                header.contains(&(name, value)),
                "{name}={value} of {id}: {header:?}"
            );
        }
        assert_eq!(document.rows.len(), quote.rows.len());
        for (held, (code, count, price)) in document.rows.iter().zip(&quote.rows) {
            assert_eq!(held["codekala"], code.as_str());
            assert_eq!(held["qty"].to_string(), *count);
            assert_eq!(held["finalqty"].to_string(), *count);
            let plain = price.trim_end_matches('0').trim_end_matches('.');
            assert_eq!(held["price"].to_string(), plain);
            assert_eq!(held["mabtakhfif"].to_string(), "0");
            assert_eq!(held["nameunit"], "بسته");
        }
    }
}

fn of_documents(rows: Vec<log::Model>) -> Vec<log::Model> {
    let documents = rows
        .into_iter()
        .filter(|row| row.entity_type != EntityType::Customer);
    documents.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_quotes_of_twenty_new_customers_are_issued_once_over_three_workers() {
    let d = Deployment::new(
        Engine::Postgres,
        // The test server has a hundred connections for all tests that run at a time.
        &[("SWEEP_INTERVAL_SECONDS", "3600"), ("WORKER_CONCURRENCY", "8")],
    )
    .await;
    d.sim.finance().configure(|finance| finance.fiscal_year = 1404);
    let _ingest = d.run("siagh-ingest", &[]);
    let _workers = [(); 3].map(|()| d.run("siagh-worker", &[]));
    d.ready().await;
    d.native_webhooks();
    d.document_webhooks();
    // Nobody has told us of these customers yet: their documents do.
    let customers: Vec<String> = sample::customers(17, 20)
        .iter()
        .map(|customer| d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap())
        .collect();
    let mut typed = BTreeMap::new();
    for n in 0..200 {
        let (quote, object) = quote(n, &customers[n % customers.len()]);
        typed.insert(d.sim.crm().create(Kind::Quote, object).unwrap(), quote);
    }
    d.settled(Duration::from_secs(240)).await;
    finance_holds(&d, &typed);
    assert_eq!(d.sim.finance().contacts().len(), 20, "each customer once");
    // All webhooks once more: nothing happens.
    for id in typed.keys() {
        d.sim.crm().announce(id).unwrap();
    }
    d.settled(Duration::from_secs(240)).await;
    finance_holds(&d, &typed);
    let rows = of_documents(d.rows().await);
    let issued = rows
        .iter()
        .filter(|row| row.status == Status::Success && row.direction == "CRM_TO_FINANCE");
    assert_eq!(issued.count(), 200);
    assert!(
        rows.iter()
            .all(|row| matches!(row.status, Status::Success | Status::Skipped))
    );
    for id in typed.keys() {
        assert_eq!(d.sim.crm().saves(id).api, 1, "its number was noted once");
    }
    let (code, said) = d.siaghsync(&["verify", "--documents"]);
    assert_eq!(code, Some(0), "{said}");
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_fiscal_year_from_finance_it_is_that_of_the_day_in_the_crms_zone() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    d.sim.finance().configure(|finance| finance.fiscal_year = -1);
    let _serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    d.document_webhooks();
    let customer = &sample::customers(20, 1)[0];
    let customer = d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
    // Nowruz of 1405, and of 1404, after the 366 days of 1403; midnight in Tehran is 20:30 UTC.
    let mut expected = BTreeMap::new();
    for (n, (date, year)) in [
        ("2026-03-20T23:59:59.9999999", "1404"),
        ("2026-03-21T00:00:00", "1405"),
        ("2026-03-20T20:29:59.999Z", "1404"),
        ("2026-03-20T20:30:00Z", "1405"),
        ("2025-03-20T23:59:59", "1403"),
        ("2025-03-21T00:00:00.000", "1404"),
        ("2024-03-19T23:59:59", "1402"),
        ("2024-03-20T00:00:00", "1403"),
    ]
    .into_iter()
    .enumerate()
    {
        let (_, mut object) = quote(n, &customer);
        object["quoteDate"] = date.into();
        object["details"][0]["baseUnitPrice"] = number("1234567890123.45");
        let id = d.sim.crm().create(Kind::Quote, object).unwrap();
        expected.insert(id, (date, year));
    }
    d.settled(Duration::from_secs(60)).await;
    let issued = d.sim.finance().documents();
    assert_eq!(issued.len(), expected.len());
    for (id, (date, year)) in expected {
        let noted = d.sim.crm().get(&id).unwrap()["refId"]
            .as_str()
            .unwrap()
            .to_owned();
        let held = issued
            .iter()
            .find(|held| held.number.to_string() == noted)
            .unwrap();
        assert_eq!(held.header["salmali"], year, "{date}");
        assert_eq!(held.rows[0]["price"].to_string(), "1234567890123.45");
    }
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_nobody_told_of_is_issued_by_hand() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let customer = &sample::customers(21, 1)[0];
    let customer = d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
    for (kind, option) in [(Kind::Quote, "--quote"), (Kind::Invoice, "--invoice")] {
        let (_, object) = quote(1, &customer);
        let id = d.sim.crm().seed(kind, object).unwrap();
        for _ in 0..2 {
            let (code, said) = d.siaghsync(&["sync", &id, option]);
            assert_eq!(code, Some(0), "{said}");
        }
        let issued = d.sim.finance().documents();
        let number = issued.last().unwrap().number.to_string();
        assert_eq!(d.sim.crm().get(&id).unwrap()["refId"], number.as_str());
    }
    assert_eq!(d.sim.finance().documents().len(), 2, "each once");
    assert_eq!(d.sim.finance().contacts().len(), 1, "its customer first");
    let (_, object) = quote(2, &customer);
    let wrong = d.sim.crm().seed(Kind::Quote, object).unwrap();
    d.edit_crm(&wrong, json!({ "identityId": uuid::Uuid::now_v7().to_string() }));
    let (code, said) = d.siaghsync(&["sync", &wrong, "--quote"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is not in the CRM"), "{said}");
    assert_eq!(d.sim.finance().documents().len(), 2);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_nobody_has_heard_of_is_named_until_it_is_issued_or_skipped() {
    let d = Deployment::new(Engine::Sqlite, &[("DOCUMENT_STATES", "Approved")]).await;
    let customer = &sample::customers(22, 1)[0];
    let customer = d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
    let seed = |number: &str, state: &str| {
        let (_, mut object) = quote(1, &customer);
        (object["number"], object["billableObjectState"]) = (number.into(), state.into());
        d.sim.crm().seed(Kind::Quote, object).unwrap()
    };
    seed("100-1404/1", "Draft");
    assert_eq!(
        d.siaghsync(&["verify", "--documents"]).0,
        Some(0),
        "no state to be issued in"
    );
    let ours = seed("100-1404/2", "Approved");
    // Another company's.
    let theirs = seed("200-1404/3", "Approved");
    let (code, said) = d.siaghsync(&["verify", "--documents"]);
    for id in [&ours, &theirs] {
        assert!(
            said.contains(&format!("({id}): never heard of; `siaghsync sync {id} --quote`")),
            "{said}"
        );
    }
    assert_eq!(code, Some(3));
    let (code, said) = d.siaghsync(&["verify", "--documents", "--json"]);
    let mut unheard = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .flat_map(|day| day["unheard"].as_array().cloned().unwrap())
        .map(|one| (one["kind"].clone(), one["number"].clone()))
        .collect::<Vec<_>>();
    unheard.sort_by_key(|(_, number)| number.to_string());
    let quotes = ["100-1404/2", "200-1404/3"].map(|number| (json!("quote"), json!(number)));
    assert_eq!((code, unheard.as_slice()), (Some(3), &quotes[..]), "{said}");
    for id in [&ours, &theirs] {
        let (code, said) = d.siaghsync(&["sync", id, "--quote"]);
        assert_eq!(code, Some(0), "{said}");
    }
    let (code, said) = d.siaghsync(&["verify", "--documents"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(d.sim.finance().documents().len(), 1);
    d.db.drop_it().await;
}
