//! Every way in which a call can fail, and the class that it has.

use std::time::Duration;

use domain::customer::{Customer, Field, Kind, Values};
use domain::ports::{Crm, Customers, PortError, PortResult, Snapshot};
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

/// What an update of the record "me" comes to when the CRM answers like this.
async fn update_answered(answer: Said) -> PortResult<()> {
    let (_stub, crm) = stubbed(&[answer]).await;
    let current = Snapshot {
        id: "me".into(),
        customer: Customer::new(Kind::Person),
        modified_at: None,
        whole: json!({"crmId": "me", "nickName": "علی"}),
    };
    crm.update(&current, &Values::new()).await
}

#[tokio::test]
async fn a_refusal_is_the_crms_own_and_says_why() {
    let json_error = r#"{"Code":400,"Message":"کد ملی نامعتبر است","ErrorDetails":[{"Field":"NationalCode","Message":"x"}]}"#;
    let whole = "the CRM answered POST /api/v2/crmobject/person/update with 400 Bad Request: کد ملی نامعتبر است; NationalCode: x";
    let locked = r#"{"code":403,"message":"این مشتری قفل است"}"#;
    for (answer, expected) in [
        (Said(400, &[], json_error), whole),
        (Said(403, &[], locked), "این مشتری قفل است"),
        (Said(422, &[], ""), ""),
        (Said(404, &[], r#"{"code":404,"message":"x"}"#), ""),
        (Said(404, &[], ""), ""),
    ] {
        let said = update_answered(answer).await;
        let Err(PortError::Refused(message)) = said else {
            panic!("{expected}: {said:?}")
        };
        assert!(message.contains(expected), "{message}");
        assert!(expected != whole || message == whole, "{message}");
    }
    for (status, page) in [(404, "<html>"), (400, "\r\n<!DOCTYPE HTML>")] {
        let said = update_answered(Said(status, &[], page)).await;
        assert!(
            matches!(&said, Err(PortError::Transient { message, .. }) if message.contains("CRM_API_BASE_URL")),
            "a proxy's page is no word of the CRM: {said:?}"
        );
    }
}

#[tokio::test]
async fn statuses_have_their_class() {
    for no_login in [Said(402, &[], ""), Said(403, &[], ""), Said(403, &[], "<html>")] {
        let said = update_answered(no_login).await;
        assert!(matches!(&said, Err(PortError::Session(_))), "{said:?}");
    }
    let busy = update_answered(Said(503, &[("Retry-After", "120")], "")).await;
    assert!(
        matches!(&busy, Err(PortError::UnknownOutcome { retry_after: Some(wait), .. }) if wait.as_secs() == 120),
        "{busy:?}"
    );
    let elsewhere = update_answered(Said(302, &[("Location", "http://127.0.0.1:9/")], "")).await;
    assert!(
        matches!(&elsewhere, Err(PortError::UnknownOutcome { message, .. }) if message.contains("redirects")),
        "{elsewhere:?}"
    );
    let another = update_answered(Said(200, &[], r#"{"crmId":"another"}"#)).await;
    assert!(
        matches!(&another, Err(PortError::Integrity { sent, answered }) if sent == "me" && answered == "another"),
        "{another:?}"
    );
    let same = update_answered(Said(200, &[], r#"{"CrmId":"ME"}"#)).await;
    assert!(same.is_ok(), "{same:?}");
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
