//! Real processes, real PostgreSQL and Redis, faults in a tenth of all outside calls, and someone who kills, stops and
//! flushes: nothing that was typed may be lost, doubled, invented or left lying.

mod blows;
mod document_files;
mod document_verdict;
mod documents;
mod evidence;
mod field;
mod killer;
mod operator;
mod plan;
mod report;
mod run;
mod story;
mod users;
mod verdict;
mod weather;
mod windows;

use std::time::{Duration, Instant};

use simulator::SimulatorConfig;
use testkit::{Engine, TestDb};

use crate::deployment::Deployment;
use documents::QUOTE_TYPES;
use plan::{ENOUGH, Plan, SETTINGS};
use run::Run;
use verdict::{Verdict, judge};

/// `make chaos-short SEED=1`; `RETRIES=3` as the product ships.
#[tokio::test(flavor = "multi_thread")]
async fn short() {
    chaos(Plan {
        changes: 160,
        per_second: 8.0,
        seed: number("SEED", 1),
        kills_that_hit: 5,
        fenced: 0,
        retries: number("RETRIES", ENOUGH),
        patience: Duration::from_secs(180),
    })
    .await;
}

/// `make chaos CHANGES=2000 SEED=1`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make chaos"]
async fn long() {
    chaos(Plan {
        changes: usize::try_from(number("CHANGES", 2000)).unwrap(),
        per_second: 10.0,
        seed: number("SEED", 1),
        kills_that_hit: 50,
        fenced: 1,
        retries: number("RETRIES", ENOUGH),
        patience: Duration::from_secs(600),
    })
    .await;
}

/// What the environment says, if anything.
fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok().filter(|text| !text.is_empty());
    given.map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number"))
    })
}

async fn chaos(plan: Plan) {
    let mut config = SimulatorConfig {
        keep_requests: 500_000,
        keep_body_bytes: 8 * 1024,
        ..SimulatorConfig::default()
    };
    config.crm.quote_types = QUOTE_TYPES.map(str::to_owned).to_vec();
    config.finance.fiscal_year = documents::FISCAL_YEAR;
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let retries = plan.retries.to_string();
    let settings = [&SETTINGS[..], &[("MAX_RETRY_ATTEMPTS", &retries)]].concat();
    let d = Deployment::around(config, Engine::Postgres, db, &settings).await;
    let mut run = Run::begin(d, &plan).await;
    let started = Instant::now();
    run.storm(&plan).await;
    let typed_in = started.elapsed();
    run.calm(&plan).await;
    let settled_in = started.elapsed();
    let mut verdict = judge(&run.d, &run.users).await;
    let figures = document_verdict::judge(&run.d, &run.users, &run.documents, &mut verdict).await;
    let hit = run.killer.counted(&run.d).await;
    verdict.print();
    report::print(&run, &plan, &verdict, hit, (typed_in, settled_in));
    report::print_documents(&run, &figures);
    assert!(verdict.is_fine(), "seed {}", plan.seed);
    assert!(
        run.killer.deserters.is_empty(),
        "ended by themselves: {:#?}",
        run.killer.deserters
    );
    let typed = plan.changes + run.documents.all.len();
    assert!(
        run.saves() < 4 * typed as u64,
        "{} saves for {typed} changes",
        run.saves()
    );
    assert!(
        hit >= plan.kills_that_hit,
        "void: only {hit} of {} kills fell between a first read and its commit",
        run.killer.kills
    );
    assert!(run.blows.all_struck(), "void: only {:?}", run.blows.struck());
    assert!(run.blows.emptied > 0, "void: no flush found a ring in the queue");
    let fenced = run.killer.fenced;
    assert!(fenced >= plan.fenced, "void: {fenced} lost a lease while stopped");
    judge_the_judge(run).await;
}

/// A few may have their excuse: whoever changes a document may happen to type what was told of before.
fn are_nearly_all(seen: usize, of: usize) -> bool {
    10 * seen >= 9 * of && of > 0
}

/// What befalls the systems when all is over and nothing runs any more must be seen as lost.
async fn judge_the_judge(run: Run) {
    let Run {
        d,
        users,
        mut documents,
        killer,
        ingest,
        ..
    } = run;
    drop((killer, ingest));
    let taken_back = verdict::take_back(&d.sim, &users);
    let lost = judge(&d, &users).await.lost.len();
    println!("{:<34} {lost} of {taken_back}", "last words taken back, seen");
    assert!(
        are_nearly_all(lost, taken_back),
        "the judge sees {lost} of {taken_back} lost edits"
    );
    documents.change_all(&d.sim, &users);
    let mut verdict = Verdict::default();
    let changed = document_verdict::judge(&d, &users, &documents, &mut verdict)
        .await
        .changed;
    let untold = verdict
        .lost
        .iter()
        .filter(|lost| lost.starts_with("nobody was told"));
    let untold = untold.count();
    println!(
        "{:<34} {untold} of {changed}",
        "untold changes of documents, seen"
    );
    assert!(
        are_nearly_all(untold, changed),
        "the judge sees {untold} of {changed} untold changes"
    );
    d.db.drop_it().await;
}
