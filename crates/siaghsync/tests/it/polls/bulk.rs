//! 20,000 contacts: what a poll cycle costs. `cargo test -p siaghsync --test it polls::bulk -- --nocapture`
//! prints the figures (with `--release`, those of a release build: build the binaries with it first).

use std::time::{Duration, Instant};

use domain::polls::{FINANCE_CONTACTS, PollStore, Verdict};
use simulator::sample;
use testkit::Engine;

use super::QUICK;
use crate::deployment::Deployment;

const CONTACTS: usize = 20_000;

/// A figure of `/proc/<pid>/status`, in MB.
fn memory(pid: u32, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kb: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kb / 1024.0
}

/// Three looks that find nothing; how long the last one took.
async fn unchanged_cycles(d: &Deployment) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..3 {
        let now = d.db.store.clock().now();
        d.eventually("a look", Duration::from_secs(60), async || {
            let look = d.db.store.last_look(FINANCE_CONTACTS).await.unwrap().unwrap();
            took = (look.completed_at - look.started_at).to_std().unwrap();
            look.started_at > now
        })
        .await;
    }
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_unchanged_contacts_cost_little_memory_and_no_write() {
    let d = Deployment::new(
        Engine::Postgres,
        &[
            &[("POLL_INTERVAL_SECONDS", "3")],
            &QUICK[1..3],
            &[("HTTP_TIMEOUT_SECONDS", "5")],
        ]
        .concat(),
    )
    .await;
    for customer in sample::customers(5, CONTACTS) {
        d.sim.finance().seed(customer.to_finance()).unwrap();
    }
    let ingest = d.run("siagh-ingest", &[]);
    d.ready().await;
    let idle = memory(ingest.id(), "VmRSS");
    let started = Instant::now();
    d.eventually("first look", Duration::from_secs(120), async || {
        d.db.store.last_look(FINANCE_CONTACTS).await.unwrap().is_some()
    })
    .await;
    let first = started.elapsed();
    let peak = memory(ingest.id(), "VmHWM");
    let held = d.db.store.held(None).await.unwrap().remove(0);
    assert_eq!(held.changes, CONTACTS as u64, "a first look goes by the guard");
    let started = Instant::now();
    assert_eq!(
        d.db.store.settle(&held, Verdict::Drop).await.unwrap(),
        CONTACTS as u64
    );
    let dropping = started.elapsed();
    let rows = d.rows().await.len();

    // The peak from here on: unchanged cycles only.
    let before = memory(ingest.id(), "VmRSS");
    std::fs::write(format!("/proc/{}/clear_refs", ingest.id()), "5").unwrap();
    let took = unchanged_cycles(&d).await;
    let cycle = memory(ingest.id(), "VmHWM");
    println!(
        "{CONTACTS} contacts: idle {idle:.1} MB; first look (all new, held) peak {peak:.1} MB, +{:.1} MB, {:.1} s; \
         dropped in {:.1} s; unchanged cycle peak {cycle:.1} MB, +{:.1} MB over idle, +{:.1} MB over the rest between \
         cycles, {:.2} s",
        peak - idle,
        first.as_secs_f64(),
        dropping.as_secs_f64(),
        cycle - idle,
        cycle - before,
        took.as_secs_f64()
    );
    assert!(
        cycle - idle < 100.0 && peak - idle < 100.0,
        "a cycle stays under 100 MB of extra memory"
    );
    assert_eq!(d.rows().await.len(), rows, "no new row");
    let saves = d.sim.finance().stats().calls("SaveFormData") + d.sim.crm().stats().calls("update");
    assert_eq!(saves, 0, "no write");
    drop(ingest);
    d.db.drop_it().await;
}
