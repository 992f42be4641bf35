//! Embedded: `siaghsync serve`, one process on SQLite, no Redis; the same promises.

use std::time::Duration;

use simulator::sample;
use testkit::Engine;

use crate::deployment::Deployment;
use crate::oracle;

/// Everything that can speak, speaks: libraries are quiet unless they are named.
const LOUD: &str = "trace,sqlx=trace,sea_orm=trace,hyper=trace,hyper_util=trace,reqwest=trace,tower=trace,\
                    tower_http=trace,redis=trace,apalis=trace,apalis_core=trace";

#[tokio::test(flavor = "multi_thread")]
async fn customers_reach_finance_and_a_restart_goes_on() {
    let d = Deployment::new(Engine::Sqlite, &[("SWEEP_INTERVAL_SECONDS", "1")]).await;
    let serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    d.native_webhooks();
    let mut typed = Vec::new();
    let customers = sample::customers(9, 60);
    for customer in &customers[..30] {
        typed.push((
            d.sim.crm().create(customer.kind, customer.to_crm()).unwrap(),
            customer.clone(),
        ));
    }
    d.settled(Duration::from_secs(60)).await;
    assert_eq!(
        serve.stop(Duration::from_secs(20)),
        Some(0),
        "SIGTERM ends it properly"
    );
    let serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    for customer in &customers[30..] {
        typed.push((
            d.sim.crm().create(customer.kind, customer.to_crm()).unwrap(),
            customer.clone(),
        ));
    }
    d.settled(Duration::from_secs(60)).await;
    oracle::finance_holds_exactly(&d.sim, &typed);
    let log = serve.log();
    for line in [
        "✅ Database connected",
        "✅ CRM token validated successfully",
        "✅ Successfully authenticated with Finance API",
    ] {
        assert!(log.contains(line), "{line} in {log}");
    }
    assert!(!log.contains(crate::deployment::SECRET), "no secret in the log");
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_stands_in_any_log_at_any_level() {
    let d = Deployment::new(Engine::Sqlite, &[("RUST_LOG", LOUD)]).await;
    let serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    d.native_webhooks();
    let customer = &sample::customers(2, 1)[0];
    d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    d.settled(Duration::from_secs(60)).await;
    let strange = d.url("/webhook/crm/identity?token=wrong-token-of-a-stranger&id=x");
    assert_eq!(d.http.get(strange).send().await.unwrap().status(), 401);
    let log = serve.log();
    let (crm, finance) = (d.sim.crm().config(), d.sim.finance().config());
    let hashed = hex::encode_upper(<md5::Md5 as md5::Digest>::digest(finance.password.as_bytes()));
    for secret in [
        crate::deployment::SECRET,
        &crm.password,
        &finance.password,
        &hashed,
        simulator::LEAK_MARKER,
        "wrong-token-of",
    ] {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
    assert!(log.len() > 10_000, "the log was at trace level");
    d.db.drop_it().await;
}
