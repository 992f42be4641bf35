//! What the outside systems do to every caller: a bit of latency always, and every kind of fault in a tenth of the calls.

use simulator::{FaultKind, FaultRule, Simulator, System, faults::FaultStatus};

/// Every call takes so long: no outside system answers at once, and a kill must find something under way.
const LATENCY_MS: u64 = 40;

/// Each kind with its share of all calls in thousandths, and its milliseconds. Together a tenth.
const FAULTS: [(FaultKind, u32, u64); 18] = [
    (FaultKind::CommitThenHang, 4, 2_600),
    (FaultKind::CommitThenDrop, 11, 0),
    (FaultKind::Hang, 4, 2_600),
    (FaultKind::Drop, 8, 0),
    (FaultKind::LateCommit, 7, 1_500),
    (FaultKind::Error500Before, 6, 0),
    (FaultKind::Error500After, 7, 0),
    (FaultKind::Unavailable, 6, 0),
    (FaultKind::TooManyRequests, 6, 0),
    (FaultKind::TruncatedJson, 6, 0),
    (FaultKind::TruncatedBody, 6, 0),
    (FaultKind::HtmlError, 6, 0),
    (FaultKind::HtmlErrorAfter, 5, 0),
    (FaultKind::Html200, 5, 0),
    (FaultKind::EmptyAnswer, 5, 0),
    (FaultKind::Slow, 5, 900),
    (FaultKind::SessionExpired, 2, 0),
    (FaultKind::Outage, 1, 700),
];

/// Beside them, of the requests that issue documents: what became of most of these, nobody knows.
const OF_DOCUMENTS: [(FaultKind, f64, u64); 4] = [
    (FaultKind::CommitThenDrop, 0.10, 0),
    (FaultKind::LateCommit, 0.06, 1_500),
    (FaultKind::Drop, 0.08, 0),
    (FaultKind::Unavailable, 0.06, 0),
];

pub fn storm(sim: &Simulator, seed: u64) {
    let mut rules: Vec<_> = OF_DOCUMENTS
        .iter()
        .map(|(kind, probability, ms)| FaultRule {
            system: Some(System::Finance),
            endpoint: "43D81".to_owned(),
            ..rule(*kind, *probability, *ms)
        })
        .collect();
    let mut calm = 1.0;
    for (kind, thousandths, ms) in FAULTS {
        // The rules are asked in turn: each sees only what the earlier ones let pass.
        let share = f64::from(thousandths) / 1000.0;
        rules.push(rule(kind, share / calm, ms));
        calm -= share;
    }
    rules.push(rule(FaultKind::Slow, 1.0, LATENCY_MS));
    sim.faults().replace(Some(seed), rules);
}

/// No faults any more, the latency stays. What hit until then, by kind.
pub fn clear_up(sim: &Simulator) -> Vec<(String, u64)> {
    let hits = sim.faults().list();
    sim.faults().clear();
    sim.faults().add(rule(FaultKind::Slow, 1.0, LATENCY_MS));
    let of_fault = hits.iter().filter(|status| status.rule.ms != Some(LATENCY_MS));
    of_fault
        .map(|FaultStatus { rule, hits, .. }| {
            let of_documents = if rule.endpoint.is_empty() {
                ""
            } else {
                " of documents"
            };
            (format!("{}{of_documents}", rule.kind.name()), *hits)
        })
        .collect()
}

fn rule(kind: FaultKind, probability: f64, ms: u64) -> FaultRule {
    FaultRule {
        id: 0,
        system: None,
        endpoint: String::new(),
        kind,
        probability,
        times: None,
        skip: 0,
        ms: (ms > 0).then_some(ms),
        retry_after_seconds: 1,
        retry_after_as_date: false,
    }
}
