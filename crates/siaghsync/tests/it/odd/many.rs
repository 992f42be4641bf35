//! Thousands of contacts and identities of which one in a hundred is odd: imported, served, edited on both sides. Every good one
//! is in step in the end, every odd one is named with its reason, and nothing that somebody typed is written over by another's.

mod edits;
mod field;
mod judge;
mod odd;
mod owners;
mod people;
mod report;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use domain::polls::{CRM_ORGANIZATION, CRM_PERSON, FINANCE_CONTACTS, PollStore};
use serde_json::Value;
use simulator::SimulatorConfig;
use simulator::config::CodePage;
use testkit::{Engine, TestDb};

use self::judge::{Seen, judge};
use self::people::{BREAK, Customer, HALF, Size};
use crate::deployment::Deployment;
use crate::polls::{QUICK, looks};

struct Plan {
    size: Size,
    edits: usize,
    settings: Vec<(&'static str, &'static str)>,
    patience: Duration,
}

/// A small form of it, part of `make test`.
#[tokio::test(flavor = "multi_thread")]
async fn many() {
    let size = Size {
        contacts: 400,
        identities: 100,
        odd_in_finance: 1,
        odd_in_crm: 1,
    };
    run(Plan {
        size,
        edits: 24,
        settings: QUICK.to_vec(),
        patience: Duration::from_secs(120),
    })
    .await;
}

/// `make odd`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make odd"]
async fn long() {
    let size = Size {
        contacts: 20_000,
        identities: 5_000,
        odd_in_finance: 8,
        odd_in_crm: 4,
    };
    run(Plan {
        size,
        edits: 600,
        settings: vec![("POLL_INTERVAL_SECONDS", "10"), ("SWEEP_INTERVAL_SECONDS", "2")],
        patience: Duration::from_secs(1800),
    })
    .await;
}

async fn run(plan: Plan) {
    let settings = [&plan.settings[..], &[("MAX_RETRY_ATTEMPTS", "3")]].concat();
    let d = Deployment::around(
        odd_systems(),
        Engine::Postgres,
        TestDb::new(Engine::Postgres).await.unwrap(),
        &settings,
    )
    .await;
    let mut all = people::enter(&d.sim, plan.size, 7);
    tell(&all);
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.csv");
    let import = imported(&d, &report, plan.size);

    let services = [d.run("siagh-ingest", &[]), d.run("siagh-worker", &[])];
    d.ready().await;
    let started = Instant::now();
    first_looks(&d, &plan).await;
    println!(
        "{:<34} {:.1} s",
        "first looks, released and settled",
        started.elapsed().as_secs_f64()
    );
    d.native_webhooks();
    let started = Instant::now();
    edits::edit(&d.sim, &mut all, plan.edits, 11);
    looks(&d, 2).await;
    d.settled(plan.patience).await;
    println!(
        "{:<34} {:.1} s",
        "edits on both sides, settled",
        started.elapsed().as_secs_f64()
    );

    let (exit, check) = d.siaghsync(&["check"]);
    assert_eq!(exit, Some(0), "{check}");
    let seen = Seen {
        sim: &d.sim,
        rows: d.rows().await,
        report: report::read(&report),
        import,
        check,
    };
    let verdict = judge(&all, &seen);
    verdict
        .wrong
        .iter()
        .take(40)
        .for_each(|line| println!("wrong: {line}"));
    assert!(
        verdict.wrong.is_empty(),
        "{} are not as they should be",
        verdict.wrong.len()
    );
    drop(services);
    judge_the_judge(&d, &all, &seen);
    d.db.drop_it().await;
}

/// What befalls the records when all is over must be seen.
fn judge_the_judge(d: &Deployment, all: &[Customer], seen: &Seen<'_>) {
    let tampered = edits::tamper(&d.sim, all);
    let verdict = judge(all, seen);
    let missed: Vec<_> = tampered.difference(&verdict.customers).collect();
    assert!(
        missed.is_empty(),
        "of {} the judge has not seen {missed:?}",
        tampered.len()
    );
    println!(
        "{:<34} {} of {}",
        "tampered with afterwards, seen",
        tampered.len(),
        tampered.len()
    );
}

/// Both systems with the oddities that an installation has, and not a record of it.
fn odd_systems() -> SimulatorConfig {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let texts = BTreeMap::from([
        (HALF.to_owned(), "\\ud83d".to_owned()),
        (format!("\"{BREAK}\""), deep),
    ]);
    let mut config = SimulatorConfig::default();
    config.crm.raw_texts = texts.clone();
    config.crm.capital_ids_in = ["find", "search"].map(str::to_owned).to_vec();
    config.finance.raw_texts = texts;
    config.finance.refuses_markup_with = 500;
    config.finance.lossy.code_page = CodePage::Marks;
    config
}

/// Says whom the systems hold.
fn tell(all: &[Customer]) {
    let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
    all.iter()
        .for_each(|customer| *kinds.entry(customer.odd).or_default() += 1);
    let odd = kinds
        .iter()
        .filter_map(|(odd, count)| Some(format!("{:?} {count}", (*odd)?)));
    println!("{:<34} {}", "good customers", kinds[&None]);
    println!("{:<34} {}", "odd ones", odd.collect::<Vec<_>>().join(", "));
}

/// Imports all that is in no doubt; what it said.
fn imported(d: &Deployment, report: &Path, size: Size) -> String {
    let started = Instant::now();
    let file = report.to_str().unwrap();
    let (exit, said) = d.siaghsync(&["import", "--yes", "--rate", "5000", "--json", "--report", file]);
    // Whoever may be a record that can't be read is left, and named.
    let outcome: Value = serde_json::from_str(said.lines().nth(1).unwrap_or_default()).unwrap();
    let left = outcome["failed"].as_array().unwrap();
    let is_named = |one: &Value| one["why"].as_str().unwrap().contains("can't be read");
    assert!(left.iter().all(is_named), "{said}");
    assert_eq!(outcome["left"], left.len(), "{said}");
    assert_eq!(exit, Some(i32::from(!left.is_empty())), "{said}");
    let took = started.elapsed().as_secs_f64();
    println!(
        "{:<34} {took:.1} s, {:.0} contacts a second",
        "import",
        size.contacts as f64 / took
    );
    said
}

/// What stands in one system only is found by the first looks. What the guard holds of that an operator looks at, and lets go on.
async fn first_looks(d: &Deployment, plan: &Plan) {
    for poll in [CRM_PERSON, CRM_ORGANIZATION, FINANCE_CONTACTS] {
        d.eventually(poll, plan.patience, async || {
            d.db.store.last_look(poll).await.unwrap().is_some()
        })
        .await;
    }
    if !d.db.store.held(None).await.unwrap().is_empty() {
        let (exit, said) = d.siaghsync(&["resume"]);
        assert_eq!(exit, Some(0), "{said}");
        println!("{}", said.trim());
    }
    d.settled(plan.patience).await;
    looks(d, 2).await;
    d.settled(plan.patience).await;
}
