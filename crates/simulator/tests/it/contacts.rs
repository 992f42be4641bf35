//! Finance's contacts: reading, and the form that writes.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{
    LEAK_MARKER,
    config::{LossyConfig, RefusalShape},
};

use crate::support::{answer, code_of, contact_form, refusal_of, world};

const PHONE_TAKEN: &str = "شماره تلفن نمی تواند تکراری باشد.";

#[tokio::test]
async fn a_contact_is_created_saved_and_read() {
    let world = world().await;
    let values = [
        ("fullname", "علي رضايي"),
        ("mobileno", "09121112233"),
        ("telno", "0218877"),
        ("passno", "0071234560"),
        ("pocode", "19667"),
        ("address", "خیابان a=b"),
        ("isactive", "1"),
        ("taraftype", "1"),
        ("tmpid", "100-7"),
        ("codeshahr", "21"),
        ("tozihat", "x"),
        ("email", "a@b.c"),
        ("websiteaddress", "w"),
    ];
    let saved = world.save_form(&contact_form(None, &values)).await;
    let code = code_of(&saved);
    assert_eq!(code, 1001);
    assert_eq!(saved["ReturnParams"], "1001");
    assert_eq!(saved["Errors"][0]["ErrorType"], "ErrSuccs");
    let row = &world.read_contacts(json!({"Code": code})).await[0];
    let expected = json!({
        "Code": 1001, "Name": "علي رضايي", "MobileNo": "09121112233", "TelNo": "0218877",
        "NationalCode": "0071234560", "PostalCode": "19667", "Address": "خیابان a=b", "IsActive": true,
        "TowardType": true, "CityCode": 21, "Description": "x", "Email": "a@b.c", "WebSiteAddress": "w",
        "CountryCode": null, "IsAdminUser": false, "NickName": null,
    });
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(&row[column], value, "{column}");
    }
    assert!(row.get("tmpid").is_none());
    for column in ["Password", "img", "Picture"] {
        assert!(row[column].as_str().unwrap().starts_with(LEAK_MARKER));
    }
    assert_eq!(world.sim.finance().get(code).unwrap()["tmpid"], "100-7");
    world.sim.finance().configure(|config| config.show_tmpid = true);
    assert_eq!(
        world.read_contacts(json!({"Code": code})).await[0]["tmpid"],
        "100-7"
    );
}

#[tokio::test]
async fn a_save_writes_all_controls_and_nothing_else() {
    let world = world().await;
    let columns =
        json!({"Name": "a", "MobileNo": "0912", "Email": "a@b.c", "MobileNo2": "0913", "FatherName": "اکبر"});
    let code = world.sim.finance().create(columns).unwrap();
    let form = contact_form(Some(code), &[("fullname", "b"), ("mobileno", "0912")]);
    assert_eq!(code_of(&world.save_form(&form).await), code);
    let row = &world.read_contacts(json!({"Code": code})).await[0];
    assert_eq!(row["Name"], "b");
    assert_eq!(row["Email"], Value::Null);
    assert_eq!(row["IsActive"], Value::Null);
    assert_eq!(row["MobileNo2"], "0913");
    assert_eq!(row["FatherName"], "اکبر");
    let mut form = contact_form(Some(code), &[]);
    form["ctrlValues"] = json!(format!("Param1={code}|gn_web_users.fullname=c"));
    world.save_form(&form).await;
    assert_eq!(world.sim.finance().get(code).unwrap().get("MobileNo"), None);
    let saves = world.sim.finance().saves(code);
    assert_eq!((saves.api, saves.user), (2, 1));
}

#[tokio::test]
async fn an_installation_may_create_with_every_update() {
    let world = world().await;
    let code = world.sim.finance().create(json!({"Name": "a"})).unwrap();
    world
        .sim
        .finance()
        .configure(|config| config.updates_create = true);
    let form = contact_form(Some(code), &[("fullname", "b")]);
    let second = code_of(&world.save_form(&form).await);
    assert_ne!(second, code);
    assert_eq!(world.sim.finance().get(code).unwrap()["Name"], "a");
    assert_eq!(world.sim.finance().get(second).unwrap()["Name"], "b");
}

#[tokio::test]
async fn an_update_without_param1_first_creates_a_second_contact() {
    let world = world().await;
    let code = world
        .sim
        .finance()
        .create(json!({"Name": "a", "MobileNo": "0912"}))
        .unwrap();
    let good = contact_form(Some(code), &[("fullname", "b"), ("mobileno", "0912")]);
    let controls = good["ctrlValues"].as_str().unwrap();
    let rest = controls.split_once('|').unwrap().1.to_owned();
    for bad in [
        rest.clone(),
        format!("{rest}|Param1={code}"),
        format!("Param1=9|{rest}"),
    ] {
        let mut form = good.clone();
        form["ctrlValues"] = json!(bad);
        let second = code_of(&world.save_form(&form).await);
        assert_ne!(second, code);
        // Two contacts have the phone now; a third save would be refused for that.
        world
            .sim
            .finance()
            .edit(second, json!({"MobileNo": null}))
            .unwrap();
    }
    assert_eq!(world.sim.finance().contacts().len(), 4);
    assert_eq!(world.sim.finance().get(code).unwrap()["Name"], "a");
    let unknown = contact_form(Some(77), &[("fullname", "b")]);
    refusal_of(&world.save_form(&unknown).await);
    world
        .sim
        .finance()
        .configure(|config| config.unknown_code_creates = true);
    assert_ne!(code_of(&world.save_form(&unknown).await), 77);
}

