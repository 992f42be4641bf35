//! A CRM whose records bear no date of a change until somebody edits them.

use serde_json::json;
use simulator::sample::{self, SampleCustomer};
use testkit::Engine;

use super::{LIMIT, code_of, held, polled};
use crate::deployment::Deployment;
use crate::oracle;
use crate::polls::{QUICK, at_rest, looks, services};

fn undated(d: &Deployment, customers: &[SampleCustomer]) -> Vec<(String, SampleCustomer)> {
    let seed = |customer: &SampleCustomer| d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
    let all: Vec<_> = customers
        .iter()
        .map(|customer| (seed(customer), customer.clone()))
        .collect();
    for (id, _) in &all {
        assert!(d.sim.crm().get(id).unwrap().get("modifyDate").is_none());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn case_31_records_without_a_date_of_a_change_are_polled() {
    for on in [Engine::Sqlite, Engine::Postgres] {
        let d = Deployment::new(on, &QUICK).await;
        d.sim.crm().configure(|crm| {
            crm.modify_date_at_first_edit = true;
            crm.max_page_size = 11;
        });
        let customers = sample::customers(31, 60);
        // Before the first look, between looks, and while nobody looked.
        let mut typed = undated(&d, &customers[..20]);
        let running = services(&d, on);
        d.ready().await;
        polled(&d).await;
        oracle::finance_holds_exactly(&d.sim, &typed);
        typed.extend(undated(&d, &customers[20..40]));
        polled(&d).await;
        oracle::finance_holds_exactly(&d.sim, &typed);
        drop(running);
        typed.extend(undated(&d, &customers[40..]));
        let _services = services(&d, on);
        d.ready().await;
        polled(&d).await;
        oracle::finance_holds_exactly(&d.sim, &typed);
        at_rest(&d).await;
        // The first edit gives the record its date, and is found by it.
        d.edit_crm(&typed[3].0, json!({"website": "first.example.com"}));
        polled(&d).await;
        let code = code_of(&d, &typed[3].0);
        assert_eq!(held(&d, code, "WebSiteAddress"), "first.example.com");
        let saves = super::saves(&d);
        looks(&d, 4).await;
        d.settled(LIMIT).await;
        assert_eq!(super::saves(&d), saves, "nothing is read as new again and again");
        d.db.drop_it().await;
    }
}

/// Of a record that finance's edit reaches, the CRM's own save is the first edit: its date is ours, no user's.
#[tokio::test(flavor = "multi_thread")]
async fn case_31_the_date_of_our_own_first_save_is_no_edit() {
    let d = Deployment::new(Engine::Sqlite, &QUICK).await;
    d.sim.crm().configure(|crm| crm.modify_date_at_first_edit = true);
    let customer = &sample::customers(32, 1)[0];
    let mut object = customer.to_crm();
    let code = d.sim.finance().seed(customer.to_finance()).unwrap();
    object["refId"] = json!(code.to_string());
    let id = d.sim.crm().seed(customer.kind, object).unwrap();
    let (exit, said) = d.siaghsync(&["import", "--yes"]);
    assert_eq!(exit, Some(0), "{said}");
    let _services = services(&d, Engine::Sqlite);
    d.ready().await;
    polled(&d).await;
    d.edit_finance(code, json!({"Email": "of@example.com"}));
    polled(&d).await;
    assert_eq!(d.sim.crm().get(&id).unwrap()["email"], "of@example.com");
    let saves = super::saves(&d);
    at_rest(&d).await;
    looks(&d, 3).await;
    d.settled(LIMIT).await;
    assert_eq!(super::saves(&d), saves);
    assert_eq!(held(&d, code, "Email"), "of@example.com");
    d.db.drop_it().await;
}
