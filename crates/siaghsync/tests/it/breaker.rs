//! A finance system that is down, and one that may be called only so often, seen by real processes on PostgreSQL and
//! Redis: nothing fails, nothing is lost, the load is a probe's, and the ceiling holds.

use std::time::{Duration, Instant};

use domain::breaker::Open;
use domain::outside::OutsideStore;
use domain::ports::Side;
use domain::store::{Status, Store};
use sea_orm::EntityTrait;
use simulator::{System, sample};
use testkit::Engine;

use crate::deployment::{Deployment, Process};
use crate::oracle;

const QUICK: [(&str, &str); 3] = [
    ("LEASE_SECONDS", "12"),
    ("HTTP_TIMEOUT_SECONDS", "5"),
    ("CREATE_SETTLE_SECONDS", "10"),
];

async fn outage(d: &Deployment) -> Option<Open> {
    let breakers = d.db.store.breakers().await.unwrap();
    breakers
        .into_iter()
        .find(|(side, _)| *side == Side::Finance)
        .and_then(|(_, shared)| shared.open)
}

fn lines(processes: &[Process], words: &str) -> usize {
    let logs = processes.iter().map(Process::log);
    logs.map(|log| log.lines().filter(|line| line.contains(words)).count())
        .sum()
}

/// For eight seconds: what an outage costs both systems.
async fn the_load_is_a_probe(d: &Deployment) {
    d.eventually("nothing under way", Duration::from_secs(60), async || {
        d.db.store.stats().await.unwrap().in_progress == 0
    })
    .await;
    let requests = || {
        let (crm, finance) = (d.sim.crm().stats(), d.sim.finance().stats());
        (crm.snapshot().requests, finance.snapshot().requests)
    };
    let (before, began) = (requests(), Instant::now());
    tokio::time::sleep(Duration::from_secs(8)).await;
    let (after, lasted) = (requests(), began.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a few calls")]
    let load = (after.1 - before.1) as f64 / lasted;
    println!("in the outage finance was asked {load:.1} times a second");
    assert!(load > 0.05, "nobody probes");
    assert!(load < 2.0, "{load} calls a second for a system that is down");
    let crm_load = after.0 - before.0;
    assert!(
        crm_load < 40,
        "the CRM is asked in vain meanwhile: {crm_load} calls"
    );
    assert!(outage(d).await.is_some());
}

async fn no_row_has_failed(d: &Deployment) {
    for row in d.rows().await {
        assert!(
            matches!(row.status, Status::Success | Status::Skipped),
            "{:?}: {:?}",
            row.status,
            row.error_message
        );
        assert!(row.retry_count <= 1, "{} tries used up", row.retry_count);
    }
}

fn it_is_said_once(processes: &[Process]) {
    let said = lines(processes, "finance does not answer");
    assert_eq!(said, 1, "said once, by one");
    assert_eq!(lines(processes, "finance answers again"), 1);
    // At most those that were under way when it began (two workers' sixteen each), never one per row.
    let waits = lines(processes, "Sync waits");
    assert!(waits <= 32, "{waits} lines about rows that wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_fails_nothing_loads_finance_with_a_probe_and_is_over_at_once() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let processes = ["siagh-ingest", "siagh-worker", "siagh-worker"].map(|name| d.run(name, &[]));
    d.ready().await;
    d.native_webhooks();
    let all = sample::customers(23, 101);
    let mut typed = d.create_customers(all[..1].to_vec());
    d.settled(Duration::from_secs(60)).await;

    d.sim.faults().outage(System::Finance, None);
    typed.extend(d.create_customers(all[1..].to_vec()));
    d.eventually("open", Duration::from_secs(60), async || {
        outage(&d).await.is_some()
    })
    .await;
    assert!(d.sim.crm().webhooks_settled(Duration::from_secs(60)).await);
    the_load_is_a_probe(&d).await;

    d.sim.faults().lift_outage(System::Finance);
    let back = Instant::now();
    d.eventually("closed", Duration::from_secs(30), async || {
        outage(&d).await.is_none()
    })
    .await;
    let seen = back.elapsed();
    d.settled(Duration::from_secs(90)).await;
    println!(
        "noticed {seen:?} after finance was back, 100 customers in step after {:?}",
        back.elapsed()
    );
    assert!(seen < Duration::from_secs(15), "noticed only after {seen:?}");
    oracle::finance_holds_exactly(&d.sim, &typed);
    no_row_has_failed(&d).await;
    it_is_said_once(&processes);
    drop(processes);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_together_keep_a_ceiling_of_calls() {
    const CEILING: usize = 20;
    let settings = [&QUICK[..], &[("FINANCE_CALLS_PER_SECOND", "20")]].concat();
    let d = Deployment::new(Engine::Postgres, &settings).await;
    let processes = ["siagh-ingest", "siagh-worker", "siagh-worker"].map(|name| d.run(name, &[]));
    d.ready().await;
    d.native_webhooks();
    let mut typed = Vec::new();
    for customer in sample::customers(29, 30) {
        typed.push((
            d.sim.crm().create(customer.kind, customer.to_crm()).unwrap(),
            customer,
        ));
    }
    d.settled(Duration::from_secs(180)).await;
    oracle::finance_holds_exactly(&d.sim, &typed);
    for row in d.rows().await {
        assert!(
            matches!(row.status, Status::Success | Status::Skipped),
            "{:?}",
            row.error_message
        );
        assert_eq!(row.retry_count, 0, "waiting for a turn is no failure");
    }
    let at: Vec<_> = d.sim.finance().stats().requests().iter().map(|r| r.at).collect();
    let within = |from: usize, millis: i64| {
        let end = at[from] + chrono::Duration::milliseconds(millis);
        at[from..].iter().take_while(|at| **at < end).count()
    };
    let busiest = (0..at.len()).map(|from| within(from, 1000)).max().unwrap();
    let long = (0..at.len()).map(|from| within(from, 5000)).max().unwrap();
    println!(
        "{} calls; busiest second {busiest}, busiest five seconds {long}",
        at.len()
    );
    assert!(at.len() > 100, "too few to show anything");
    // A process that the machine keeps waiting sends late what was due before.
    assert!(busiest <= CEILING + CEILING / 2, "{busiest} calls in one second");
    assert!(long <= 5 * CEILING + CEILING / 2, "{long} calls in five seconds");
    assert!(
        long >= 2 * CEILING,
        "the ceiling was never near: {long} in five seconds"
    );
    let retries = domain::store::entities::retry::Entity::find()
        .all(d.db.store.db())
        .await
        .unwrap();
    assert!(retries.is_empty());
    drop(processes);
    d.db.drop_it().await;
}