#[tokio::test]
async fn values_can_forge_fields() {
    let world = world().await;
    for forged in [
        "x\ngn_web_users.isactive=0",
        "x|gn_web_users.isactive=0",
        "x|rest\r\ngn_web_users.isactive=0",
    ] {
        let form = contact_form(None, &[("fullname", "a"), ("isactive", "1"), ("tozihat", forged)]);
        let code = code_of(&world.save_form(&form).await);
        let row = world.sim.finance().get(code).unwrap();
        assert_eq!(
            (&row["Description"], &row["IsActive"]),
            (&json!("x"), &json!(false))
        );
    }
}

#[tokio::test]
async fn refusals() {
    let world = world().await;
    let first = contact_form(None, &[("fullname", "a"), ("mobileno", "0912"), ("telno", "021")]);
    let code = code_of(&world.save_form(&first).await);
    for (control, phone) in [("mobileno", "0912"), ("telno", "021")] {
        let twin = contact_form(None, &[("fullname", "b"), (control, phone)]);
        assert_eq!(refusal_of(&world.save_form(&twin).await), PHONE_TAKEN);
    }
    let again = contact_form(Some(code), &[("fullname", "a2"), ("mobileno", "0912")]);
    assert_eq!(code_of(&world.save_form(&again).await), code);
    let city = contact_form(None, &[("fullname", "b"), ("codeshahr", "تهران")]);
    assert!(refusal_of(&world.save_form(&city).await).contains("RUNTIME ERROR"));
    let mut unknown_control = contact_form(None, &[("fullname", "b")]);
    unknown_control["ctrlValues"] = json!("gn_web_users.fullname=b|gn_web_users.mobile=1");
    assert!(refusal_of(&world.save_form(&unknown_control).await).contains("Field 'mobile' not found"));
    let mut incomplete = first.clone();
    incomplete.as_object_mut().unwrap().remove("postCode");
    refusal_of(&world.save_form(&incomplete).await);
    let shape = |shape| {
        world
            .sim
            .finance()
            .configure(|config| config.refusal_shape = shape)
    };
    shape(RefusalShape::EntryOnly);
    let answer = world.save_form(&first).await;
    assert_eq!(
        (&answer["ReturnValue"], &answer["Errors"][0]["ErrorType"]),
        (&json!(true), &json!("ErrError"))
    );
    shape(RefusalShape::FlagOnly);
    let answer = world.save_form(&first).await;
    assert_eq!(
        (&answer["ReturnValue"], &answer["Errors"][0]["ErrorType"]),
        (&json!(false), &json!("ErrWarning"))
    );
    assert!(
        world
            .sim
            .finance()
            .create(json!({"Name": "c", "MobileNo": "0912"}))
            .is_err()
    );
}

#[tokio::test]
async fn filters_are_equality_or_ignored() {
    let world = world().await;
    let finance = world.sim.finance();
    let code = finance
        .create(json!({"Name": "a", "MobileNo": "0912", "NationalCode": "1", "Email": "a@b.c"}))
        .unwrap();
    finance.create(json!({"Name": "b", "TelNo": "021"})).unwrap();
    let path = "/api/Sgh/GEN/Gn_Web_Users/GetAll";
    let (_, all) = answer(world.finance_request(Method::GET, path)).await;
    assert_eq!(all.as_array().unwrap().len(), 4);
    assert_eq!(all[0]["IsAdminUser"], true);
    assert_eq!(world.read_contacts(json!({})).await.len(), 4);
    for filter in [
        json!({"Code": code}),
        json!({"MobileNo": "0912"}),
        json!({"NationalCode": "1"}),
        json!({"Email": "a@b.c"}),
        json!({"Name": "a"}),
    ] {
        let rows = world.read_contacts(filter).await;
        assert_eq!((rows.len(), &rows[0]["Code"]), (1, &json!(code)));
    }
    assert_eq!(world.read_contacts(json!({"TelNo": "021"})).await.len(), 1);
    assert_eq!(world.read_contacts(json!({"TelNo": "0"})).await.len(), 0);
    assert_eq!(world.read_contacts(json!({"NoSuchColumn": 1})).await.len(), 4);
    finance.configure(|config| config.ignore_filters = true);
    assert_eq!(world.read_contacts(json!({"Code": code})).await.len(), 4);
    finance.edit(code, json!({"Name": "new"})).unwrap();
    let rows = world.read_contacts(json!({})).await;
    assert!(
        rows.iter().any(|row| row["Name"] == "new"),
        "the cached answer is renewed"
    );
}

#[tokio::test]
async fn an_installation_may_be_lossy() {
    let world = world().await;
    world.sim.finance().configure(|config| {
        config.lossy = LossyConfig::everything();
        config.clear_to_empty_text = true;
        config.toward_inverted = true;
    });
    let address = "ب".repeat(300);
    let form = contact_form(
        None,
        &[
            ("fullname", " علي  كريمي\u{200C}پور "),
            ("address", &address),
            ("mobileno", "۰۹۱۲"),
            ("taraftype", "1"),
        ],
    );
    let code = code_of(&world.save_form(&form).await);
    let row = world.sim.finance().get(code).unwrap();
    assert_eq!(row["Name"], "علی کریمیپور");
    assert_eq!(row["MobileNo"], "0912");
    assert_eq!(row["Address"].as_str().unwrap().chars().count(), 250);
    assert_eq!(row["TowardType"], false);
    assert_eq!(row["Email"], "");
}
