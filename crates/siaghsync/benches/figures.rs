//! The figures that the design sets budgets for, measured on real processes (release builds), PostgreSQL and Redis.
//! `make bench` runs it. Absolute times depend on the machine; see README for a run.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark has no public side and may fail; it shares the tests' deployment"
)]

use std::time::{Duration, Instant};

use domain::ports::Side;
use domain::store::{EntityRef, EntityType, Event, Store, Trigger};
use simulator::sample;
use testkit::Engine;
use uuid::Uuid;

#[path = "../tests/it/deployment.rs"]
mod deployment;

use deployment::{Deployment, SECRET};

#[tokio::main]
async fn main() {
    idle().await;
    load().await;
    backlog().await;
}

/// Webhook to the first outside call, and to finance's save, with nothing else going on; memory of idle services.
async fn idle() {
    let d = Deployment::new(Engine::Postgres, &[]).await;
    let (ingest, worker) = (d.run("siagh-ingest", &[]), d.run("siagh-worker", &[]));
    d.ready().await;
    let (mut first_call, mut save) = (Vec::new(), Vec::new());
    for customer in sample::customers(1, 110) {
        let id = d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
        let url = d.url(&format!(
            "/webhook/crm/identity?token={SECRET}&event=Insert&id={id}&type=Identity"
        ));
        let (reads, saves) = (
            d.sim.crm().stats().calls("/get"),
            d.sim.finance().stats().calls("SaveFormData"),
        );
        let sent = Instant::now();
        d.http.get(url).send().await.unwrap();
        while d.sim.crm().stats().calls("/get") == reads {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        first_call.push(sent.elapsed());
        while d.sim.finance().stats().calls("SaveFormData") == saves {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        save.push(sent.elapsed());
        d.settled(Duration::from_secs(10)).await;
    }
    // The first ones log in and open connections.
    show(
        "idle: webhook to the worker's first outside call",
        &mut first_call.split_off(10),
    );
    show(
        "idle: webhook to finance's save (first meeting: 4 to 7 calls before it)",
        &mut save.split_off(10),
    );
    for (name, process) in [("siagh-ingest", &ingest), ("siagh-worker", &worker)] {
        println!(
            "idle: {name} resident memory {:.1} MB",
            resident_kb(process.pid()) as f64 / 1000.0
        );
    }
    d.db.drop_it().await;
}

/// Resident memory of a process (Linux).
fn resident_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn show(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1000.0;
    println!(
        "{what}: p50 {:.1} ms, p99 {:.1} ms, n {}",
        at(0.5),
        at(0.99),
        times.len()
    );
}

/// New customers as fast as they go, by two workers.
async fn load() {
    let d = Deployment::new(Engine::Postgres, &[("RUST_LOG", "warn")]).await;
    let _processes = [
        d.run("siagh-ingest", &[]),
        d.run("siagh-worker", &[]),
        d.run("siagh-worker", &[]),
    ];
    d.ready().await;
    d.native_webhooks();
    let customers = sample::customers(2, 2000);
    let started = Instant::now();
    for customer in &customers {
        d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    }
    d.settled(Duration::from_secs(300)).await;
    let took = started.elapsed().as_secs_f64();
    println!(
        "load: {} new customers in {took:.1} s, {:.0} a second, echoes included",
        customers.len(),
        2000.0 / took
    );
    d.db.drop_it().await;
}

/// 50,000 rows that wait, of as many records.
async fn backlog() {
    let d = Deployment::new(
        Engine::Postgres,
        &[("WORKER_CONCURRENCY", "32"), ("RUST_LOG", "warn")],
    )
    .await;
    for _ in 0..100 {
        let entity = || EntityRef {
            entity_type: EntityType::Customer,
            side: Side::Crm,
            id: Uuid::new_v4().to_string(),
        };
        let event = |_| Event {
            row: Uuid::now_v7(),
            entity: entity(),
            company: None,
            trigger: Trigger::Webhook,
            event_id: None,
            payload: serde_json::Value::Null,
            traceparent: None,
            rung: false,
        };
        d.db.store
            .enqueue(&(0..500).map(event).collect::<Vec<_>>())
            .await
            .unwrap();
    }
    let started = Instant::now();
    let _workers = [d.run("siagh-worker", &[]), d.run("siagh-worker", &[])];
    d.settled(Duration::from_secs(900)).await;
    let took = started.elapsed().as_secs_f64();
    println!(
        "backlog: 50,000 rows of 50,000 records drained in {took:.0} s, {:.0} a second",
        50_000.0 / took
    );
    d.db.drop_it().await;
}
