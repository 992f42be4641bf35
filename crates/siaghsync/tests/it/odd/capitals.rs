//! Ids that one answer writes in capitals and another does not: they are one id.

use serde_json::{Value, json};
use simulator::{Kind as Made, sample};
use testkit::Engine;

use super::{LIMIT, code_of, held, polled};
use crate::deployment::Deployment;
use crate::polls::{QUICK, at_rest, services};

/// From now on ids stand in capitals in these answers.
fn capitals(d: &Deployment, verbs: &[&str]) {
    let verbs = verbs.iter().map(|verb| (*verb).to_owned()).collect();
    d.sim.crm().configure(|crm| crm.capital_ids_in = verbs);
}

const WAYS: [&[&str]; 5] = [
    &["find", "search"],
    &["get"],
    &["webhooks"],
    &["create", "update", "webhooks"],
    &["get", "find", "search", "create", "update", "webhooks"],
];

/// One link of each customer, under ids in small letters.
async fn is_one_link_each(d: &Deployment, customers: usize) {
    let links = d.links().await;
    let ids: Vec<&str> = links.iter().filter_map(|link| link.crm_id.as_deref()).collect();
    assert_eq!(ids.len(), customers, "{ids:?}");
    assert!(ids.iter().all(|id| **id == id.to_lowercase()), "{ids:?}");
    assert_eq!(d.sim.finance().contacts().len(), customers);
    assert_eq!(d.sim.crm().customers().len(), customers);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_24_one_link_however_an_answer_or_a_webhook_writes_the_id() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    // One stands in both systems, one in each.
    let customers = sample::customers(24, 3);
    let both = d
        .sim
        .crm()
        .seed(customers[0].kind, customers[0].to_crm())
        .unwrap();
    let code = d.sim.finance().seed(customers[0].to_finance()).unwrap();
    let of_finance = d.sim.finance().seed(customers[1].to_finance()).unwrap();
    capitals(&d, WAYS[0]);
    let (exit, said) = d.siaghsync(&["import", "--yes"]);
    assert_eq!(exit, Some(0), "{said}");
    let _services = services(&d, Engine::Postgres);
    d.ready().await;
    d.native_webhooks();
    d.sim
        .crm()
        .create(customers[2].kind, customers[2].to_crm())
        .unwrap();
    polled(&d).await;
    assert_eq!(code_of(&d, &both), code);
    for (n, verbs) in WAYS.iter().enumerate() {
        capitals(&d, verbs);
        let (site, email) = (format!("{n}.example.com"), format!("{n}@example.com"));
        d.edit_crm(&both, json!({"website": site}));
        d.edit_finance(of_finance, json!({"Email": email}));
        polled(&d).await;
        assert_eq!(held(&d, code, "WebSiteAddress"), site, "{verbs:?}");
        let made = d.sim.crm().customers();
        let noted = of_finance.to_string();
        let of = |object: &&Value| object["refId"] == noted.as_str();
        assert_eq!(made.iter().find(of).unwrap()["email"], email, "{verbs:?}");
    }
    at_rest(&d).await;
    is_one_link_each(&d, 3).await;
    let stats = domain::store::Store::stats(&d.db.store).await.unwrap();
    assert_eq!((stats.failed, stats.conflict), (0, 0));
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_24_a_quote_whose_customer_is_named_in_capitals_is_issued_once() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let _serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    d.signed_webhooks();
    let customer = &sample::customers(25, 1)[0];
    let id = d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    d.settled(LIMIT).await;
    capitals(&d, WAYS[4]);
    let rows = json!([{"productCode": "500102014", "count": 1, "baseUnitPrice": 5000, "isService": false}]);
    let quote = json!({"identityId": id.to_uppercase(), "quoteDate": "2025-12-21T10:00:00", "details": rows});
    let quote = d.sim.crm().create(Made::Quote, quote).unwrap();
    d.settled(LIMIT).await;
    capitals(&d, &["find"]);
    d.sim.crm().announce(&quote).unwrap();
    d.settled(LIMIT).await;
    let documents = d.sim.finance().documents();
    assert_eq!(documents.len(), 1, "{:?}", d.rows().await);
    assert_eq!(documents[0].customer, code_of(&d, &id));
    let links = d.links().await;
    assert_eq!(links.len(), 2, "the customer's and the quote's");
    d.db.drop_it().await;
}
