//! Creating and saving contacts.

use domain::customer::{Customer, Field as F, Kind, Values};
use domain::ports::Customers;
use domain::ports::changes::for_each;
use serde_json::{Value, json};
use simulator::{LEAK_MARKER, Simulator};
use testkit::calls::logged;

use crate::support::{client, config, simulated};

fn rich() -> Value {
    json!({
        "Code": 22, "Name": "شرکت آریا", "NickName": "آریا", "NationalCode": "10101", "MobileNo": "09121111111",
        "MobileNo2": "0935", "TelNo": "0211", "TelNo2": "0212", "Email": "a@b.ir", "Email2": "c@d.ir", "Address": "تهران",
        "PostalCode": "123", "CityCode": 301, "ProvinceCode": 8, "CountryCode": 98, "Gender": 1, "BirthDate": "1360/01/01",
        "FatherName": "ح", "Description": "a=b", "WebSiteAddress": "https://a.ir/?q=1", "IsActive": false,
        "TowardType": true, "ParentCode": 3, "AccountPartyCode": 7, "tmpid": "100-7",
    })
}

async fn seeded() -> (Simulator, siagh::Siagh) {
    let (simulator, finance) = simulated().await;
    simulator.finance().seed(rich()).unwrap();
    (simulator, finance)
}

fn stored(simulator: &Simulator, code: i64) -> Value {
    let mut row = simulator.finance().get(code).unwrap();
    row.as_object_mut().unwrap().remove("RecordId");
    row
}

#[tokio::test]
async fn a_save_preserves_every_column_that_it_does_not_change() {
    for (show_tmpid, inverted) in [(true, false), (false, false), (true, true)] {
        let (simulator, _) = seeded().await;
        simulator.finance().configure(|config| {
            config.show_tmpid = show_tmpid;
            config.toward_inverted = inverted;
        });
        let mut config = config(simulator.finance_url());
        config.toward_type_inverted = inverted;
        let finance = client(config, simulator.clock());
        let mut expected = stored(&simulator, 22);
        let current = finance.read("22", None).await.unwrap().unwrap();
        assert_eq!(current.customer.kind == Kind::Person, inverted);
        let mut changes = Values::from([(F::Mobile, "09122222222".to_owned()), (F::Email, String::new())]);
        if !show_tmpid {
            // Hidden in the read: the engine, which knows it, sends it along.
            assert_eq!(current.customer.hidden, [F::CustomerNumber]);
            changes.insert(F::CustomerNumber, "100-7".to_owned());
        }
        finance.update(&current, &changes).await.unwrap();
        expected["MobileNo"] = json!("09122222222");
        expected.as_object_mut().unwrap().remove("Email");
        assert_eq!(
            stored(&simulator, 22),
            expected,
            "tmpid: {show_tmpid}, inverted: {inverted}"
        );
    }
}

#[tokio::test]
async fn no_value_can_change_another_column() {
    let (simulator, finance) = seeded().await;
    simulator.finance().configure(|config| config.show_tmpid = true);
    let before = stored(&simulator, 22);
    let current = finance.read("22", None).await.unwrap().unwrap();
    let forgeries = [
        "x|gn_web_users.isactive=1",
        "x\r\ngn_web_users.isactive=1|Param1=23",
        "|gn_web_users.tmpid=9|",
        "a=b|gn_web_users.taraftype=0\n",
        "\u{85}gn_web_users.email=z\u{2028}\u{0}|",
    ];
    for (field, column) in [
        (F::Name, "Name"),
        (F::Description, "Description"),
        (F::Address, "Address"),
        (F::Phone, "TelNo"),
        (F::CustomerNumber, "tmpid"),
        (F::PostalCode, "PostalCode"),
        (F::Website, "WebSiteAddress"),
    ] {
        for forgery in forgeries {
            finance
                .update(&current, &Values::from([(field, forgery.to_owned())]))
                .await
                .unwrap();
            let mut expected = before.clone();
            expected[column] = json!(finance.project(field, forgery));
            assert_eq!(stored(&simulator, 22), expected, "{field}: {forgery:?}");
        }
    }
    assert_eq!(simulator.finance().contacts().len(), 1);
}

