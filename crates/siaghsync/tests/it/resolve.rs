//! What only a human can decide, decided by the command line while the services run.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::sample;
use testkit::Engine;

use crate::deployment::{Deployment, Process};
use crate::polls::services;

const LIMIT: Duration = Duration::from_secs(60);
const MANUAL: [(&str, &str); 1] = [("CONFLICT_STRATEGY", "manual")];

async fn deployed(engine: Engine) -> (Deployment, Vec<Process>) {
    let d = Deployment::new(engine, &MANUAL).await;
    let processes = services(&d, engine);
    d.ready().await;
    d.native_webhooks();
    (d, processes)
}

/// The rows that wait for a human, as `log` tells.
fn conflicts(d: &Deployment) -> Vec<Value> {
    let (code, said) = d.siaghsync(&["log", "--conflict", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn fields_in_conflict_take_the_side_that_is_kept(engine: Engine) {
    let (d, _processes) = deployed(engine).await;
    for (seed, keep, expected) in [(61, "finance", "نام از حسابداری"), (62, "crm", "نام از فروش")]
    {
        let customer = &sample::customers(seed, 1)[0];
        let id = d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
        d.settled(LIMIT).await;
        let finance_code: i64 = d.sim.crm().get(&id).unwrap()["refId"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        d.edit_finance(finance_code, json!({"Name": "نام از حسابداری"}));
        d.edit_crm(&id, json!({"nickName": "نام از فروش"}));
        d.settled(LIMIT).await;

        let waiting = conflicts(&d);
        let [row] = &waiting[..] else {
            panic!("{waiting:?}")
        };
        assert_eq!(row["source"], id.as_str());
        assert!(row["changes"][0]["winner"].is_null(), "{row}");
        let row = row["row"].as_str().unwrap();
        let (code, story) = d.siaghsync(&["show", row]);
        assert_eq!(code, Some(0), "{story}");
        for told in [
            "نام از حسابداری",
            "نام از فروش",
            "waits for a human",
            &format!("resolve {row} --keep"),
        ] {
            assert!(story.contains(told), "{told} in {story}");
        }

        // By the row, by the CRM's id or by finance's code: it is the same customer.
        let by = [row.to_owned(), finance_code.to_string()];
        let by = &by[usize::from(keep == "crm")];
        let (code, said) = d.siaghsync(&["resolve", by, "--keep", keep]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(d.sim.crm().get(&id).unwrap()["nickName"], expected);
        assert_eq!(d.sim.finance().get(finance_code).unwrap()["Name"], expected);
        d.settled(LIMIT).await;
        assert_eq!(conflicts(&d), Vec::<Value>::new());
        let (_, story) = d.siaghsync(&["show", &id]);
        assert!(story.contains("an operator has decided"), "{story}");
        let (code, said) = d.siaghsync(&["resolve", &id, "--keep", keep]);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("no field of") && said.contains("siaghsync plan"),
            "{said}"
        );
    }
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_in_conflict_are_settled_by_hand_embedded() {
    fields_in_conflict_take_the_side_that_is_kept(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_in_conflict_are_settled_by_hand_distributed() {
    fields_in_conflict_take_the_side_that_is_kept(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_meeting_in_doubt_is_settled_by_hand() {
    let (d, _processes) = deployed(Engine::Postgres).await;
    // One has the national id, the other the mobile.
    let codes = [
        json!({"Name": "نیما راد", "NationalCode": "0499370899", "TowardType": false}),
        json!({"Name": "نیما راد", "MobileNo": "09123334455", "TowardType": false}),
    ]
    .map(|contact| d.sim.finance().seed(contact).unwrap());
    let phones = json!([{"default": true, "phoneType": "موبایل", "phoneNumber": "09123334455"}]);
    let object = json!({"nickName": "نیما راد", "firstName": "نیما", "lastName": "راد", "nationalCode": "0499370899", "phoneContacts": phones});
    let id = d.sim.crm().create(simulator::Kind::Person, object).unwrap();
    d.settled(LIMIT).await;
    let waiting = conflicts(&d);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let (_, story) = d.siaghsync(&["show", &id]);
    assert!(story.contains(&format!("resolve --link {id}")), "{story}");

    let (code, said) = d.siaghsync(&["resolve", &id, "--keep", "crm"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--link"), "{said}");
    let (code, said) = d.siaghsync(&["resolve", "--link", &id, &codes[1].to_string(), "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let row: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(row["status"], "SUCCESS");
    assert_eq!(d.sim.crm().get(&id).unwrap()["refId"], codes[1].to_string());
    d.settled(LIMIT).await;
    assert_eq!(conflicts(&d), Vec::<Value>::new());
    assert_eq!(d.sim.finance().contacts().len(), 2, "nothing was created");

    let (code, said) = d.siaghsync(&["resolve", "--link", &id, &codes[0].to_string()]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("is linked with finance {}", codes[1])),
        "{said}"
    );
    for (wrong, exit) in [
        (&["resolve"][..], 2),
        (&["resolve", &id], 2),
        (&["resolve", &id, "--keep", "both"], 2),
        (&["resolve", "--link", &id], 2),
        (&["resolve", "--link", "22", "23"], 1),
        (&["show", "no-such-row"], 1),
    ] {
        let (code, said) = d.siaghsync(wrong);
        assert_eq!(code, Some(exit), "{wrong:?}: {said}");
    }
    d.db.drop_it().await;
}

/// Finance gives the telephone to one of them only: that is no doubt any more.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_share_a_mobile_are_two_once_an_operator_says_so() {
    let (d, _processes) = deployed(Engine::Sqlite).await;
    let contact = json!({"Name": "رضا کریمی", "MobileNo": "09123334455", "TowardType": false});
    let code = d.sim.finance().seed(contact).unwrap();
    let phones = json!([{"default": true, "phoneType": "موبایل", "phoneNumber": "09123334455"}]);
    let object = json!({"nickName": "محمدرضا کریمی", "email": "reza@example.com", "phoneContacts": phones});
    let id = d.sim.crm().create(simulator::Kind::Person, object).unwrap();
    d.settled(LIMIT).await;
    assert_eq!(conflicts(&d).len(), 1);
    let (exit, said) = d.siaghsync(&["resolve", &id, "--separate"]);
    assert_eq!(exit, Some(1), "{said}");
    assert!(
        said.contains("mobile") && said.contains(&format!("is held by finance {code}")),
        "{said}"
    );
    d.settled(LIMIT).await;
    assert_eq!(conflicts(&d), Vec::<Value>::new());
    let made: Vec<Value> = d.sim.finance().find("Name", &"محمدرضا کریمی".into());
    assert_eq!(
        (made.len(), &made[0]["Email"], &made[0]["MobileNo"]),
        (1, &json!("reza@example.com"), &Value::Null)
    );
    // When it is free it arrives by itself, as ever.
    d.edit_finance(code, json!({"MobileNo": null}));
    let (exit, said) = d.siaghsync(&["sync", &code.to_string()]);
    assert_eq!(exit, Some(0), "{said}");
    let made_code = made[0]["Code"].as_i64().unwrap();
    d.eventually("arrived", LIMIT, async || {
        d.sim.finance().get(made_code).unwrap()["MobileNo"] == "09123334455"
    })
    .await;
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_cuts_where_nobody_knows_is_ruled_of_once_and_taken_back() {
    let (d, _processes) = deployed(Engine::Sqlite).await;
    let customers: Vec<_> = sample::customers(63, 2)
        .iter()
        .map(|customer| d.sim.crm().create(customer.kind, customer.to_crm()).unwrap())
        .collect();
    d.settled(LIMIT).await;
    let lengths = |finance: &mut simulator::FinanceConfig| {
        finance.lossy.max_lengths.insert("Description".to_owned(), 9);
    };
    d.sim.finance().configure(lengths);
    let typed = async |id: &str, text: &str| {
        d.edit_crm(id, json!({"description": text}));
        d.settled(LIMIT).await;
        assert_eq!(
            d.sim.crm().get(id).unwrap()["description"],
            text,
            "never carried back"
        );
        conflicts(&d)
    };
    let held = typed(&customers[0], "تماس فقط صبح").await;
    let [row] = &held[..] else { panic!("{held:?}") };
    assert!(row["message"].as_str().unwrap().contains("--column"), "{row}");
    let row = row["row"].as_str().unwrap();
    let (code, said) = d.siaghsync(&["resolve", row, "--column", "--keep", "crm"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = d.siaghsync(&["resolve", row, "--form", "--column"]);
    assert_eq!(code, Some(0), "{said}");
    let (_, story) = d.siaghsync(&["show", &customers[0]]);
    assert!(story.contains("for every record: finance description"), "{story}");
    assert_eq!(typed(&customers[1], "تماس فقط عصرها").await, Vec::<Value>::new());
    let (_, said) = d.siaghsync(&["check"]);
    let undo = ["resolve", "--undo-column", "finance", "description"];
    assert!(said.contains(&undo.join(" ")), "{said}");
    for exit in [0, 1] {
        let (code, said) = d.siaghsync(&undo);
        assert_eq!(code, Some(exit), "{said}");
    }
    assert_eq!(typed(&customers[1], "تماس با خود ایشان").await.len(), 1);
    d.db.drop_it().await;
}
