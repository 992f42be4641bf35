//! Data as people and systems really have it (`cases.md`): one bad contact stops none of the others.

use std::collections::BTreeMap;

use domain::customer::{Field, Kind, Values};
use domain::message::Code;
use domain::ports::changes::for_each;
use domain::ports::{Census, Customers as _, MatchKeys, PortError, SetAside, Snapshot};
use serde_json::{Value, json};
use siagh::{Siagh, UnshownProvince};
use simulator::Simulator;

use crate::support::{client, config, simulated};

fn raw(simulator: &Simulator, texts: &[(&str, &str)]) {
    let texts = texts
        .iter()
        .map(|(text, by)| ((*text).to_owned(), (*by).to_owned()));
    let texts: BTreeMap<_, _> = texts.collect();
    simulator.finance().configure(|config| config.raw_texts = texts);
}

fn contact(simulator: &Simulator, columns: Value) -> String {
    simulator.finance().create(columns).unwrap().to_string()
}

async fn everybody(finance: &Siagh) -> (BTreeMap<String, Snapshot>, Census) {
    let mut all = BTreeMap::new();
    let census = for_each(finance, |contact| {
        all.insert(contact.id.clone(), contact);
    });
    let census = census.await.unwrap();
    (all, census)
}

fn mobile(text: &str) -> MatchKeys {
    MatchKeys {
        mobile: Some(text.to_owned()),
        ..MatchKeys::default()
    }
}

fn too_deep() -> String {
    format!("{}{}", "[".repeat(300), "]".repeat(300))
}

#[tokio::test]
async fn case_10_three_odd_contacts_of_many_stop_nobody() {
    for ignores_filters in [false, true] {
        let (simulator, finance) = simulated().await;
        simulator
            .finance()
            .configure(|config| config.ignore_filters = ignores_filters);
        let half = contact(&simulator, json!({"Name": "علی HALF", "MobileNo": "09121111111"}));
        let nul = contact(&simulator, json!({"Name": "مینا\0 کریمی"}));
        let long = format!("{}@example.com", "e".repeat(6000));
        let lengthy = contact(&simulator, json!({"Name": "پارس", "Email": long}));
        let broken = contact(
            &simulator,
            json!({"Name": "خراب", "MobileNo": "09122222222", "Email2": "BREAK"}),
        );
        for index in 0..50 {
            contact(
                &simulator,
                json!({"Name": format!("خوب {index}"), "MobileNo": format!("091300000{index:02}")}),
            );
        }
        raw(&simulator, &[("HALF", "\\ud83d"), ("\"BREAK\"", &too_deep())]);

        let (all, census) = everybody(&finance).await;
        assert_eq!((all.len(), census.seen), (53, 53));
        assert_eq!(all[&half].customer.get(Field::Name), "علی ");
        assert_eq!(all[&nul].customer.get(Field::Name), "مینا کریمی");
        assert_eq!(all[&lengthy].customer.get(Field::Email), long);
        let [aside] = census.aside.as_slice() else {
            panic!("{census:?}")
        };
        assert_eq!(
            (aside.id.as_str(), &aside.why.code),
            (broken.as_str(), &Code::AsideUnreadable)
        );

        assert_eq!(finance.read(&half, None).await.unwrap().unwrap().id, half);
        let read = finance.read(&broken, None).await;
        assert!(
            matches!(&read, Err(PortError::SetAside(SetAside { id, .. })) if *id == broken),
            "{read:?}"
        );
        let found = finance.find(&mobile("09130000007")).await.unwrap();
        assert_eq!(
            (found.records.len(), found.aside.len()),
            (1, 0),
            "ignores filters: {ignores_filters}"
        );
        let found = finance.find(&mobile("09122222222")).await.unwrap();
        assert_eq!(
            (found.records.len(), found.aside.len()),
            (0, 1),
            "ignores filters: {ignores_filters}"
        );
        assert_eq!(found.aside[0].id, broken);
        finance.check().await.unwrap();
    }
}

