//! Logins: both kinds, renewal, one at a time, and what a refusal leads to.

use std::time::Duration;

use chrono::TimeDelta;
use domain::customer::Kind;
use domain::ports::{Customers, PortError};
use futures::future::join_all;
use payamgostar::Credentials;
use secrecy::SecretString;
use serde_json::json;
use simulator::{FaultKind, FaultRule, Kind as Made, System};
use testkit::calls::Said;

use crate::support::{client, simulated, stubbed_with_login, with_password, with_token};

fn session(error: PortError) -> String {
    match error {
        PortError::Session(message) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_ready_token_needs_no_login_and_is_named_when_it_is_bad() {
    let (simulator, _) = simulated().await;
    let good = client(with_token(simulator.crm_url()), simulator.clock());
    assert!(good.check().await.unwrap().contains("accepts"));
    assert_eq!(simulator.crm().stats().calls("auth/login"), 0);

    let mut config = with_token(simulator.crm_url());
    config.credentials = Credentials::Token(SecretString::from("stale"));
    let message = session(client(config, simulator.clock()).check().await.unwrap_err());
    assert!(
        message.contains("CRM_API_TOKEN") && !message.contains("stale"),
        "{message}"
    );
}

#[tokio::test]
async fn many_requests_that_find_the_token_expired_make_one_login() {
    let (simulator, crm) = simulated().await;
    let id = simulator
        .crm()
        .seed(Made::Person, json!({"nickName": "علی"}))
        .unwrap();
    for (expire_all, login, refresh) in [(true, 1, 0), (true, 1, 1), (false, 0, 1)] {
        if expire_all {
            simulator.crm().expire_everything();
        } else {
            simulator.crm().expire_tokens();
        }
        simulator.reset_stats();
        let reads = join_all((0..40).map(|_| crm.read(&id, Some(Kind::Person)))).await;
        assert!(reads.into_iter().all(|read| read.unwrap().is_some()));
        let stats = simulator.crm().stats();
        assert_eq!(
            (stats.calls("auth/login"), stats.calls("token/refresh")),
            (login, refresh),
            "{expire_all}"
        );
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let (simulator, crm) = simulated().await;
    crm.check().await.unwrap();
    simulator.clock().advance(TimeDelta::seconds(3590));
    simulator.reset_stats();
    crm.check().await.unwrap();
    assert_eq!(simulator.crm().stats().snapshot().statuses.get(&401), None);
    assert_eq!(simulator.crm().stats().calls("token/refresh"), 1);
}

#[tokio::test]
async fn where_there_is_no_refresh_a_login_follows() {
    let (simulator, crm) = simulated().await;
    simulator.crm().configure(|config| config.refresh_enabled = false);
    crm.check().await.unwrap();
    simulator.crm().expire_tokens();
    crm.check().await.unwrap();
    assert_eq!(simulator.crm().stats().event_count("login_ok"), 2);
}

#[tokio::test]
async fn wrong_credentials_and_a_missing_licence_are_said_and_not_hammered() {
    let (simulator, crm) = simulated().await;
    simulator
        .crm()
        .configure(|config| config.password = "changed".to_owned());
    let errors = join_all((0..20).map(|_| crm.check())).await;
    for error in errors {
        let message = session(error.unwrap_err());
        assert!(
            message.contains("CRM_PASSWORD") && !message.contains("crm-password"),
            "{message}"
        );
    }
    assert_eq!(simulator.crm().stats().calls("auth/login"), 1);
    simulator.crm().configure(|config| config.api_licensed = false);
    simulator.clock().advance(TimeDelta::seconds(61));
    assert!(session(crm.check().await.unwrap_err()).contains("licensed"));
}

#[tokio::test]
async fn after_a_lock_out_no_login_is_tried_for_a_quarter_of_an_hour() {
    let (simulator, crm) = simulated().await;
    simulator.crm().configure(|config| {
        config.max_failed_logins = 1;
        config.password = "changed".to_owned();
    });
    // The first failure locks; the CRM says so to the second login.
    session(crm.check().await.unwrap_err());
    simulator.clock().advance(TimeDelta::seconds(61));
    let message = session(crm.check().await.unwrap_err());
    assert!(
        message.contains("403") && message.contains("too many attempts"),
        "{message}"
    );
    simulator
        .crm()
        .configure(|config| config.password = "crm-password".to_owned());
    simulator.clock().advance(TimeDelta::seconds(14 * 60));
    session(crm.check().await.unwrap_err());
    assert_eq!(simulator.crm().stats().calls("auth/login"), 2);
    simulator.clock().advance(TimeDelta::seconds(61));
    crm.check().await.unwrap();
}

#[tokio::test]
async fn a_session_that_ends_during_a_write_is_renewed_and_the_write_repeated_once() {
    let (simulator, crm) = simulated().await;
    crm.check().await.unwrap();
    simulator.faults().add(FaultRule::next(
        System::Crm,
        "person/create",
        FaultKind::SessionExpired,
        1,
    ));
    let customer = domain::customer::Customer::new(Kind::Person).with(domain::customer::Field::Name, "علی");
    crm.create(&customer).await.unwrap();
    assert_eq!(simulator.crm().count(), 1);
    simulator.faults().add(FaultRule::always(
        System::Crm,
        "person/create",
        FaultKind::SessionExpired,
    ));
    simulator.reset_stats();
    session(crm.create(&customer).await.unwrap_err());
    assert_eq!(simulator.crm().stats().calls("person/create"), 2);
}

#[tokio::test]
async fn a_login_that_fails_for_the_moment_is_tried_again() {
    let (simulator, crm) = simulated().await;
    simulator.faults().add(FaultRule::next(
        System::Crm,
        "auth/login",
        FaultKind::Unavailable,
        1,
    ));
    assert!(matches!(crm.check().await, Err(PortError::Transient { .. })));
    crm.check().await.unwrap();
}

#[tokio::test]
async fn an_end_in_the_past_is_not_believed() {
    let login = r#"{"AccessToken":"tok","RefreshToken":"r","ExpiresAt":"2001-01-01T00:00:00"}"#;
    let (stub, crm) = stubbed_with_login(&[Said(200, &[], login), Said(200, &[], "[]")]).await;
    for _ in 0..3 {
        crm.check().await.unwrap();
    }
    assert_eq!(
        stub.paths().iter().filter(|path| path.contains("/auth/")).count(),
        1
    );
}

#[tokio::test]
async fn a_login_that_is_not_understood_passes_and_shows_no_token() {
    for body in [
        r#"{"accessToken": "tok-secret" oops"#,
        r#"{"token":"tok-secret"}"#,
        "",
        "<html>tok-secret",
    ] {
        let (_stub, crm) = stubbed_with_login(&[Said(200, &[], body)]).await;
        let error = crm.check().await.unwrap_err();
        assert!(matches!(error, PortError::Transient { .. }), "{error:?}");
        assert!(!error.to_string().contains("tok-secret"), "{error}");
    }
}

#[test]
fn a_configuration_never_prints_its_secrets() {
    let printed = format!("{:?}", with_password("http://crm.test"));
    assert!(!printed.contains("crm-password"));
}

/// Whoever asks for a write holds a lease that outlives one call.
#[tokio::test]
async fn a_write_is_not_sent_after_a_slow_login() {
    let (simulator, crm) = simulated().await;
    let customer = domain::customer::Customer::new(Kind::Person).with(domain::customer::Field::Name, "علی");
    let slow = FaultRule::always(System::Crm, "auth/login", FaultKind::Slow);
    simulator.faults().add(slow.ms(300));
    let slowly = async || {
        let login = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            simulator.clock().advance(TimeDelta::seconds(6));
        };
        tokio::join!(crm.create(&customer), login).0
    };
    let not_sent = |outcome| {
        let Err(PortError::Transient { message, .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(message.contains("was not sent"), "{message}");
    };
    not_sent(slowly().await);
    assert_eq!(simulator.crm().stats().calls("person/create"), 0);
    // The session is there now.
    crm.create(&customer).await.unwrap();

    simulator.crm().configure(|config| config.refresh_enabled = false);
    simulator.crm().expire_everything();
    not_sent(slowly().await);
    assert_eq!(
        simulator.crm().stats().calls("person/create"),
        2,
        "rejected, and not repeated"
    );
    assert_eq!(simulator.crm().count(), 1);

    // Half a second is none too much, and reads have no lease to lose.
    simulator.crm().configure(|config| config.refresh_enabled = false);
    simulator.crm().expire_everything();
    crm.create(&customer).await.unwrap();
    simulator.crm().configure(|config| config.refresh_enabled = false);
    simulator.crm().expire_everything();
    let read = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        simulator.clock().advance(TimeDelta::seconds(6));
    };
    tokio::join!(crm.read("5", None), read).0.unwrap();
}
