//! What finance makes of a text when it stores it: its form stays there, what was typed stays in the CRM.

use serde_json::{Value, json};
use simulator::Kind as Made;
use simulator::config::CodePage;
use testkit::Engine;

use super::{LIMIT, code_of, held, in_crm, polled, saves};
use crate::deployment::{Deployment, Process};
use crate::polls::{QUICK, at_rest, looks, services};

/// An installation with columns that hold numbers, and that escapes an `&`.
fn make_lossy(d: &Deployment, code_page: CodePage) {
    d.sim.finance().configure(|finance| {
        finance.lossy.code_page = code_page;
        finance.lossy.escapes_html = true;
        finance.lossy.numeric = ["NationalCode", "PostalCode"].map(str::to_owned).to_vec();
    });
}

async fn lossy(on: Engine, code_page: CodePage) -> (Deployment, Vec<Process>) {
    let d = Deployment::new(on, &QUICK).await;
    make_lossy(&d, code_page);
    let services = services(&d, on);
    d.ready().await;
    d.native_webhooks();
    (d, services)
}

fn typed(name: &str) -> Value {
    json!({
        "nickName": name, "nationalCode": "0062437518", "description": "R&D <3 'نو'", "email": "aria@example.com",
        "addressContacts": [{"default": true, "address": "تهران، «ونک» & پارک", "zipCode": "0123456789"}],
    })
}

fn has_kept(d: &Deployment, id: &str, typed: &Value) {
    let object = d.sim.crm().get(id).unwrap();
    for property in ["nickName", "nationalCode", "description"] {
        assert_eq!(object[property], typed[property], "{property}");
    }
    for property in ["address", "zipCode"] {
        let [now, then] = [&object, typed].map(|object| &object["addressContacts"][0][property]);
        assert_eq!(now, then, "{property}");
    }
}

fn finance_has(d: &Deployment, code: i64, name: &str) {
    for (column, form) in [
        ("Name", name),
        ("NationalCode", "62437518"),
        ("PostalCode", "123456789"),
        ("Description", "R&amp;D &lt;3 &#39;نو&#39;"),
        ("Address", "تهران، «ونک» &amp; پارک"),
    ] {
        assert_eq!(held(d, code, column), form, "{column}");
    }
}

/// A customer with that name, whose name finance stores in that form.
async fn nothing_goes_back_and_forth(on: Engine, code_page: CodePage, name: &str, form: &str) {
    let (d, _services) = lossy(on, code_page).await;
    let typed = typed(name);
    let id = in_crm(&d, typed.clone());
    polled(&d).await;
    at_rest(&d).await;
    let code = code_of(&d, &id);
    finance_has(&d, code, form);
    has_kept(&d, &id, &typed);
    let before = saves(&d);
    d.sim.crm().announce(&id).unwrap();
    looks(&d, 5).await;
    d.settled(LIMIT).await;
    assert_eq!(saves(&d), before, "{code_page:?}: nobody writes");

    // Edits of other fields save the whole form, four times; and a real edit is an edit.
    for n in 1..=4 {
        let site = format!("{n}.example.com");
        d.edit_crm(&id, json!({"website": site}));
        polled(&d).await;
        assert_eq!(held(&d, code, "WebSiteAddress"), site);
    }
    finance_has(&d, code, form);
    has_kept(&d, &id, &typed);
    d.edit_finance(code, json!({"Name": "آریا ساده"}));
    polled(&d).await;
    assert_eq!(d.sim.crm().get(&id).unwrap()["nickName"], "آریا ساده");
    let stats = domain::store::Store::stats(&d.db.store).await.unwrap();
    assert_eq!((stats.failed, stats.conflict), (0, 0));
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_7_question_marks_for_an_emoji_stay_in_finance() {
    nothing_goes_back_and_forth(Engine::Sqlite, CodePage::Marks, "آریا 😀 تک", "آریا ?? تک").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_7_a_text_that_ends_at_the_first_emoji_stays_in_finance() {
    nothing_goes_back_and_forth(Engine::Postgres, CodePage::Cuts, "آریا 😀 تک", "آریا ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_7_an_emoji_that_is_left_out_beside_a_sign_that_is_escaped() {
    let form = "آریا  &amp; پسران";
    nothing_goes_back_and_forth(Engine::Sqlite, CodePage::Drops, "آریا 😀 & پسران", form).await;
}

/// Typed into both before anybody heard of either: whose name is the same is linked, and each side keeps its form.
#[tokio::test(flavor = "multi_thread")]
async fn case_7_who_stands_in_both_systems_is_the_same_in_either_form() {
    let d = Deployment::new(Engine::Sqlite, &QUICK).await;
    make_lossy(&d, CodePage::Marks);
    let phones = json!([{"default": true, "phoneType": "Mobile", "phoneNumber": "09123451237"}]);
    let mut object = typed("علی رضایی");
    object["phoneContacts"] = phones;
    let id = in_crm(&d, object.clone());
    let code = d.sim.finance().seed(json!({
        "Name": "علی رضایی", "NationalCode": "62437518", "MobileNo": "09123451237", "Description": "R&amp;D &lt;3 &#39;نو&#39;",
        "Email": "aria@example.com", "Address": "تهران، «ونک» &amp; پارک", "PostalCode": "123456789", "TowardType": false,
    }));
    let code = code.unwrap();
    let (exit, said) = d.siaghsync(&["import", "--yes"]);
    assert_eq!(exit, Some(0), "{said}");
    assert_eq!(d.links().await.len(), 1, "{said}");
    assert_eq!(code_of(&d, &id), code, "linked");
    let _services = services(&d, Engine::Sqlite);
    d.ready().await;
    polled(&d).await;
    at_rest(&d).await;
    assert_eq!(d.sim.crm().list(Made::Person).len(), 1);
    has_kept(&d, &id, &object);
    finance_has(&d, code, "علی رضایی");
    d.db.drop_it().await;
}
