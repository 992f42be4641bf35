//! Every way in which a call can fail, and the class that it has.

use std::time::Duration;

use domain::customer::{Customer, Field, Kind, Values};
use domain::ports::changes::for_each;
use domain::ports::{Customers, PortError};
use serde_json::json;
use simulator::{FaultKind as Fault, FaultRule, System};
use testkit::calls::Said;

use crate::support::{client, config, simulated, stubbed};

const LOST: [Fault; 12] = [
    Fault::CommitThenHang,
    Fault::CommitThenDrop,
    Fault::Hang,
    Fault::Drop,
    Fault::Error500Before,
    Fault::Error500After,
    Fault::Unavailable,
    Fault::TruncatedJson,
    Fault::TruncatedBody,
    Fault::HtmlError,
    Fault::Html200,
    Fault::EmptyAnswer,
];

#[tokio::test]
async fn a_lost_answer_is_unknown_to_a_write_and_passing_to_a_read() {
    let (simulator, finance) = simulated().await;
    let code = simulator
        .finance()
        .seed(json!({"Name": "علی"}))
        .unwrap()
        .to_string();
    let current = finance.read(&code, None).await.unwrap().unwrap();
    let changes = Values::from([(Field::Email, "a@b.ir".to_owned())]);
    let customer = Customer::new(Kind::Person).with(Field::Name, "محرمانه");
    for fault in LOST {
        simulator.faults().clear();
        for endpoint in ["GetAll", "SaveFormData"] {
            simulator
                .faults()
                .add(FaultRule::always(System::Finance, endpoint, fault).ms(3000));
        }
        let read = finance.read(&code, None).await;
        assert!(
            matches!(read, Err(PortError::Transient { .. })),
            "{fault:?}: {read:?}"
        );
        let mut handed = 0;
        assert!(for_each(&finance, |_| handed += 1).await.is_err(), "{fault:?}");
        for write in [
            finance.update(&current, &changes).await,
            finance.create(&customer).await.map(drop),
        ] {
            let Err(PortError::UnknownOutcome { message, .. }) = write else {
                panic!("{fault:?}: {write:?}")
            };
            assert!(
                message.contains("/BpmsApi/SaveFormData") && !message.contains("محرمانه"),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn what_was_never_sent_and_what_is_to_wait_may_be_tried_again() {
    let customer = Customer::new(Kind::Person).with(Field::Name, "علی");
    let nowhere = client(config("http://127.0.0.1:9"), &simulator::Clock::system());
    let error = nowhere.create(&customer).await.unwrap_err();
    assert!(
        matches!(&error, PortError::Transient { message, .. } if message.contains("FINANCE_API_BASE_URL"))
    );
    let (simulator, finance) = simulated().await;
    simulator
        .faults()
        .add(FaultRule::always(System::Finance, "SaveFormData", Fault::TooManyRequests).retry_after(7));
    let error = finance.create(&customer).await.unwrap_err();
    assert!(
        matches!(error, PortError::Transient { retry_after: Some(wait), .. } if wait == Duration::from_secs(7))
    );
}

#[tokio::test]
async fn refusals_keep_siaghs_own_words_in_whichever_shape() {
    use simulator::config::RefusalShape;
    let (simulator, finance) = simulated().await;
    simulator
        .finance()
        .seed(json!({"Name": "الف", "MobileNo": "09121111111"}))
        .unwrap();
    let customer = Customer::new(Kind::Person)
        .with(Field::Name, "ب")
        .with(Field::Mobile, "09121111111");
    for shape in [
        RefusalShape::Both,
        RefusalShape::FlagOnly,
        RefusalShape::EntryOnly,
    ] {
        simulator
            .finance()
            .configure(|config| config.refusal_shape = shape);
        let error = finance.create(&customer).await.unwrap_err();
        assert!(
            matches!(&error, PortError::Taken { fields, words }
                if words == "شماره تلفن نمی تواند تکراری باشد." && *fields == [Field::Mobile, Field::Phone]),
            "{error:?}"
        );
    }
    simulator.finance().configure(|config| config.warn_on_save = true);
    finance
        .create(&Customer::new(Kind::Person).with(Field::Name, "ج"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_telephone_that_another_contact_has_is_taken_until_that_one_no_longer_has_it() {
    let (simulator, finance) = simulated().await;
    let seed = |values| simulator.finance().seed(values).unwrap();
    let holder = seed(json!({"Name": "الف", "MobileNo": "09121111111", "TelNo": "02188776655"}));
    let code = seed(json!({"Name": "ب", "Email": "b@b.ir"})).to_string();
    for (field, value) in [(Field::Mobile, "09121111111"), (Field::Phone, "02188776655")] {
        let current = finance.read(&code, None).await.unwrap().unwrap();
        let changes = Values::from([(field, value.to_owned()), (Field::Email, "new@b.ir".to_owned())]);
        let error = finance.update(&current, &changes).await.unwrap_err();
        assert!(matches!(error, PortError::Taken { .. }), "{field:?}: {error:?}");
        assert_eq!(
            finance.read(&code, None).await.unwrap().unwrap(),
            current,
            "nothing of it"
        );
    }
    simulator
        .finance()
        .edit(holder, json!({"MobileNo": "", "TelNo": ""}))
        .unwrap();
    let current = finance.read(&code, None).await.unwrap().unwrap();
    let changes = Values::from([(Field::Mobile, "09121111111".to_owned())]);
    finance.update(&current, &changes).await.unwrap();
}

#[tokio::test]
async fn an_update_that_created_a_second_contact_is_an_integrity_failure() {
    let (simulator, finance) = simulated().await;
    let code = simulator.finance().seed(json!({"Name": "علی"})).unwrap();
    let current = finance.read(&code.to_string(), None).await.unwrap().unwrap();
    simulator.finance().delete(code).unwrap();
    let gone = finance.update(&current, &Values::new()).await.unwrap_err();
    assert!(matches!(gone, PortError::Refused(_)), "{gone:?}");
    simulator
        .finance()
        .configure(|config| config.unknown_code_creates = true);
    let error = finance.update(&current, &Values::new()).await.unwrap_err();
    let PortError::Integrity { sent, answered } = error else {
        panic!("{error:?}")
    };
    assert_eq!(sent, code.to_string());
    assert_ne!(answered, sent);
}

#[tokio::test]
async fn a_success_without_a_code_is_no_success() {
    let customer = Customer::new(Kind::Person).with(Field::Name, "علی");
    for answer in [
        r#"{"Errors":[],"ReturnValue":true,"ReturnCode":"","ReturnParams":""}"#,
        r#"{"ReturnValue":true,"ReturnCode":"0"}"#,
        r#"{"ReturnValue":null}"#,
        "<html>",
    ] {
        let (_stub, finance) = stubbed(&[Said(200, &[], answer)]).await;
        let outcome = finance.create(&customer).await;
        assert!(
            matches!(outcome, Err(PortError::UnknownOutcome { .. })),
            "{answer}: {outcome:?}"
        );
    }
    for answer in [
        "RUNTIME ERROR 7: Field 'Code' not found",
        r#"{"FinalMessages":["RUNTIME ERROR: x"]}"#,
    ] {
        let (_stub, finance) = stubbed(&[Said(200, &[], answer)]).await;
        assert!(
            matches!(finance.create(&customer).await, Err(PortError::Refused(_))),
            "{answer}"
        );
    }
    let (stub, finance) = stubbed(&[Said(302, &[("Location", "http://127.0.0.1:9/")], "")]).await;
    assert!(matches!(
        finance.create(&customer).await,
        Err(PortError::UnknownOutcome { .. })
    ));
    assert_eq!(stub.paths(), ["/GeneralApi/LoginUser", "/BpmsApi/SaveFormData"]);
}

#[tokio::test]
async fn statuses_have_their_class() {
    let customer = Customer::new(Kind::Person).with(Field::Name, "علی");
    let class = async |said: Said| {
        let (_stub, finance) = stubbed(&[said]).await;
        finance.create(&customer).await.unwrap_err()
    };
    for (status, page) in [(404, "<html>"), (400, "\n<!DOCTYPE html>")] {
        let error = class(Said(status, &[], page)).await;
        assert!(
            matches!(&error, PortError::Transient { message, .. } if message.contains("FINANCE_API_BASE_URL")),
            "a proxy's page is no word of finance: {error:?}"
        );
    }
    for (status, own) in [
        (404, r#"{"Message":"No HTTP resource was found"}"#),
        (400, r#"{"Message":"bad"}"#),
        (403, r#"{"Message":"دسترسی به این ردیف مجاز نیست"}"#),
    ] {
        let error = class(Said(status, &[], own)).await;
        assert!(matches!(error, PortError::Refused(_)), "{error:?}");
    }
    for (status, body) in [(403, ""), (403, "<html>"), (402, r#"{"Message":"x"}"#)] {
        let error = class(Said(status, &[], body)).await;
        assert!(matches!(error, PortError::Session(_)), "{error:?}");
    }
    let error = class(Said(503, &[("Retry-After", "120")], "")).await;
    assert!(
        matches!(error, PortError::UnknownOutcome { retry_after: Some(wait), .. } if wait.as_secs() == 120),
        "{error:?}"
    );
}
