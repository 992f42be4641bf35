//! Logins: the password's forms, renewal, one at a time, and what a refusal leads to.

use chrono::TimeDelta;
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
