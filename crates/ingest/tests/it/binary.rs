//! The program itself: exit codes, and an end in good order.

use std::{
    io::Read as _,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use testkit::{Engine, TestDb, port};

use crate::site::client;

/// Nobody is there: polls fail, and webhooks are none the worse.
const SYSTEMS: [(&str, &str); 5] = [
    ("CRM_API_BASE_URL", "http://127.0.0.1:1"),
    ("CRM_API_TOKEN", "t"),
    ("FINANCE_API_BASE_URL", "http://127.0.0.1:1"),
    ("FINANCE_USERNAME", "u"),
    ("FINANCE_PASSWORD", "p"),
];

fn program(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siagh-ingest"));
    command
        .env_clear()
        .current_dir(std::env::temp_dir())
        .envs(SYSTEMS)
        .envs(settings.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Exit code and standard error of a program that ends by itself.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    (child.wait().unwrap().code(), text)
}

#[test]
fn wrong_settings_are_all_named_and_end_with_2() {
    let (code, text) = ended(program(&[("PORT", "many")]).spawn().unwrap());
    assert_eq!(code, Some(2), "{text}");
    for name in ["DATABASE_URL", "REDIS_URL", "PORT"] {
        assert!(text.contains(name), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_refuses_older_tables_and_a_taken_port_with_1() {
    let db = TestDb::bare(Engine::Sqlite).await.unwrap();
    let port = port::free().to_string();
    let settings = [
        ("DATABASE_URL", db.url.as_str()),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("PORT", &port),
    ];
    let (code, text) = ended(program(&settings).spawn().unwrap());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("siaghsync migrate"), "{text}");
    assert!(text.contains("WEBHOOK_SECRET"), "{text}");

    let _taken = TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
    let (code, text) = ended(program(&settings).spawn().unwrap());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("PORT"), "{text}");
    db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_it_with_0() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let port = port::free().to_string();
    let settings = [
        ("DATABASE_URL", db.url.as_str()),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("PORT", &port),
        ("WEBHOOK_SECRET", "s"),
    ];
    let child = program(&settings).spawn().unwrap();
    let client = client();
    let url = format!(
        "http://127.0.0.1:{port}/webhook/crm/s/identity?event=Update&id={}",
        crate::site::GUID
    );
    let start = Instant::now();
    loop {
        if client
            .get(&url)
            .send()
            .await
            .is_ok_and(|answer| answer.status() == 202)
        {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(client);
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    println!(
        "idle: {}",
        status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap_or("?")
    );
    let start = Instant::now();
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    let (code, text) = tokio::task::spawn_blocking(|| ended(child)).await.unwrap();
    assert_eq!(code, Some(0), "{text}");
    assert!(start.elapsed() < service::http::DRAIN, "{:?}", start.elapsed());
    assert!(
        text.contains(" INFO 📨 Received CRM webhook: customer.updated - CUSTOMER"),
        "{text}"
    );
    assert!(text.contains(" INFO ✅ Webhook queued for processing"), "{text}");
    db.drop_it().await;
}
