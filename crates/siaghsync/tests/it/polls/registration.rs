//! `ENABLE_WEBHOOKS`: the CRM is told our address once, whoever starts; where it can't be, a person is told what to do.

use std::path::Path;
use std::time::Duration;

use domain::polls::{CRM_PERSON, PollStore};
use domain::store::Store;
use domain::store::subscriptions;
use serde_json::json;
use simulator::{FaultKind, FaultRule, Kind, System};
use testkit::Engine;

use super::QUICK;
use crate::deployment::{Deployment, Process, SECRET, binary};

/// A deployment whose `WEBHOOK_BASE_URL` is its own address.
async fn deployment(on: Engine) -> (Deployment, Vec<(String, String)>) {
    let d = Deployment::new(on, &QUICK).await;
    let mut settings = d.settings();
    settings.push(("ENABLE_WEBHOOKS".to_owned(), "true".to_owned()));
    settings.push(("WEBHOOK_BASE_URL".to_owned(), d.url("")));
    (d, settings)
}

/// Two of ingest, of which one has the deployment's port.
fn two_of_ingest(settings: &[(String, String)], folder: &Path) -> Vec<Process> {
    ["first", "second"]
        .map(|name| {
            let mut settings = settings.to_vec();
            if name == "second" {
                settings.retain(|(name, _)| name != "PORT");
                settings.push(("PORT".to_owned(), "0".to_owned()));
            }
            Process::start("siagh-ingest", &[], &settings, folder.join(format!("{name}.log")))
        })
        .into()
}

async fn the_crm_is_told_once(d: &Deployment, processes: &[Process]) {
    d.eventually("registered", Duration::from_secs(30), async || {
        processes.iter().all(|process| {
            let log = process.log();
            log.contains("Webhooks registered with the CRM") || log.contains("already")
        })
    })
    .await;
    let hooks = d.sim.crm().registered_webhooks();
    assert_eq!(hooks.len(), 1, "{hooks:?}");
    assert_eq!(hooks[0].url, d.url("/webhook/crm"));
    let noted = subscriptions::list(&d.db.store).await.unwrap();
    assert_eq!(noted.len(), 3);
    assert!(noted.iter().all(|row| row.is_active && row.failure_count == 0));
}

/// Whether the CRM calls at all is seen without reading logs.
async fn its_call_is_noted(d: &Deployment) {
    d.eventually("the last event is noted", Duration::from_secs(15), async || {
        let noted = subscriptions::list(&d.db.store).await.unwrap();
        let mut heard = noted.iter().filter(|row| row.last_event_at.is_some());
        heard.next().is_some_and(|row| row.entity_type == "CUSTOMER") && heard.next().is_none()
    })
    .await;
    let (code, said) = d.siaghsync(&["webhooks", "list"]);
    assert!(
        code == Some(0) && said.contains(&format!("The CRM calls {}", d.url("/webhook/crm"))),
        "{said}"
    );
    assert_eq!(said.matches("last event: never").count(), 2, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_register_once_and_webhooks_arrive_long_before_the_safety_poll() {
    let (d, settings) = deployment(Engine::Postgres).await;
    d.sim
        .crm()
        .configure(|crm| crm.webhooks.secret = SECRET.to_owned());
    d.sim.faults().add(FaultRule::next(
        System::Crm,
        "webhooks",
        FaultKind::Error500Before,
        1,
    ));
    let folder = tempfile::tempdir().unwrap();
    let processes = two_of_ingest(&settings, folder.path());
    let _worker = d.run("siagh-worker", &[]);
    d.ready().await;
    the_crm_is_told_once(&d, &processes).await;
    // The first polls are over; the next CRM poll comes in an hour.
    d.eventually("polled", Duration::from_secs(20), async || {
        d.db.store.last_look(CRM_PERSON).await.unwrap().is_some()
    })
    .await;
    d.sim
        .crm()
        .create(
            Kind::Person,
            json!({"nickName": "مینا راد", "nationalCode": "0012345679"}),
        )
        .unwrap();
    d.eventually("in finance", Duration::from_secs(60), async || {
        d.sim.finance().contacts().len() == 1
    })
    .await;
    d.settled(Duration::from_secs(30)).await;
    its_call_is_noted(&d).await;
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_crm_has_no_registration_the_native_addresses_are_told_without_the_secret() {
    let (d, settings) = deployment(Engine::Sqlite).await;
    d.sim.crm().configure(|crm| crm.webhooks.api_enabled = false);
    let folder = tempfile::tempdir().unwrap();
    let serve = Process::start(
        "siaghsync",
        &["serve"],
        &settings,
        folder.path().join("serve.log"),
    );
    d.ready().await;
    let address = d.url("/webhook/crm/identity?token=<WEBHOOK_SECRET>");
    d.eventually("told", Duration::from_secs(20), async || {
        serve.log().contains(&address)
    })
    .await;
    assert!(!serve.log().contains(SECRET));
    let noted = subscriptions::list(&d.db.store).await.unwrap();
    assert!(noted.iter().all(|row| !row.is_active && row.failure_count > 0));
    let (code, said) = d.siaghsync(&["webhooks", "register"]);
    assert!(code == Some(1) && said.contains("WEBHOOK_BASE_URL"), "{said}");
    // A secret that an address can't hold as it is, one that it can, and none.
    for (secret, hint) in [
        ("a+b/c=with-base64", Some("percent-encoded")),
        (SECRET, None),
        ("", Some("is not set")),
    ] {
        let told = std::process::Command::new(binary("siaghsync"))
            .args(["webhooks", "register"])
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("WEBHOOK_SECRET", secret)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&told.stdout);
        assert_eq!(told.status.code(), Some(1), "to be done by hand: {said}");
        assert!(said.contains(&address), "{said}");
        for word in ["percent-encoded", "is not set"] {
            assert_eq!(said.contains(word), hint == Some(word), "{word}: {said}");
        }
        assert!(secret.is_empty() || !said.contains(secret), "{said}");
    }
    assert_eq!(d.db.store.stats().await.unwrap().pending, 0);
    d.db.drop_it().await;
}