#[tokio::test]
async fn what_is_created_reads_back() {
    let (simulator, finance) = simulated().await;
    simulator.finance().configure(|config| config.show_tmpid = true);
    let customer = Customer::new(Kind::Organization)
        .with(F::Name, "شرکت | آریا")
        .with(F::Mobile, "09121234567")
        .with(F::Phone, "02122334455")
        .with(F::Email, "i@arya.ir")
        .with(F::Website, "https://a.ir/?x=1")
        .with(F::Address, "تهران\nزند")
        .with(F::PostalCode, "1234567890")
        .with(F::NationalId, "10101")
        .with(F::Description, "a=b=c")
        .with(F::CustomerNumber, "100-7");
    let id = finance.create(&customer).await.unwrap();
    let read = finance.read(&id, None).await.unwrap().unwrap();
    let mut expected = customer
        .clone()
        .with(F::FinanceCode, id.as_str())
        .with(F::Active, "1");
    for (field, value) in &customer.values {
        expected.set(*field, finance.project(*field, value));
    }
    for mark in F::MARKS {
        assert_ne!(read.customer.get(mark), "", "{mark}");
        expected.set(mark, read.customer.get(mark));
    }
    assert_eq!(read.customer, expected);
    assert_eq!(read.customer.get(F::Name), "شرکت / آریا");
}

#[tokio::test]
async fn activity_can_be_taken_away_and_stays_otherwise() {
    let (simulator, finance) = simulated().await;
    let code = simulator
        .finance()
        .seed(json!({"Name": "علی", "IsActive": true}))
        .unwrap();
    let current = finance.read(&code.to_string(), None).await.unwrap().unwrap();
    assert_eq!(current.customer.get(F::Active), "1");
    finance
        .update(&current, &Values::from([(F::Active, "0".to_owned())]))
        .await
        .unwrap();
    assert_eq!(simulator.finance().get(code).unwrap()["IsActive"], false);
}

#[tokio::test]
async fn lengths_of_the_settings_are_kept_to() {
    let (simulator, _) = simulated().await;
    let mut config = config(simulator.finance_url());
    config.max_lengths.insert(F::Name, 4);
    let finance = client(config, simulator.clock());
    let id = finance
        .create(&Customer::new(Kind::Person).with(F::Name, "علی رضایی"))
        .await
        .unwrap();
    assert_eq!(
        finance
            .read(&id, None)
            .await
            .unwrap()
            .unwrap()
            .customer
            .get(F::Name),
        "علی"
    );
}

#[tokio::test]
async fn a_contact_that_was_not_read_in_whole_is_not_saved() {
    let (simulator, finance) = seeded().await;
    let mut current = finance.read("22", None).await.unwrap().unwrap();
    for whole in [Value::Null, json!({}), json!({"Code": 23})] {
        current.whole = whole;
        finance.update(&current, &Values::new()).await.unwrap_err();
    }
    assert_eq!(simulator.finance().saves(22).api, 0);
}

#[tokio::test]
async fn secrets_and_customers_are_neither_in_snapshots_nor_in_logs() {
    let (simulator, finance) = seeded().await;
    let current = finance.read("22", None).await.unwrap().unwrap();
    assert!(!format!("{current:?}").contains(LEAK_MARKER));
    assert!(
        simulator
            .finance()
            .get_as_answered(22)
            .unwrap()
            .to_string()
            .contains(LEAK_MARKER)
    );
    for_each(&finance, |snapshot| {
        assert!(!snapshot.whole.to_string().contains(LEAK_MARKER));
    })
    .await
    .unwrap();
    finance
        .update(&current, &Values::from([(F::Mobile, "09120000001".to_owned())]))
        .await
        .unwrap();
    // What all tests of this process have logged so far, at TRACE.
    let text = logged();
    let md5 = "E10ADC3949BA59ABBE56E057F20F883E";
    for secret in [
        LEAK_MARKER,
        "finance-password",
        md5,
        "09120000001",
        "09121111111",
        "شرکت آریا",
    ] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    let span = |line: &str| {
        line.contains("POST /BpmsApi/SaveFormData") && line.contains("http.response.status_code=200")
    };
    assert!(text.lines().any(span));
}
