//! The figures of the product, measured on release programs: each case on this revision and, with `BENCH_BASE_BIN`, on
//! another one, in turns, so that a change is judged by a ratio. `scripts/bench` (`make bench`) builds and runs it; what it
//! is told stands in [`options`].
//!
//! It starts all that it measures: PostgreSQL, Redis, simulator and services. No figure comes from inside the product: CPU
//! and memory are the kernel's, statements PostgreSQL's own, calls the simulator's, and only what really stands in finance
//! afterwards counts.
#![allow(
    unreachable_pub,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark has no public side, and prints what it measures"
)]

mod cases;
mod copies;
mod customers;
mod drive;
mod load;
mod machine;
mod meter;
mod options;
mod quotes;
mod report;
mod services;
mod table;

use std::process::ExitCode;

use options::{Options, Revision};
use report::{Report, Round};
use services::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    // `cargo test --benches` runs this, too, and means no such thing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::from_environment()?;
    let report = tokio::select! {
        report = all(&options) => report?,
        () = until_stopped() => {
            eprintln!("bench: stopped; what it has started is ended");
            return Ok(ExitCode::from(130));
        }
    };
    report.print();
    report.write(options.out.as_deref())?;
    Ok(if report.is_honest() {
        ExitCode::SUCCESS
    } else {
        eprintln!("bench: some cases failed, or lost, doubled or altered data: their figures don't count");
        ExitCode::FAILURE
    })
}

async fn until_stopped() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// Every round of every case; one that fails is told, and the others go on.
async fn all(options: &Options) -> anyhow::Result<Report> {
    service::crypto::install();
    let stage = Stage::set(options).await?;
    let mut report = Report::new(options, &stage).await?;
    for scenario in options.scenarios() {
        for round in 0..options.rounds_of(scenario) {
            for revision in in_turn(&options.revisions, round) {
                eprintln!(
                    "bench: {}, {}, round {}",
                    scenario.name(),
                    revision.name,
                    round + 1
                );
                let played = cases::play(scenario, &stage, revision, options).await;
                if let Err(error) = &played {
                    eprintln!(
                        "bench: {} of {} failed: {error:#}",
                        scenario.name(),
                        revision.name
                    );
                }
                report.add(Round {
                    scenario,
                    round,
                    revision: revision.name,
                    tables: played.map_err(|error| format!("{error:#}")),
                });
            }
        }
    }
    Ok(report)
}

/// A B, then B A, and so on: neither always comes first.
fn in_turn(revisions: &[Revision], round: usize) -> Vec<&Revision> {
    let mut order: Vec<_> = revisions.iter().collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}
