//! Ten deliberate mistakes: each gives a message that names the mistake and the next step, from the real programs.

mod database;

use std::process::Command;

use chrono::TimeDelta;
use serde_json::Value;
use simulator::{FaultKind, FaultRule, System};
use testkit::Engine;

use crate::deployment::{Deployment, binary};

/// Runs a program with the deployment's settings, some of them replaced (an empty one counts as not set).
fn run_with(d: &Deployment, name: &str, arguments: &[&str], wrong: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(binary(name))
        .args(arguments)
        .env_clear()
        .envs(d.settings())
        .envs(wrong.iter().copied())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr]
        .map(|said| String::from_utf8_lossy(&said).into_owned())
        .concat();
    (output.status.code(), said)
}

/// `siaghsync check` with that mistake fails, and says all of this.
fn check_says(d: &Deployment, wrong: &[(&str, &str)], words: &[&str]) {
    let (code, said) = run_with(d, "siaghsync", &["check"], wrong);
    assert_eq!(code, Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} in\n{said}");
    }
    for secret in ["n0t-the-token", "n0t-the-password", crate::deployment::SECRET] {
        assert!(!said.contains(secret), "a secret in\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_wrong_and_check_says_so() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let d = Deployment::new(engine, &[]).await;
        let (code, said) = run_with(&d, "siaghsync", &["check"], &[]);
        assert_eq!(code, Some(0), "{said}");
        for part in [
            "✅ database",
            "✅ CRM",
            "✅ finance",
            "✅ fiscal year",
            "✅ clock",
            "✅ webhooks",
            "✅ port",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let (code, said) = run_with(&d, "siaghsync", &["check", "--json"], &[]);
        assert_eq!(code, Some(0), "{said}");
        let told: Value = serde_json::from_str(said.trim()).unwrap();
        assert_eq!(told["ok"], true);
        assert!(
            told["parts"]
                .as_array()
                .unwrap()
                .iter()
                .all(|part| part["state"] == "ok"),
            "{told}"
        );
        d.db.drop_it().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    // 1: a wrong token.
    check_says(
        &d,
        &[("CRM_API_TOKEN", "n0t-the-token")],
        &[
            "❌ CRM",
            "does not accept CRM_API_TOKEN",
            "make a new token in the CRM",
            "that CRM_API_BASE_URL is the CRM's address",
        ],
    );
    // 2: wrong passwords.
    check_says(
        &d,
        &[("CRM_PASSWORD", "n0t-the-password")],
        &[
            "❌ CRM",
            "refuses the login",
            "check CRM_USERNAME and CRM_PASSWORD",
        ],
    );
    check_says(
        &d,
        &[("FINANCE_PASSWORD", "n0t-the-password")],
        &[
            "❌ finance",
            "refuses the login",
            "check FINANCE_USERNAME and FINANCE_PASSWORD",
            "✅ CRM",
        ],
    );
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_addresses() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    // 3: another server's, and one where nobody is.
    let (crm, finance) = (d.sim.crm_url(), d.sim.finance_url());
    check_says(
        &d,
        &[("CRM_API_BASE_URL", &finance)],
        &["❌ CRM", "that CRM_API_BASE_URL is the CRM's address"],
    );
    check_says(
        &d,
        &[("FINANCE_API_BASE_URL", &crm)],
        &["❌ finance", "that FINANCE_API_BASE_URL is Siagh's address"],
    );
    check_says(
        &d,
        &[("FINANCE_API_BASE_URL", "http://127.0.0.1:1")],
        &[
            "❌ finance",
            "can't be reached",
            "check FINANCE_API_BASE_URL and the network",
        ],
    );
    // TLS where none is spoken.
    check_says(
        &d,
        &[("CRM_API_BASE_URL", &crm.replace("http:", "https:"))],
        &["❌ CRM", "speaks no TLS there", "CRM_API_BASE_URL with http://"],
    );
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_does_not_last_and_a_clock_that_is_off() {
    let d = Deployment::new(Engine::Postgres, &[]).await;
    // 10: someone else logs in with our user, and ends every session at once.
    let faults = d.sim.faults();
    faults.add(FaultRule::always(
        System::Finance,
        "GetAll",
        FaultKind::SessionExpired,
    ));
    check_says(
        &d,
        &[],
        &[
            "❌ finance",
            "401",
            "right after a login",
            "that no one else logs in with it",
        ],
    );
    faults.clear();
    // One that has just ended is renewed without a word.
    faults.add(FaultRule::next(
        System::Finance,
        "GetAll",
        FaultKind::SessionExpired,
        1,
    ));
    let (code, said) = run_with(&d, "siaghsync", &["check"], &[]);
    assert_eq!(code, Some(0), "{said}");
    faults.clear();
    // 6: the systems' clocks are an hour ahead of ours, then behind.
    d.sim.clock().advance(TimeDelta::hours(1));
    check_says(
        &d,
        &[],
        &[
            "❌ clock",
            "the CRM's is 60 minutes ahead of this machine's",
            "time server (NTP)",
            "✅ clock",
        ],
    );
    d.sim.clock().advance(TimeDelta::hours(-2));
    check_says(&d, &[], &["finance's is 60 minutes behind this machine's"]);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redis() {
    let d = Deployment::new(Engine::Postgres, &[]).await;
    // 5: Redis is down.
    check_says(
        &d,
        &[("REDIS_URL", "redis://127.0.0.1:1")],
        &[
            "❌ Redis",
            "start the Redis server, or correct REDIS_URL",
            "nothing is lost",
            "✅ database",
        ],
    );
    // The rows are told all the same.
    let (code, said) = run_with(
        &d,
        "siaghsync",
        &["queue", "stats"],
        &[("REDIS_URL", "redis://127.0.0.1:1")],
    );
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "rows   waiting 0",
        "the queue (Redis) can't be reached",
        "start the Redis server",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_are_none() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    // 7: the same secret twice; one that anyone guesses.
    let twice = format!("{0},{0}", crate::deployment::SECRET);
    check_says(
        &d,
        &[("WEBHOOK_SECRET", &twice)],
        &["❌ webhooks", "the same secret twice", "to rotate"],
    );
    check_says(
        &d,
        &[("WEBHOOK_SECRET", "s3cret")],
        &["too easy to guess", "openssl rand -hex 32"],
    );
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port() {
    let d = Deployment::new(Engine::Postgres, &[]).await;
    let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // 8: the services end at once and say which setting it is.
    for (name, arguments, setting) in [
        ("siaghsync", &["serve"][..], "PORT"),
        ("siagh-ingest", &[], "PORT"),
        ("siagh-worker", &[], "WORKER_PORT"),
    ] {
        let (code, said) = run_with(&d, name, arguments, &[(setting, &port)]);
        assert_eq!(code, Some(1), "{name}: {said}");
        assert_eq!(said.matches("can't be used").count(), 1, "said once: {said}");
        let named = format!("port {port} ({setting}) can't be used");
        assert!(
            said.contains(&named) && said.contains("stop the program that has it"),
            "{name}: {said}"
        );
    }
    let (code, said) = run_with(&d, "siaghsync", &["check"], &[("PORT", &port)]);
    assert_eq!(code, Some(0), "it may be SiaghSync itself: {said}");
    assert!(
        said.contains(&format!("{port} (PORT) is taken")) && said.contains("set another PORT"),
        "{said}"
    );
    d.db.drop_it().await;
}
