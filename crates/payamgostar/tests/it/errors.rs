//! Every way in which a call can fail, and the class that it has.

use std::time::Duration;

use domain::customer::{Customer, Field, Kind, Values};
use domain::ports::{Crm, Customers, PortError};
use serde_json::json;
use simulator::{FaultKind as Fault, FaultRule, Kind as Made, System};
use testkit::calls::Said;

use crate::support::{client, simulated, stubbed, with_token};

const LOST: [Fault; 11] = [
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
];

#[tokio::test]
async fn a_lost_answer_is_unknown_to_a_write_and_passing_to_a_read() {
    let (simulator, crm) = simulated().await;
    let id = simulator
        .crm()
        .seed(Made::Person, json!({"nickName": "علی"}))
        .unwrap();
    let current = crm.read(&id, None).await.unwrap().unwrap();
    let changes = Values::from([(Field::Email, "a@b.ir".to_owned())]);
    let customer = Customer::new(Kind::Person).with(Field::Name, "محرمانه");
    for fault in LOST {
        simulator.faults().clear();
        simulator
            .faults()
            .add(FaultRule::always(System::Crm, "person/*", fault).ms(3000));
        simulator
            .faults()
            .add(FaultRule::always(System::Crm, "*person/*", fault).ms(3000));
        let read = crm.read(&id, Some(Kind::Person)).await;
        assert!(
            matches!(read, Err(PortError::Transient { .. })),
            "{fault:?}: {read:?}"
        );
        for write in [
            crm.update(&current, &changes).await,
            crm.create(&customer).await.map(drop),
        ] {
            let Err(PortError::UnknownOutcome { message, .. }) = write else {
                panic!("{fault:?}: {write:?}")
            };
            assert!(
                message.contains("/api/v2/crmobject/person/") && !message.contains("محرمانه"),
                "{message}"
            );
        }
    }
    simulator.faults().clear();
    simulator
        .faults()
        .add(FaultRule::always(System::Crm, "*person/*", Fault::EmptyAnswer));
    assert!(matches!(
        crm.create(&customer).await,
        Err(PortError::UnknownOutcome { .. })
    ));
}

