//! Answers of finance that are lost: nothing is sent twice, and one command settles each.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use domain::store::Status;
use simulator::{FaultKind, FaultRule, Kind, System, sample};
use testkit::Engine;

use super::{Typed, finance_holds, of_documents, quote};
use crate::deployment::Deployment;

/// 24 quotes, every second of which loses its answer: all that were typed, and the ids of those.
async fn with_lost_answers(d: &Deployment, customer: &str) -> (BTreeMap<String, Typed>, Vec<String>) {
    let (mut typed, mut lost) = (BTreeMap::new(), Vec::new());
    let kinds = [
        FaultKind::CommitThenDrop,
        FaultKind::TruncatedJson,
        FaultKind::Error500After,
        FaultKind::Drop,
    ];
    for n in 0..24 {
        if n % 2 == 1 {
            let kind = kinds[n / 2 % kinds.len()];
            d.sim
                .faults()
                .add(FaultRule::next(System::Finance, "SaveFormData", kind, 1));
        }
        let (quote, object) = quote(n, customer);
        let id = d.sim.crm().create(Kind::Quote, object).unwrap();
        d.settled(Duration::from_secs(60)).await;
        if n % 2 == 1 {
            lost.push(id.clone());
        }
        typed.insert(id, quote);
    }
    (typed, lost)
}

/// Once.
async fn each_waits_for_a_human(d: &Deployment, lost: &[String]) {
    let waiting = of_documents(d.rows().await)
        .into_iter()
        .filter(|row| row.status == Status::Conflict);
    let waiting: Vec<_> = waiting.collect();
    assert_eq!(waiting.len(), lost.len(), "each waits for a human, once");
    assert!(
        waiting
            .iter()
            .all(|row| row.error_class.as_deref() == Some("unknown_outcome"))
    );
}

/// Looks into finance, and says what is there; not before `CREATE_SETTLE_SECONDS` have passed.
async fn the_operator_rules(d: &Deployment, typed: &BTreeMap<String, Typed>, lost: &[String]) {
    let settled = d.db.store.clock().now() + TimeDelta::seconds(4);
    d.eventually("past its settling time", Duration::from_secs(30), async || {
        d.db.store.clock().now() > settled
    })
    .await;
    for id in lost {
        let row = of_documents(d.rows().await)
            .into_iter()
            .find(|row| row.source_entity_id == *id && row.status == Status::Conflict)
            .unwrap();
        let described = typed[id].description.replace('|', "/");
        let there = d
            .sim
            .finance()
            .documents()
            .into_iter()
            .find(|held| held.header["tozihat"] == described);
        let row = row.id.to_string();
        let (code, said) = match there {
            Some(held) => d.siaghsync(&["resolve", &row, "--exists", &held.number.to_string()]),
            None => d.siaghsync(&["resolve", &row, "--send-again"]),
        };
        assert_eq!(code, Some(0), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_every_second_lost_answer_none_is_sent_twice_and_one_command_settles_each() {
    let d = Deployment::new(
        Engine::Postgres,
        &[
            ("HTTP_TIMEOUT_SECONDS", "2"),
            ("CREATE_SETTLE_SECONDS", "4"),
            ("LEASE_SECONDS", "10"),
        ],
    )
    .await;
    d.sim.finance().configure(|finance| finance.fiscal_year = 1404);
    let _ingest = d.run("siagh-ingest", &[]);
    let _workers = [(); 2].map(|()| d.run("siagh-worker", &[]));
    d.ready().await;
    d.native_webhooks();
    d.document_webhooks();
    let customer = &sample::customers(18, 1)[0];
    let customer = d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    d.settled(Duration::from_secs(60)).await;
    let (typed, lost) = with_lost_answers(&d, &customer).await;
    for _ in 0..2 {
        // However often it is heard of again: it waits.
        for id in typed.keys() {
            d.sim.crm().announce(id).unwrap();
        }
        d.settled(Duration::from_secs(60)).await;
        each_waits_for_a_human(&d, &lost).await;
    }
    // Finance took all but those whose connection broke before it did anything.
    assert_eq!(d.sim.finance().documents().len(), 24 - 3);
    the_operator_rules(&d, &typed, &lost).await;
    d.settled(Duration::from_secs(60)).await;
    finance_holds(&d, &typed);
    let rows = of_documents(d.rows().await);
    assert!(
        rows.iter()
            .all(|row| matches!(row.status, Status::Success | Status::Skipped))
    );
    d.db.drop_it().await;
}