#[tokio::test]
async fn case_10_a_row_that_is_no_contact_in_any_other_way() {
    let (simulator, finance) = simulated().await;
    let good = contact(&simulator, json!({"Name": "خوب"}));
    let shapeless = contact(&simulator, json!({"Name": "SHAPE"}));
    let nameless = contact(&simulator, json!({"Name": "بی‌کد", "NickName": "NOCODE"}));
    let code = format!("\"Code\":{nameless},");
    raw(&simulator, &[("\"SHAPE\"", "[\"a\"]"), (&code, "\"Code\":null,")]);
    let (all, census) = everybody(&finance).await;
    assert_eq!(all.into_keys().collect::<Vec<_>>(), [good]);
    let aside: Vec<(&str, &Code)> = census
        .aside
        .iter()
        .map(|one| (one.id.as_str(), &one.why.code))
        .collect();
    assert!(aside.contains(&(&shapeless, &Code::AsideBadValue)), "{aside:?}");
    assert!(aside.contains(&("", &Code::AsideNoId)), "{aside:?}");
    // It may be the one that was asked for: not gone.
    assert!(matches!(
        finance.read(&shapeless, None).await,
        Err(PortError::SetAside(_))
    ));
}

async fn saved(finance: &Siagh, code: &str, changes: &[(Field, &str)]) -> Result<(), PortError> {
    let current = finance.read(code, None).await.unwrap().unwrap();
    let changes: Values = changes
        .iter()
        .map(|(field, value)| (*field, (*value).to_owned()))
        .collect();
    finance.update(&current, &changes).await
}

#[tokio::test]
async fn case_22_a_kind_that_is_not_there_stays_away() {
    let (simulator, finance) = simulated().await;
    let handle = simulator.finance();
    for kind in [json!(null), json!(true), json!(false)] {
        for omits in [false, true] {
            handle.configure(|config| config.omit_nulls = omits);
            let code = handle
                .create(json!({"Name": "علی", "CityCode": 3, "TowardType": kind}))
                .unwrap();
            saved(&finance, &code.to_string(), &[(Field::Email, "a@b.ir")])
                .await
                .unwrap();
            let stored = handle.get(code).unwrap();
            assert_eq!(stored.get("TowardType").unwrap_or(&Value::Null), &kind, "{omits}");
            assert_eq!(stored["Email"], "a@b.ir");
        }
    }
    // One that is created has its own.
    let customer = domain::customer::Customer::new(Kind::Organization).with(Field::Name, "پارس");
    let code: i64 = finance.create(&customer).await.unwrap().parse().unwrap();
    assert_eq!(handle.get(code).unwrap()["TowardType"], true);
}

#[tokio::test]
async fn case_23_a_province_that_is_not_shown_is_not_cleared_unknowingly() {
    let (simulator, _) = simulated().await;
    let handle = simulator.finance();
    let code = handle
        .create(json!({"Name": "علی", "ProvinceCode": 8, "CityCode": 3}))
        .unwrap();
    let id = code.to_string();
    let with = |unshown_province| {
        let config = siagh::Config {
            unshown_province,
            ..config(simulator.finance_url())
        };
        client(config, simulator.clock())
    };
    for hidden in [false, true] {
        handle.configure(|config| {
            config.hidden_columns = if hidden {
                vec!["ProvinceCode".into()]
            } else {
                vec![]
            }
        });
        for (setting, left) in [
            (UnshownProvince::Refuse, Some(8)),
            (UnshownProvince::Code(12), Some(12)),
            (UnshownProvince::Clear, None),
        ] {
            handle.edit(code, json!({"ProvinceCode": 8})).unwrap();
            let finance = with(setting);
            let saved = saved(&finance, &id, &[(Field::Email, "a@b.ir")]).await;
            let current = finance.read(&id, None).await.unwrap().unwrap();
            assert_eq!(finance.hides_province(&current), hidden.then_some(setting));
            let stored = handle.get(code).unwrap();
            let province = stored.get("ProvinceCode").and_then(Value::as_u64);
            assert_eq!(
                province,
                if hidden { left } else { Some(8) },
                "{setting:?}, hidden: {hidden}"
            );
            if hidden && setting == UnshownProvince::Refuse {
                let words = saved.unwrap_err().to_string();
                assert!(words.contains("FINANCE_UNSHOWN_PROVINCE"), "{words}");
            } else {
                saved.unwrap();
            }
        }
    }
    // A read that leaves out what is empty hides nothing.
    handle.configure(|config| {
        config.hidden_columns.clear();
        config.omit_nulls = true;
    });
    let bare = handle.create(json!({"Name": "مینا"})).unwrap().to_string();
    saved(&with(UnshownProvince::Refuse), &bare, &[(Field::Email, "m@b.ir")])
        .await
        .unwrap();
}

