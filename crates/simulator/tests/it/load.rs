//! Twenty thousand customers stay cheap, call by call.

use std::time::Instant;

use serde_json::json;
use simulator::sample;

use crate::support::{contact_form, world};

#[tokio::test]
async fn many_customers() {
    let world = world().await;
    let customers = sample::customers(1, 20_000);
    for customer in &customers {
        world.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
        world.sim.finance().seed(customer.to_finance()).unwrap();
    }
    let begun = Instant::now();
    let mut seen = 0;
    let mut page = 1;
    loop {
        let body = json!({"typeKey": "person", "queries": [
            {"logicalOperator": 0, "field": "ModifyDate", "operator": 2, "value": "2000-01-01T00:00:00"}],
            "orders": [{"field": "ModifyDate", "order": 0}], "pageNumber": page, "pageSize": 500});
        let answer = world.crm_ok("crmobject/person/find", body).await;
        let rows = answer["data"].as_array().unwrap().len();
        seen += rows;
        if rows == 0 {
            assert_eq!(answer["total"], seen);
            break;
        }
        page += 1;
    }
    assert!(seen > 10_000);
    assert_eq!(world.read_contacts(json!({})).await.len(), 20_002);
    for customer in customers.iter().step_by(200) {
        let rows = world.read_contacts(json!({"MobileNo": customer.mobile})).await;
        let code = rows[0]["Code"].as_i64().unwrap();
        let form = contact_form(Some(code), &[("fullname", "x"), ("mobileno", &customer.mobile)]);
        world.save_form(&form).await;
        let body = json!({"typeKey": customer.kind.name(), "queries": [{"logicalOperator": 0,
            "field": "NationalCode", "operator": 0, "value": customer.national_id}],
            "orders": [], "pageNumber": 1, "pageSize": 10});
        let found = world
            .crm_ok(&format!("crmobject/{}/find", customer.kind), body)
            .await;
        assert_eq!(found["total"], 1);
    }
    // An unoptimised build on a busy machine; a quadratic search would take minutes.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
