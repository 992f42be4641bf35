//! The command line: exit codes, and messages that name the mistake and the next step.

use std::process::{Command, Output};

use testkit::{Engine, TestDb};

fn run(name: &str, arguments: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(crate::deployment::binary(name))
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .current_dir(folder.path())
        .output()
        .unwrap();
    (
        status.code(),
        format!(
            "{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        ),
    )
}

#[test]
fn missing_and_malformed_settings_are_all_named_at_once_with_exit_code_2() {
    for (name, arguments) in [
        ("siagh-ingest", &[][..]),
        ("siagh-worker", &[]),
        ("siaghsync", &["serve"]),
    ] {
        let wrong = [
            ("PORT", "many"),
            ("LEASE_SECONDS", "-1"),
            ("CRM_API_TOKEN", "t0p-s3cret"),
        ];
        let (code, said) = run(name, arguments, &wrong);
        assert_eq!(code, Some(2), "{said}");
        for setting in ["DATABASE_URL", "PORT", "LEASE_SECONDS"] {
            assert!(said.contains(setting), "{name}: {setting} in {said}");
        }
        assert!(!said.contains("t0p-s3cret"));
    }
    let (code, said) = run("siaghsync", &["no-such-command"], &[]);
    assert_eq!(code, Some(2), "{said}");
}

#[tokio::test]
async fn old_tables_are_refused_with_the_command_to_type() {
    let db = TestDb::bare(Engine::Postgres).await.unwrap();
    let settings = [
        ("DATABASE_URL", db.url.as_str()),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("CRM_API_BASE_URL", "http://127.0.0.1:1"),
        ("CRM_API_TOKEN", "t"),
        ("FINANCE_API_BASE_URL", "http://127.0.0.1:1"),
        ("FINANCE_USERNAME", "u"),
        ("FINANCE_PASSWORD", "p"),
        ("PORT", "0"),
        ("WORKER_PORT", "0"),
    ];
    for (name, arguments) in [
        ("siagh-ingest", &[][..]),
        ("siagh-worker", &[]),
        ("siaghsync", &["serve"]),
        ("siaghsync", &["log"]),
    ] {
        let (code, said) = run(name, arguments, &settings);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("siaghsync migrate"), "{name}: {said}");
    }
    let (code, said) = run("siaghsync", &["migrate"], &settings[..1]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run("siaghsync", &["log"], &settings[..1]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run("siaghsync", &["check"], &settings);
    assert_eq!(code, Some(1), "{said}");
    for part in [
        "✅ database",
        "❌ Redis",
        "❌ CRM",
        "❌ finance",
        "WEBHOOK_SECRET",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    db.drop_it().await;
}
