//! Contacts of which finance does not say whether they are a person or an organization.

use serde_json::{Value, json};
use simulator::Kind as Made;
use testkit::Engine;

use super::{code_of, held, in_crm, polled};
use crate::deployment::Deployment;
use crate::polls::{QUICK, at_rest, services};

/// One without a kind.
fn kindless(d: &Deployment, name: &str, mobile: &str) -> i64 {
    let contact = json!({"Name": name, "MobileNo": mobile, "CityCode": 41, "TowardType": null});
    d.sim.finance().seed(contact).unwrap()
}

fn object(name: &str, mobile: &str) -> Value {
    let phones = json!([{"phoneType": "Mobile", "default": true, "phoneNumber": mobile}]);
    json!({"nickName": name, "phoneContacts": phones})
}

/// Edits go both ways, and no kind is written.
async fn stays_without_a_kind(d: &Deployment, id: &str, code: i64) {
    d.edit_crm(id, json!({"email": format!("{code}@example.com")}));
    d.edit_finance(code, json!({"Description": "یادداشت"}));
    polled(d).await;
    at_rest(d).await;
    assert_eq!(held(d, code, "Email"), format!("{code}@example.com"));
    assert_eq!(d.sim.crm().get(id).unwrap()["description"], "یادداشت");
    assert_eq!(held(d, code, "TowardType"), Value::Null);
    assert_eq!(held(d, code, "CityCode"), 41);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_22_a_kind_that_finance_does_not_say_is_never_written() {
    for (on, omits) in [(Engine::Sqlite, false), (Engine::Postgres, true)] {
        let d = Deployment::new(on, &QUICK).await;
        d.sim.finance().configure(|finance| finance.omit_nulls = omits);
        let code = kindless(&d, "نیما راد", "09123334455");
        let id = in_crm(&d, object("نیما راد", "09123334455"));
        let alone = kindless(&d, "سارا نیکو", "09352221346");
        let (exit, said) = d.siaghsync(&["import", "--yes"]);
        assert_eq!(exit, Some(0), "{said}");
        assert_eq!(code_of(&d, &id), code);
        let _services = services(&d, on);
        d.ready().await;
        polled(&d).await;
        stays_without_a_kind(&d, &id, code).await;
        let made = d.sim.crm().find(Made::Person, "refId", &alone.to_string().into());
        stays_without_a_kind(&d, made[0]["crmId"].as_str().unwrap(), alone).await;
        d.db.drop_it().await;
    }
}

/// Nobody knows whether it is the company or its manager: asked, and neither's kind changes when a human has said it.
#[tokio::test(flavor = "multi_thread")]
async fn case_22_an_organization_is_asked_about_and_stays_one() {
    let d = Deployment::new(Engine::Sqlite, &QUICK).await;
    let code = kindless(&d, "شرکت آریا پخش", "09123334455");
    d.edit_finance(code, json!({"Email": "info@aria.ir"}));
    let mut company = object("شرکت آریا پخش", "09123334455");
    company["email"] = json!("info@aria.ir");
    let id = d.sim.crm().seed(Made::Organization, company).unwrap();
    let (exit, said) = d.siaghsync(&["import", "--yes"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(
        said.contains(&id) && said.contains("a person and an organization"),
        "{said}"
    );
    let (exit, said) = d.siaghsync(&["resolve", "--link", &id, &code.to_string()]);
    assert_eq!(exit, Some(0), "{said}");
    let _services = services(&d, Engine::Sqlite);
    d.ready().await;
    polled(&d).await;
    stays_without_a_kind(&d, &id, code).await;
    assert_eq!(d.sim.crm().kind(&id), Some(Made::Organization));
    assert_eq!(d.sim.crm().customers().len(), 1);
    d.db.drop_it().await;
}
