//! A record that was deleted and taken out of the bin again: its link opens, and what was made meanwhile is settled.

use domain::store::{LinkState, Status, Store};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use simulator::Kind as Made;
use testkit::Engine;

use super::{LIMIT, code_of, held, in_crm, polled};
use crate::deployment::{Deployment, Process};
use crate::polls::{QUICK, at_rest, services};

const MOBILE: &str = "09123334455";

fn nima(email: &str) -> Value {
    let phones = json!([{"phoneType": "Mobile", "default": true, "phoneNumber": MOBILE}]);
    json!({"nickName": "نیما راد", "email": email, "nationalCode": "0499370899", "phoneContacts": phones})
}

/// «نیما راد», linked; and the link after his identity was deleted.
async fn deleted(on: Engine) -> (Deployment, Vec<Process>, String, i64) {
    let d = Deployment::new(on, &QUICK).await;
    let running = services(&d, on);
    d.ready().await;
    d.native_webhooks();
    let id = d
        .sim
        .crm()
        .create(Made::Person, nima("nima@example.com"))
        .unwrap();
    d.settled(LIMIT).await;
    at_rest(&d).await;
    let code = code_of(&d, &id);
    d.sim.crm().delete(&id).unwrap();
    d.eventually("closed", LIMIT, async || {
        state(&d, &id).await == Some(LinkState::Closed)
    })
    .await;
    d.settled(LIMIT).await;
    (d, running, id, code)
}

async fn state(d: &Deployment, id: &str) -> Option<LinkState> {
    let links = d.links().await;
    links
        .into_iter()
        .find(|link| link.crm_id.as_deref() == Some(id))
        .map(|link| link.state)
}

/// Keys that somebody holds still.
async fn reserved(d: &Deployment) -> i64 {
    let db = d.db.store.db();
    let sql = r#"SELECT COUNT(*) AS "n" FROM "MatchLock""#;
    let counted = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(counted).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}

async fn waits(d: &Deployment) -> Vec<String> {
    let rows = d.rows().await.into_iter();
    let waits = rows.filter(|row| matches!(row.status, Status::Conflict | Status::Failed));
    waits.filter_map(|row| row.error_message).collect()
}

async fn a_restored_one_meets_its_namesake(on: Engine) {
    let (d, _services, id, code) = deleted(on).await;
    // Sales types him anew: nobody takes over the contact that was the deleted one's.
    let namesake = d
        .sim
        .crm()
        .create(Made::Person, nima("second@example.com"))
        .unwrap();
    d.settled(LIMIT).await;
    let said = waits(&d).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(&code.to_string()), "{said:?}");
    d.sim.crm().restore(&id).unwrap();
    d.eventually("open again", LIMIT, async || {
        state(&d, &id).await == Some(LinkState::Active)
    })
    .await;
    d.settled(LIMIT).await;
    d.edit_crm(&id, json!({"website": "nima.example.com"}));
    polled(&d).await;
    assert_eq!(held(&d, code, "WebSiteAddress"), "nima.example.com");
    // One of the two is too many. Its deletion settles what waits.
    d.sim.crm().delete(&namesake).unwrap();
    polled(&d).await;
    at_rest(&d).await;
    assert_eq!(waits(&d).await, Vec::<String>::new());
    assert_eq!(reserved(&d).await, 0, "no key stays reserved");
    assert_eq!(d.sim.finance().contacts().len(), 1);
    assert_eq!(
        d.links()
            .await
            .iter()
            .filter(|link| link.state == LinkState::Active)
            .count(),
        1
    );
    // Whoever needs the same keys next is met like anybody.
    let other = json!({"nickName": "سارا نیکو", "email": "second@example.com"});
    let other = d.sim.crm().create(Made::Person, other).unwrap();
    polled(&d).await;
    assert_ne!(code_of(&d, &other), code);
    assert_eq!(reserved(&d).await, 0);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_25_a_restored_identity_meets_its_namesake_embedded() {
    a_restored_one_meets_its_namesake(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_25_a_restored_identity_meets_its_namesake_distributed() {
    a_restored_one_meets_its_namesake(Engine::Postgres).await;
}

/// The namesake was linked with the contact by an operator meanwhile: the restored one is asked about, and nothing of the
/// other's is written over.
#[tokio::test(flavor = "multi_thread")]
async fn case_25_whose_contact_was_given_to_the_namesake_is_asked_about() {
    let (d, _services, id, code) = deleted(Engine::Sqlite).await;
    let namesake = d
        .sim
        .crm()
        .create(Made::Person, nima("second@example.com"))
        .unwrap();
    d.settled(LIMIT).await;
    let (exit, said) = d.siaghsync(&["resolve", "--link", &namesake, &code.to_string()]);
    assert_eq!(exit, Some(0), "{said}");
    d.settled(LIMIT).await;
    assert_eq!(waits(&d).await, Vec::<String>::new());
    let email = held(&d, code, "Email");
    d.sim.crm().restore(&id).unwrap();
    d.edit_crm(&id, json!({"description": "از سطل بازیافت"}));
    polled(&d).await;
    at_rest(&d).await;
    let said = waits(&d).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(held(&d, code, "Email"), email);
    assert_eq!(held(&d, code, "Description"), Value::Null);
    assert_eq!(d.sim.finance().contacts().len(), 1, "and nobody is made twice");
    assert_eq!(reserved(&d).await, 0);
    // A human says that he is another one.
    d.edit_crm(&id, json!({"nickName": "نیما رادمنش", "nationalCode": "0084575948", "refId": "", "phoneContacts": [], "email": "other@example.com"}));
    polled(&d).await;
    polled(&d).await;
    assert_eq!(waits(&d).await, Vec::<String>::new());
    at_rest(&d).await;
    assert_ne!(code_of(&d, &id), code);
    assert_eq!(reserved(&d).await, 0);
    d.db.drop_it().await;
}

/// The other way round: finance deletes a contact and enters it again under its old code.
#[tokio::test(flavor = "multi_thread")]
async fn case_25_a_contact_that_comes_back_under_its_code_is_open_again() {
    let d = Deployment::new(
        Engine::Postgres,
        &[&QUICK[..], &[("MAX_CHANGED_SHARE", "1")]].concat(),
    )
    .await;
    let _services = services(&d, Engine::Postgres);
    d.ready().await;
    d.native_webhooks();
    let id = in_crm(&d, nima("nima@example.com"));
    polled(&d).await;
    at_rest(&d).await;
    let code = code_of(&d, &id);
    let mut contact = d.sim.finance().get(code).unwrap();
    d.sim.finance().delete(code).unwrap();
    // Heard of from the CRM's end, where nothing was deleted: not shown for two minutes, then gone.
    d.edit_crm(&id, json!({"website": "nima.example.com"}));
    d.eventually("looked for", LIMIT, async || {
        let rows = d.rows().await;
        rows.iter()
            .any(|row| row.error_code.as_deref() == Some("not_shown"))
    })
    .await;
    contact["RegDate"] = Value::Null;
    assert_eq!(d.sim.finance().seed(contact).unwrap(), code);
    d.eventually("in step", std::time::Duration::from_secs(180), async || {
        held(&d, code, "WebSiteAddress") == "nima.example.com"
    })
    .await;
    d.settled(LIMIT).await;
    assert_eq!(state(&d, &id).await, Some(LinkState::Active));
    assert_eq!(waits(&d).await, Vec::<String>::new());
    let stats = d.db.store.stats().await.unwrap();
    assert_eq!((stats.failed, stats.conflict), (0, 0));
    assert_eq!(reserved(&d).await, 0);
    d.db.drop_it().await;
}