#[tokio::test]
async fn answers_that_a_proxy_swallowed_do_not_delete_a_customer() {
    let (simulator, crm) = simulated().await;
    let id = simulator
        .crm()
        .seed(Made::Person, json!({"nickName": "علی"}))
        .unwrap();
    simulator
        .faults()
        .add(FaultRule::next(System::Crm, "person/get", Fault::EmptyAnswer, 2));
    assert!(crm.read(&id, None).await.unwrap().is_some());
    simulator
        .faults()
        .add(FaultRule::always(System::Crm, "person/get", Fault::EmptyAnswer));
    assert!(crm.read(&id, None).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_never_sent_and_what_is_to_wait_may_be_tried_again() {
    let customer = Customer::new(Kind::Person).with(Field::Name, "علی");
    let nowhere = client(with_token("http://127.0.0.1:9"), &simulator::Clock::system());
    let error = nowhere.create(&customer).await.unwrap_err();
    assert!(
        matches!(&error, PortError::Transient { message, .. } if message.contains("CRM_API_BASE_URL")),
        "{error:?}"
    );
    let unresolved = client(with_token("http://crm.invalid"), &simulator::Clock::system());
    assert!(matches!(
        unresolved.create(&customer).await,
        Err(PortError::Transient { .. })
    ));

    let (simulator, crm) = simulated().await;
    simulator
        .faults()
        .add(FaultRule::always(System::Crm, "person/create", Fault::TooManyRequests).retry_after(7));
    let error = crm.create(&customer).await.unwrap_err();
    assert!(
        matches!(error, PortError::Transient { retry_after: Some(wait), .. } if wait == Duration::from_secs(7))
    );
}

#[tokio::test]
async fn statuses_have_their_class() {
    let json_error = r#"{"Code":400,"Message":"کد ملی نامعتبر است","ErrorDetails":[{"Field":"NationalCode","Message":"x"}]}"#;
    let (_stub, crm) = stubbed(&[
        Said(400, &[], json_error),
        Said(422, &[], ""),
        Said(404, &[], "<html>"),
        Said(402, &[], ""),
        Said(403, &[], ""),
        Said(302, &[("Location", "http://127.0.0.1:9/")], ""),
        Said(200, &[], r#"{"crmId":"another"}"#),
        Said(200, &[], r#"{"CrmId":"ME"}"#),
        Said(400, &[], "\r\n<!DOCTYPE HTML>"),
        Said(404, &[], r#"{"code":404,"message":"x"}"#),
        Said(404, &[], ""),
        Said(403, &[], "<html>"),
        Said(403, &[], r#"{"code":403,"message":"این مشتری قفل است"}"#),
        Said(503, &[("Retry-After", "120")], ""),
    ])
    .await;
    let whole = json!({"crmId": "me", "nickName": "علی"});
    let current = domain::ports::Snapshot {
        id: "me".into(),
        customer: Customer::new(Kind::Person),
        modified_at: None,
        whole,
    };
    let mut said = Vec::new();
    for _ in 0..14 {
        said.push(crm.update(&current, &Values::new()).await);
    }
    let refused = "the CRM answered POST /api/v2/crmobject/person/update with 400 Bad Request: کد ملی نامعتبر است; NationalCode: x";
    assert!(
        matches!(&said[0], Err(PortError::Refused(message)) if message == refused),
        "{:?}",
        said[0]
    );
    assert!(matches!(&said[1], Err(PortError::Refused(_))));
    for page in [2, 8] {
        assert!(
            matches!(&said[page], Err(PortError::Transient { message, .. }) if message.contains("CRM_API_BASE_URL")),
            "a proxy's page is no word of the CRM: {:?}",
            said[page]
        );
    }
    for own in [9, 10] {
        assert!(
            matches!(&said[own], Err(PortError::Refused(_))),
            "{:?}",
            said[own]
        );
    }
    assert!(matches!(&said[11], Err(PortError::Session(_))));
    assert!(
        matches!(&said[12], Err(PortError::Refused(message)) if message.contains("این مشتری قفل است")),
        "{:?}",
        said[12]
    );
    assert!(
        matches!(&said[13], Err(PortError::UnknownOutcome { retry_after: Some(wait), .. }) if wait.as_secs() == 120),
        "{:?}",
        said[13]
    );
    assert!(matches!(&said[3], Err(PortError::Session(_))));
    assert!(matches!(&said[4], Err(PortError::Session(_))));
    assert!(
        matches!(&said[5], Err(PortError::UnknownOutcome { message, .. }) if message.contains("redirects"))
    );
    assert!(
        matches!(&said[6], Err(PortError::Integrity { sent, answered }) if sent == "me" && answered == "another")
    );
    assert!(said[7].is_ok());
}

#[tokio::test]
async fn forms_of_not_found() {
    for answer in [
        Said(404, &[], ""),
        Said(404, &[], r#"{"code":404,"message":"x"}"#),
        Said(400, &[], r#"{"code":400,"message":"x"}"#),
        Said(200, &[], ""),
        Said(200, &[], "null"),
        Said(200, &[], "{}"),
        Said(200, &[], r#"{"CrmId":null,"NickName":null}"#),
    ] {
        let body = answer.2;
        let (_stub, crm) = stubbed(&[answer]).await;
        assert_eq!(crm.read("x", None).await.unwrap(), None, "{body}");
    }
    for answer in [
        Said(404, &[], "<!DOCTYPE html>"),
        Said(400, &[], "<!DOCTYPE html>"),
        Said(200, &[], "<html>"),
        Said(200, &[], r#"{"crmId":"y"}"#),
        Said(200, &[], "[]"),
    ] {
        let body = answer.2;
        let (_stub, crm) = stubbed(&[answer]).await;
        assert!(
            matches!(crm.read("x", None).await, Err(PortError::Transient { .. })),
            "{body}"
        );
    }
}

#[tokio::test]
async fn webhooks_and_installations_without_them() {
    let (simulator, crm) = simulated().await;
    assert_eq!(crm.webhooks().await.unwrap(), Some(Vec::new()));
    assert!(
        crm.register_webhook("http://us.test/webhook/crm", &["customer.updated"])
            .await
            .unwrap()
    );
    assert_eq!(
        crm.webhooks().await.unwrap(),
        Some(vec!["http://us.test/webhook/crm".to_owned()])
    );
    simulator
        .crm()
        .configure(|config| config.webhooks.api_enabled = false);
    assert_eq!(crm.webhooks().await.unwrap(), None);
    assert!(!crm.register_webhook("http://us.test", &[]).await.unwrap());
}
