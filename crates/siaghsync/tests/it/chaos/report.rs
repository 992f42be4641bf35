//! What a run tells of itself: figures, one a line.

use std::time::Duration;

use super::blows::Blow;
use super::document_verdict::Figures;
use super::operator::Ruling;
use super::plan::Plan;
use super::run::Run;
use super::verdict::Verdict;

type Line = (&'static str, String);

/// `took`: until all was typed, until all was at rest.
pub fn print(run: &Run, plan: &Plan, verdict: &Verdict, hit: usize, took: (Duration, Duration)) {
    let lines = typed(run, plan)
        .into_iter()
        .chain(befallen(run, hit))
        .chain(judged(run, plan, verdict, took));
    for (name, figure) in lines {
        println!("{name:<34} {figure}");
    }
}

/// What was done to the systems, and asked of them.
fn typed(run: &Run, plan: &Plan) -> Vec<Line> {
    let faults: u64 = run.faults.iter().map(|(_, hits)| hits).sum();
    let by_kind: Vec<_> = run
        .faults
        .iter()
        .map(|(kind, hits)| format!("{kind} {hits}"))
        .collect();
    let share = 100.0 * faults as f64 / run.calls as f64;
    let webhooks = run.d.sim.crm().webhook_stats();
    vec![
        ("seed", plan.seed.to_string()),
        ("changes typed", run.users.changes.to_string()),
        ("customers", run.users.people.len().to_string()),
        ("outside calls", run.calls.to_string()),
        (
            "faults",
            format!("{faults} ({share:.1} %): {}", by_kind.join(", ")),
        ),
        (
            "webhooks",
            format!(
                "{} sent, {} never sent, {} not taken",
                webhooks.sent, webhooks.dropped, webhooks.failed
            ),
        ),
    ]
}

/// What befell the processes, the database and Redis.
fn befallen(run: &Run, hit: usize) -> Vec<Line> {
    let (killer, blows) = (&run.killer, &run.blows);
    vec![
        (
            "kill -9 of workers",
            format!(
                "{}, {hit} of them between a first read and its commit (cut {} runs)",
                killer.kills,
                killer.cuts.len()
            ),
        ),
        ("kill -9 of ingest", blows.times(Blow::KillIngest).to_string()),
        (
            "SIGSTOP past the lease",
            format!("{}, {} lost a lease by it", killer.stops, killer.fenced),
        ),
        (
            "FLUSHALL, Redis restarts",
            format!(
                "{} ({} found rings), {}",
                blows.times(Blow::Flush),
                blows.emptied,
                blows.times(Blow::RedisRestart)
            ),
        ),
        (
            "database connections cut",
            blows.times(Blow::DatabaseConnections).to_string(),
        ),
    ]
}

/// How it ended.
fn judged(run: &Run, plan: &Plan, verdict: &Verdict, took: (Duration, Duration)) -> Vec<Line> {
    vec![
        (
            "typed in, at rest after",
            format!("{:.0} s, {:.0} s", took.0.as_secs_f64(), took.1.as_secs_f64()),
        ),
        (
            "retries, failed and tried again",
            format!("{}, {}", plan.retries, run.retried),
        ),
        ("saves by the product", run.saves().to_string()),
        (
            "losers recorded, not as such, ties",
            format!("{}, {}, {}", verdict.recorded, verdict.unsaid, verdict.ties),
        ),
        (
            "exempt: in a save's window, filled",
            format!("{}, {}", verdict.exempt, verdict.filled),
        ),
        ("saves from an older look", verdict.from_an_older_look.to_string()),
        (
            "lost, duplicated, stuck, invented",
            format!(
                "{}, {}, {}, {}",
                verdict.lost.len(),
                verdict.duplicated.len(),
                verdict.stuck.len(),
                verdict.invented.len()
            ),
        ),
    ]
}

/// Of the documents.
pub fn print_documents(run: &Run, figures: &Figures) {
    let (documents, operator) = (&run.documents, &run.operator);
    let figures = [
        (
            "documents typed, edits, idle edits",
            vec![documents.all.len(), documents.changes, documents.idle_edits],
        ),
        (
            "issued, order issued otherwise, gone",
            vec![figures.issued, figures.skipped, figures.gone],
        ),
        (
            "unknown: it exists, sent again",
            vec![operator.times(Ruling::Exists), operator.times(Ruling::SendAgain)],
        ),
        ("changes accepted", vec![operator.times(Ruling::Accept)]),
        (
            "customers linked, fields kept by hand",
            vec![operator.times(Ruling::Link), operator.times(Ruling::Keep)],
        ),
        (
            "rulings not carried out at once, refused",
            vec![operator.later, operator.refused.len()],
        ),
        (
            "said otherwise than issued, exempt",
            vec![figures.changed, figures.exempt],
        ),
        ("documents doubled", vec![figures.doubled]),
    ];
    for (name, figures) in figures {
        let figures: Vec<_> = figures.iter().map(ToString::to_string).collect();
        println!("{name:<40} {}", figures.join(", "));
    }
    for refused in &operator.refused {
        println!("refused: {refused}");
    }
}
