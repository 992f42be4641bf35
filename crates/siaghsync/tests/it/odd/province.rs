//! A province that finance writes with each save and does not show: never cleared unknowingly.

use domain::store::Status;
use serde_json::json;
use testkit::Engine;

use super::{LIMIT, code_of, held, in_crm};
use crate::deployment::Deployment;
use crate::polls::{QUICK, looks, services};

/// A customer that is linked, of a province that `GetAll` does not show.
async fn hidden(settings: &[(&str, &str)]) -> (Deployment, String, i64) {
    let d = Deployment::new(Engine::Sqlite, &[&QUICK[..], settings].concat()).await;
    d.sim
        .finance()
        .configure(|finance| finance.hidden_columns = vec!["ProvinceCode".to_owned()]);
    let phones = json!([{"phoneType": "Mobile", "default": true, "phoneNumber": "09123334455"}]);
    let id = in_crm(&d, json!({"nickName": "نیما راد", "phoneContacts": phones}));
    let contact = json!({"Name": "نیما راد", "MobileNo": "09123334455", "ProvinceCode": 8, "CityCode": 41, "TowardType": false});
    let code = d.sim.finance().seed(contact).unwrap();
    let (exit, said) = d.siaghsync(&["import", "--yes"]);
    assert_eq!(exit, Some(0), "{said}");
    assert_eq!(code_of(&d, &id), code);
    (d, id, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_23_a_province_that_is_not_shown_is_told_and_not_cleared() {
    let (d, id, code) = hidden(&[]).await;
    let (exit, said) = d.siaghsync(&["check"]);
    assert_eq!(exit, Some(1), "{said}");
    assert!(
        said.contains("province") && said.contains("FINANCE_UNSHOWN_PROVINCE"),
        "{said}"
    );
    let services = services(&d, Engine::Sqlite);
    d.ready().await;
    d.native_webhooks();
    d.edit_crm(&id, json!({"email": "a@example.com"}));
    looks(&d, 1).await;
    d.settled(LIMIT).await;
    assert_eq!(
        held(&d, code, "Email"),
        serde_json::Value::Null,
        "nothing was saved"
    );
    let rows = d.rows().await;
    let failed = rows.iter().filter(|row| row.status == Status::Failed);
    let said: Vec<String> = failed.filter_map(|row| row.error_message.clone()).collect();
    assert!(
        !said.is_empty()
            && said
                .iter()
                .all(|words| words.contains("FINANCE_UNSHOWN_PROVINCE")),
        "{said:?}"
    );
    // What finance edits needs no save there.
    d.edit_finance(code, json!({"Description": "یادداشت"}));
    looks(&d, 1).await;
    d.settled(LIMIT).await;
    assert_eq!(d.sim.crm().get(&id).unwrap()["description"], "یادداشت");
    assert_eq!(held(&d, code, "ProvinceCode"), 8);
    // Somebody has the column shown: it goes on with the next edit, and the province is kept.
    d.sim
        .finance()
        .configure(|finance| finance.hidden_columns.clear());
    d.edit_crm(&id, json!({"website": "a.example.com"}));
    looks(&d, 1).await;
    d.settled(LIMIT).await;
    assert_eq!(held(&d, code, "Email"), "a@example.com");
    assert_eq!(
        (held(&d, code, "ProvinceCode"), held(&d, code, "CityCode")),
        (json!(8), json!(41))
    );
    let (_, said) = d.siaghsync(&["check"]);
    assert!(!said.contains("province"), "{said}");
    drop(services);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_23_what_is_sent_in_its_place_is_said_by_the_setting_and_by_check() {
    for (setting, sent, said) in [
        ("12", json!(12), "sets it to 12"),
        ("clear", json!(null), "it is cleared by each"),
    ] {
        let (d, id, code) = hidden(&[("FINANCE_UNSHOWN_PROVINCE", setting)]).await;
        let _services = services(&d, Engine::Sqlite);
        d.ready().await;
        d.edit_crm(&id, json!({"email": "a@example.com"}));
        looks(&d, 1).await;
        d.settled(LIMIT).await;
        assert_eq!(held(&d, code, "Email"), "a@example.com");
        assert_eq!(held(&d, code, "ProvinceCode"), sent);
        assert_eq!(held(&d, code, "CityCode"), 41);
        let (exit, words) = d.siaghsync(&["check"]);
        assert_eq!(exit, Some(0), "{words}");
        assert!(words.contains(said), "{words}");
        d.db.drop_it().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_23_a_contact_that_we_have_made_is_saved_with_the_province_that_we_gave_it() {
    let d = Deployment::new(Engine::Sqlite, &QUICK).await;
    d.sim
        .finance()
        .configure(|finance| finance.hidden_columns = vec!["ProvinceCode".to_owned()]);
    let _services = services(&d, Engine::Sqlite);
    d.ready().await;
    d.native_webhooks();
    let phones = json!([{"phoneType": "Mobile", "default": true, "phoneNumber": "09123334455"}]);
    let id = in_crm(&d, json!({"nickName": "نیما راد", "phoneContacts": phones}));
    looks(&d, 2).await;
    d.settled(LIMIT).await;
    let code = code_of(&d, &id);
    for email in ["a@example.com", "b@example.com"] {
        d.edit_crm(&id, json!({"email": email}));
        looks(&d, 1).await;
        d.settled(LIMIT).await;
        assert_eq!(held(&d, code, "Email"), email);
    }
    d.db.drop_it().await;
}