/// By its user, as a contact of the day: made here, then edited in the CRM.
#[tokio::test]
async fn case_23_a_contact_that_we_have_made_has_the_province_that_we_gave_it() {
    let (simulator, _) = simulated().await;
    let handle = simulator.finance();
    handle.configure(|config| config.hidden_columns = vec!["ProvinceCode".into()]);
    for (setting, province) in [
        (UnshownProvince::Refuse, None),
        (UnshownProvince::Code(12), Some(12)),
    ] {
        let config = siagh::Config {
            unshown_province: setting,
            ..config(simulator.finance_url())
        };
        let finance = client(config, simulator.clock());
        let made = domain::customer::Customer::new(Kind::Person).with(Field::Name, "مینا");
        let id = finance.create(&made).await.unwrap();
        let mut current = finance.read(&id, None).await.unwrap().unwrap();
        finance.placed(&mut current, finance.makes().as_ref());
        let email = [(Field::Email, "m@b.ir".to_owned())].into();
        finance.update(&current, &email).await.unwrap();
        let stored = handle.get(id.parse().unwrap()).unwrap();
        assert_eq!(stored["Email"], "m@b.ir");
        assert_eq!(stored.get("ProvinceCode").and_then(Value::as_u64), province);
        // What is shown is believed, whatever it was made with.
        handle
            .edit(id.parse().unwrap(), json!({"ProvinceCode": 8}))
            .unwrap();
        handle.configure(|config| config.hidden_columns.clear());
        let mut current = finance.read(&id, None).await.unwrap().unwrap();
        finance.placed(&mut current, finance.makes().as_ref());
        finance.update(&current, &email).await.unwrap();
        assert_eq!(handle.get(id.parse().unwrap()).unwrap()["ProvinceCode"], 8);
        handle.configure(|config| config.hidden_columns = vec!["ProvinceCode".into()]);
    }
}

#[tokio::test]
async fn case_29_the_web_servers_own_page_names_the_field_and_is_no_outage() {
    let (simulator, finance) = simulated().await;
    let code = contact(&simulator, json!({"Name": "علی"}));
    for status in [400, 403, 404, 500] {
        simulator
            .finance()
            .configure(|config| config.refuses_markup_with = status);
        let refused = saved(
            &finance,
            &code,
            &[(Field::Description, "یک <b>مهم</b>"), (Field::Email, "a@b.ir")],
        )
        .await;
        let refused = refused.unwrap_err();
        assert!(
            matches!(&refused, PortError::Refused(words) if words.contains("description")),
            "{status}: {refused}"
        );
        assert!(!refused.to_string().contains("مهم"), "no value of the record");
        saved(&finance, &code, &[(Field::Description, "3 < 4 & 5 > 4")])
            .await
            .unwrap();
    }
    // A create that the server's own page answers was not carried out either.
    let customer = domain::customer::Customer::new(Kind::Person).with(Field::Name, "<script>");
    let refused = finance.create(&customer).await.unwrap_err();
    assert!(
        matches!(&refused, PortError::Refused(words) if words.contains("name")),
        "{refused}"
    );
    assert_eq!(simulator.finance().contacts().len(), 1);
}
