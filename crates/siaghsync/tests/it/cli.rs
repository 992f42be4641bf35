//! The command line: exit codes, and messages that name the mistake and the next step.

use std::process::{Command, Output};

use testkit::{Engine, TestDb};

use crate::docs::{help, subcommands};

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

/// [`run`] with something on standard input.
fn run_fed(arguments: &[&str], fed: &str) -> (Option<i32>, String, String) {
    use std::io::Write;
    let mut child = Command::new(crate::deployment::binary("siaghsync"))
        .args(arguments)
        .env_clear()
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Broken when it ends without reading: its answer tells.
    let _ = child.stdin.take().unwrap().write_all(fed.as_bytes());
    let output = child.wait_with_output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (output.status.code(), out, err)
}

#[test]
fn passwords_are_hashed_from_standard_input_and_never_from_an_argument() {
    let (code, out, _) = run_fed(&["hash-password"], "123456\n");
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "E10ADC3949BA59ABBE56E057F20F883E\n")
    );
    // What an editor leaves at the end of a line is no part of it; blanks are.
    let (_, windows, _) = run_fed(&["hash-password"], "123456\r\n");
    assert_eq!(windows, out);
    let (_, blank, _) = run_fed(&["hash-password"], "123456 ");
    assert_ne!(blank, out);
    let (code, out, err) = run_fed(&["hash-password"], "");
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains("no password was given"), "{err}");
}

#[test]
fn case_28_a_password_that_is_typed_as_an_argument_is_refused_and_not_repeated() {
    for typed in [
        &["s3cret-word"][..],
        &["--password", "s3cret-word"],
        &["--password=s3cret-word"],
        &["-p", "s3cret-word"],
        &["two", "s3cret-word"],
        &["--", "-s3cret-word"],
    ] {
        let arguments = [&["hash-password"], typed].concat();
        // Nor is it taken beside a good one.
        let (code, out, err) = run_fed(&arguments, "123456\n");
        assert_eq!((code, out.as_str()), (Some(2), ""), "{typed:?}: {err}");
        assert!(
            err.contains("passwords are read from the terminal or standard input"),
            "{typed:?}: {err}"
        );
        assert!(!err.contains("s3cret"), "{err}");
    }
    let (code, out, _) = run_fed(&["hash-password", "--help"], "");
    assert_eq!(code, Some(0));
    assert!(
        out.contains("siaghsync hash-password < password.txt") && !out.contains("TYPED"),
        "{out}"
    );
}

#[test]
fn shells_complete_our_commands() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (code, out, err) = run_fed(&["completions", shell], "");
        assert_eq!(code, Some(0), "{err}");
        assert!(
            out.contains("resolve") && out.contains("hash-password"),
            "{shell}"
        );
    }
    // A shell that reads it knows at once.
    let (_, script, _) = run_fed(&["completions", "bash"], "");
    let check = format!("{script}\ncomplete -p siaghsync");
    let status = Command::new("bash").args(["-c", &check]).output().unwrap();
    assert!(
        status.status.success(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
}

#[test]
fn help_tells_examples_and_exit_codes() {
    let (_, all) = run("siaghsync", &["--help"], &[]);
    assert!(
        all.contains("Exit codes: 0 done, 1 failed") && all.contains("3 drift"),
        "{all}"
    );
    let mut told = 0;
    for command in subcommands(&all).iter().filter(|name| *name != "help") {
        let whole = help(&[command]);
        let below = subcommands(&whole);
        let below = below.iter().filter(|name| *name != "help");
        let below: Vec<String> = below.map(|name| help(&[command, name])).collect();
        for text in below.iter().chain([&whole]) {
            let examples = text.split_once("Examples:\n").map_or("", |(_, rest)| rest);
            assert!(examples.contains(&format!("siaghsync {command}")), "{text}");
            assert!(text.contains("Exit codes: 0 "), "{text}");
            assert!(!text.contains('\u{1b}'), "no colours where no terminal is");
            told += 1;
        }
    }
    assert!(told > 20, "{told} commands");
}
