//! Mistakes about the database.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use testkit::{Engine, TestDb};

use super::{check_says, run_with};
use crate::deployment::{Deployment, Process};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there() {
    let d = Deployment::new(Engine::Postgres, &[]).await;
    // Nobody listens: the cause, not that a pool's time was up; said once.
    let nobody = [(
        "DATABASE_URL",
        "postgres://user:n0t-the-password@127.0.0.1:1/none",
    )];
    check_says(
        &d,
        &nobody,
        &[
            "❌ database",
            "PostgreSQL can't be reached: Connection refused",
            "check DATABASE_URL (host, port",
            "✅ CRM",
        ],
    );
    let (code, said) = run_with(&d, "siaghsync", &["log"], &nobody);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.matches("refused").count(), 1, "{said}");
    for words in [
        "DATABASE_URL: the database can't be reached",
        "`siaghsync check` says what is wrong",
    ] {
        assert!(said.contains(words), "{said}");
    }
    // A name that the server does not know, in its own words.
    let (server, name) = d.db.url.rsplit_once('/').unwrap();
    let unknown = format!("{server}/no_{name}");
    check_says(
        &d,
        &[("DATABASE_URL", &unknown)],
        &["❌ database", &format!("database \"no_{name}\" does not exist\n")],
    );
    check_says(
        &d,
        &[("DATABASE_URL", "sqlite:///no/such/folder/s.db")],
        &["❌ database", "check the path in DATABASE_URL"],
    );
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_schema() {
    let d = Deployment::new(Engine::Postgres, &[]).await;
    // 4: no tables.
    let bare = TestDb::bare(Engine::Postgres).await.unwrap();
    let no_schema = [("DATABASE_URL", bare.url.as_str())];
    check_says(
        &d,
        &no_schema,
        &[
            "❌ database",
            "steps of the tables are missing",
            "run `siaghsync migrate`; or, if there should be data already, correct DATABASE_URL",
            "✅ CRM",
        ],
    );
    for (name, arguments) in [
        ("siaghsync", &["serve"][..]),
        ("siagh-worker", &[]),
        ("siagh-ingest", &[]),
    ] {
        let (code, said) = run_with(&d, name, arguments, &no_schema);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("run `siaghsync migrate`"), "{name}: {said}");
    }
    bare.drop_it().await;
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_user_who_may_only_read() {
    let d = Deployment::new(Engine::Postgres, &[]).await;
    let db = d.db.store.db();
    // 9: a role of this test's own, which goes with it.
    let role = format!("siaghsync_test_ro_{}", uuid::Uuid::new_v4().simple());
    db.execute_unprepared(&format!(
        "CREATE ROLE \"{role}\" LOGIN PASSWORD 'ro'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{role}\""
    ))
    .await
    .unwrap();
    let url = as_user(&d.db.url, &role, "ro");
    check_says(
        &d,
        &[("DATABASE_URL", &url)],
        &[
            "❌ database",
            "not written (read-only)",
            "permission denied",
            "give DATABASE_URL's user the right to write",
        ],
    );
    // The services wait (it may be a failover) and say why; a reader's commands work.
    let mut settings = d.settings();
    settings.retain(|(name, _)| name != "DATABASE_URL");
    settings.push(("DATABASE_URL".to_owned(), url.clone()));
    let folder = tempfile::tempdir().unwrap();
    let worker = Process::start("siagh-worker", &[], &settings, folder.path().join("log"));
    d.eventually("told by the worker", Duration::from_secs(30), async || {
        let log = worker.log();
        log.contains("can't be written") && log.contains("give its user the right")
    })
    .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let log = worker.log();
    assert!(!log.contains("Database connected"), "{log}");
    assert_eq!(log.matches("permission denied").count(), 1, "said once: {log}");
    drop(worker);
    let (code, said) = run_with(&d, "siaghsync", &["sync", "1001"], &[("DATABASE_URL", &url)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("permission denied")
            && said.contains("→ `siaghsync check` says what is wrong with the database"),
        "{said}"
    );
    let (code, said) = run_with(&d, "siaghsync", &["log"], &[("DATABASE_URL", &url)]);
    assert_eq!(code, Some(0), "{said}");
    db.execute_unprepared(&format!("DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\""))
        .await
        .unwrap();
    d.db.drop_it().await;
}

/// The address with another user.
fn as_user(url: &str, user: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{user}:{password}@{host}")
}
