//! The operator's commands on a database that a service has worked on.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::{System, sample};
use testkit::Engine;

use crate::deployment::Deployment;

/// The JSON objects that a command prints.
fn json_of(d: &Deployment, arguments: &[&str]) -> Vec<Value> {
    let (code, said) = d.siaghsync(arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Nobody serves: an edit, and a new customer, are only seen. Says the new one's id.
fn plan_and_verify_see(d: &Deployment, edited: &str) -> String {
    d.edit_crm(edited, json!({"email": "changed@example.com"}));
    let new = &sample::customers(13, 1)[0];
    let new_id = d.sim.crm().seed(new.kind, new.to_crm()).unwrap();
    let saves = || d.sim.finance().stats().calls("SaveFormData") + d.sim.crm().stats().calls("/update");
    let before = saves();
    let (code, said) = d.siaghsync(&["verify"]);
    assert_eq!(code, Some(3), "{said}");
    let (code, said) = d.siaghsync(&["plan"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("changed@example.com") && said.contains("only this side was edited"),
        "{said}"
    );
    let (code, said) = d.siaghsync(&["plan", edited, "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let plan: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(plan["changes"][0]["field"], "email");
    assert_eq!(plan["changes"][0]["winner"], "CRM");
    let (_, said) = d.siaghsync(&["plan", &new_id]);
    assert!(said.contains("would be created in finance"), "{said}");
    assert_eq!(saves(), before, "plan and verify write nothing");
    new_id
}

/// The log, and the story of the same row, by its beginning, and by the customer. Its id.
fn the_sync_is_told(d: &Deployment, customer: &str) -> String {
    let (code, said) = d.siaghsync(&["log", "--entity", customer]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("email"), "{said}");
    assert!(
        said.contains(customer),
        "an id is one piece, to be copied: {said}"
    );
    assert!(!said.contains('\u{1b}'), "no colours where no terminal is");
    let latest = &json_of(d, &["log", "--entity", customer, "--limit", "1", "--json"])[0];
    assert_eq!(
        (&latest["status"], &latest["trigger"]),
        (&json!("SUCCESS"), &json!("MANUAL"))
    );
    let row = latest["row"].as_str().unwrap();
    // The story of the same row, by its beginning, and by the customer.
    for id in [row, &row[..30], customer] {
        let shown = &json_of(d, &["show", id, "--json"])[0];
        assert_eq!(
            (&shown["row"], &shown["next"]),
            (&json!(row), &json!("nothing to do"))
        );
        assert_eq!(shown["sourceData"]["values"]["email"], "changed@example.com");
        assert_eq!(shown["changes"], latest["changes"]);
    }
    let (_, story) = d.siaghsync(&["show", row]);
    for words in [
        "from an operator",
        "changed@example.com",
        "the CRM's goes to finance",
        "to finance",
        "nothing to do",
    ] {
        assert!(story.contains(words), "{words} in {story}");
    }
    row.to_owned()
}

/// What the other commands say when there is nothing to do.
async fn the_rest_is_idle(d: &Deployment) {
    // The echo of the last save may have come in as the service ended: then its row waits.
    let waiting = d.rows().await.into_iter().filter(|row| !row.status.is_final());
    let stats = &json_of(d, &["queue", "stats", "--json"])[0];
    assert_eq!(
        (&stats["rows"]["pending"], &stats["queue"]),
        (&json!(waiting.count()), &Value::Null)
    );
    assert_eq!(json_of(d, &["guard", "list", "--json"]), Vec::<Value>::new());
    assert_eq!(json_of(d, &["webhooks", "list", "--json"])[0]["noted"], json!([]));
    assert_eq!(
        json_of(d, &["retry", "--all-failed", "--json"]),
        [json!({"rows": 0})]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_and_verify_show_what_differs_and_change_nothing() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    d.native_webhooks();
    let mut ids = Vec::new();
    for customer in sample::customers(12, 5) {
        ids.push(d.sim.crm().create(customer.kind, customer.to_crm()).unwrap());
    }
    d.settled(Duration::from_secs(30)).await;
    assert_eq!(serve.stop(Duration::from_secs(20)), Some(0));
    let (code, said) = d.siaghsync(&["verify"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("5 customer(s) looked at, 0 differ"), "{said}");

    let new = plan_and_verify_see(&d, &ids[2]);
    // By hand, then in step again.
    let (code, said) = d.siaghsync(&["sync", &ids[2]]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = d.siaghsync(&["verify"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("only in CRM"), "{said}");
    let (code, said) = d.siaghsync(&["sync", &new]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = d.siaghsync(&["verify"]);
    assert_eq!(code, Some(0), "{said}");
    let row = the_sync_is_told(&d, &ids[2]);
    the_rest_is_idle(&d).await;
    let (code, said) = d.siaghsync(&["retry", &row]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("has not failed"), "{said}");
    let (code, said) = d.siaghsync(&["sync", "neither"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("neither a CRM id"), "{said}");
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_27_an_id_that_nobody_knows_is_said_to_be_nobodys() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let customer = &sample::customers(27, 1)[0];
    let code = d.sim.finance().seed(customer.to_finance()).unwrap();
    let (exit, said) = d.siaghsync(&["import", "--yes"]);
    assert_eq!(exit, Some(0), "{said}");
    let stranger = "0b7c1c53-5f0e-4a53-9b3e-0d6f6a1d77e1";
    for (arguments, hint) in [
        (&["sync", stranger][..], "--quote or --invoice"),
        (&["sync", &stranger.to_uppercase()], "--quote or --invoice"),
        (&["sync", "987654"], "the number of a contact"),
        (&["sync", "987654", "--json"], "the number of a contact"),
        (&["sync", stranger, "--quote"], "if it is a customer"),
        (&["sync", stranger, "--invoice"], "if it is a customer"),
        // Finance's own users are no customers.
        (&["sync", "1"], "the number of a contact"),
    ] {
        let (exit, said) = d.siaghsync(arguments);
        assert_eq!(exit, Some(1), "{arguments:?}: {said}");
        let named = format!("neither system knows {}", arguments[1].to_lowercase());
        assert!(
            said.contains(&named) && said.contains(hint),
            "{arguments:?}: {said}"
        );
    }
    assert_eq!(d.links().await.len(), 1, "nothing is left of it");
    // Who was known and is gone was somebody.
    let (exit, said) = d.siaghsync(&["sync", &code.to_string()]);
    assert_eq!(exit, Some(0), "{said}");
    d.sim.finance().delete(code).unwrap();
    let (_, said) = d.siaghsync(&["sync", &code.to_string()]);
    assert!(!said.contains("neither system knows"), "{said}");
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_a_refusal_names_who_refuses_and_of_an_outage_what_was_not_read() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let customers = sample::customers(23, 2);
    let codes: Vec<i64> = customers
        .iter()
        .map(|customer| d.sim.finance().seed(customer.to_finance()).unwrap())
        .collect();
    let (code, said) = d.siaghsync(&["import", "--yes", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let of = |code: i64| {
        let mut all = d.sim.crm().customers().into_iter();
        let identity = all
            .find(|identity| identity["refId"].as_str() == Some(code.to_string().as_str()))
            .unwrap();
        identity["crmId"].as_str().unwrap().to_owned()
    };
    // The second customer gets the first one's mobile in the CRM; finance takes no number twice.
    let (id, contact) = (of(codes[1]), codes[1].to_string());
    let mobile = json!([{"default": true, "phoneType": "Mobile", "phoneNumber": customers[0].mobile}]);
    d.edit_crm(&id, json!({"phoneContacts": mobile}));
    // Whichever side the operator names.
    for named in [contact.as_str(), &id] {
        let (code, said) = d.siaghsync(&["sync", named]);
        assert_eq!(code, Some(1), "{said}");
        let (_, story) = d.siaghsync(&["show", named]);
        for words in [
            "different: mobile",
            &customers[0].mobile,
            &format!("is held by finance {}", codes[0]),
            "when it is free, this goes on by itself",
        ] {
            assert!(story.contains(words), "{words} in {story}");
        }
    }
    // Finance is away: it is linked all the same.
    d.sim.faults().outage(System::Finance, None);
    let linked = of(codes[0]);
    let (code, said) = d.siaghsync(&["sync", &linked]);
    assert_eq!(code, Some(1), "{said}");
    let (_, story) = d.siaghsync(&["show", &linked]);
    assert!(
        story.contains(&format!("finance {} was not read", codes[0])),
        "{story}"
    );
    assert!(!story.contains("was linked with it"), "{story}");
    d.db.drop_it().await;
}
