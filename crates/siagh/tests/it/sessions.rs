//! Logins: the password's forms, renewal, one at a time, and what a refusal leads to.

use std::time::Duration;

use chrono::TimeDelta;
use domain::customer::{Customer, Field, Kind};
use domain::ports::{Customers, Finance, PortError};
use futures::future::join_all;
use secrecy::SecretString;
use serde_json::json;
use simulator::{FaultKind, FaultRule, System};

use crate::support::{client, config, simulated};

#[tokio::test]
async fn the_password_may_be_plain_or_hashed() {
    let (simulator, finance) = simulated().await;
    let said = finance.check().await.unwrap();
    assert!(
        said.contains("accepts the login") && said.contains("answers filters"),
        "{said}"
    );
    simulator
        .finance()
        .configure(|config| config.password = "123456".to_owned());
    let mut hashed = config(simulator.finance_url());
    hashed.password = SecretString::from("e10adc3949ba59abbe56e057f20f883e");
    client(hashed, simulator.clock()).check().await.unwrap();
}

#[tokio::test]
async fn the_fiscal_year_is_that_of_the_login() {
    let (simulator, finance) = simulated().await;
    simulator.finance().configure(|config| config.fiscal_year = 1404);
    assert_eq!(finance.fiscal_year().await.unwrap(), Some(1404));
}

#[tokio::test]
async fn many_requests_that_find_the_session_ended_make_one_login() {
    let (simulator, finance) = simulated().await;
    let code = simulator
        .finance()
        .seed(json!({"Name": "علی"}))
        .unwrap()
        .to_string();
    for _ in 0..2 {
        simulator.finance().expire_sessions();
        simulator.reset_stats();
        let reads = join_all((0..40).map(|_| finance.read(&code, None))).await;
        assert!(reads.into_iter().all(|read| read.unwrap().is_some()));
        assert_eq!(simulator.finance().stats().calls("LoginUser"), 1);
    }
}

#[tokio::test]
async fn wrong_credentials_are_said_and_not_hammered() {
    let (simulator, finance) = simulated().await;
    simulator
        .finance()
        .configure(|config| config.password = "changed".to_owned());
    for outcome in join_all((0..20).map(|_| finance.check())).await {
        let Err(PortError::Session(message)) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(
            message.contains("FINANCE_PASSWORD") && !message.contains("finance-password"),
            "{message}"
        );
    }
    assert_eq!(simulator.finance().stats().calls("LoginUser"), 1);
    simulator
        .finance()
        .configure(|config| config.password = "finance-password".to_owned());
    simulator.clock().advance(TimeDelta::seconds(61));
    finance.check().await.unwrap();
}

#[tokio::test]
async fn a_session_that_never_holds_is_an_error_after_one_renewal() {
    let (simulator, finance) = simulated().await;
    simulator.faults().add(FaultRule::always(
        System::Finance,
        "GetAll",
        FaultKind::SessionExpired,
    ));
    let error = finance.read("5", None).await.unwrap_err();
    assert!(matches!(error, PortError::Session(_)), "{error:?}");
    assert_eq!(simulator.finance().stats().calls("GetAll"), 2);
    assert_eq!(simulator.finance().stats().calls("LoginUser"), 2);
}

/// Whoever asks for a write holds a lease that outlives one call.
#[tokio::test]
async fn a_write_is_not_sent_after_a_slow_login() {
    let (simulator, finance) = simulated().await;
    let customer = Customer::new(Kind::Person).with(Field::Name, "علی");
    let slow = FaultRule::always(System::Finance, "LoginUser", FaultKind::Slow);
    simulator.faults().add(slow.ms(300));
    let slowly = async || {
        let login = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            simulator.clock().advance(TimeDelta::seconds(6));
        };
        tokio::join!(finance.create(&customer), login).0
    };
    let not_sent = |outcome| {
        let Err(PortError::Transient { message, .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(message.contains("was not sent"), "{message}");
    };
    not_sent(slowly().await);
    assert_eq!(simulator.finance().stats().calls("SaveFormData"), 0);
    // The session is there now.
    finance.create(&customer).await.unwrap();

    simulator.finance().expire_sessions();
    not_sent(slowly().await);
    assert_eq!(
        simulator.finance().stats().calls("SaveFormData"),
        2,
        "rejected, and not repeated"
    );
    assert_eq!(simulator.finance().contacts().len(), 1);

    // Half a second is none too much, and reads have no lease to lose.
    simulator.finance().expire_sessions();
    finance.create(&customer).await.unwrap();
    simulator.finance().expire_sessions();
    let read = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        simulator.clock().advance(TimeDelta::seconds(6));
    };
    tokio::join!(finance.read("5", None), read).0.unwrap();
}
