//! Several ingest processes: they poll once between them, and when one dies another goes on.

use std::path::Path;
use std::time::Duration;

use domain::polls::{FINANCE_CONTACTS, PollStore};
use domain::store::entities::cursor;
use sea_orm::EntityTrait;
use simulator::{FaultKind, FaultRule, System};
use testkit::Engine;

use super::{QUICK, looks};
use crate::deployment::{Deployment, Process};

async fn owner(d: &Deployment) -> Option<String> {
    let row = cursor::Entity::find_by_id(FINANCE_CONTACTS)
        .one(d.db.store.db())
        .await
        .unwrap();
    row.and_then(|row| row.lease_owner)
}

/// Two of ingest, of which one has the deployment's port.
fn two_of_ingest(d: &Deployment, folder: &Path) -> Vec<Process> {
    (0..2)
        .map(|n| {
            let mut settings = d.settings();
            settings.retain(|(name, _)| name != "PORT" || n == 0);
            if n == 1 {
                settings.push(("PORT".to_owned(), "0".to_owned()));
            }
            Process::start("siagh-ingest", &[], &settings, folder.join(format!("{n}.log")))
        })
        .collect()
}

/// At the interval of one process, not of two.
fn they_poll_once(d: &Deployment) {
    let requests = d.sim.finance().stats().requests();
    let reads: Vec<_> = requests
        .iter()
        .filter(|r| r.endpoint.ends_with("GetAll"))
        .map(|r| r.at)
        .collect();
    assert!(reads.len() > 6, "{} reads", reads.len());
    for pair in reads.windows(2) {
        let apart = (pair[1] - pair[0]).num_milliseconds();
        assert!(apart > 1_000, "{apart} ms apart, one every 2 s: both poll");
    }
}

/// Who is in the middle of a read of finance, which takes a while from now on, so that a kill hits whoever reads.
async fn reader(d: &Deployment) -> String {
    d.sim
        .faults()
        .add(FaultRule::always(System::Finance, "GetAll", FaultKind::Slow).ms(2500));
    let mut reader = String::new();
    d.eventually("reading slowly", Duration::from_secs(30), async || {
        // Asked in this order: a read that the rule has made slow is under way.
        let slow = d.sim.faults().list()[0].hits > 0;
        reader = owner(d).await.unwrap_or_default();
        slow && !reader.is_empty()
    })
    .await;
    reader
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_poll_once_and_the_survivor_takes_over_after_kill_9() {
    let d = Deployment::new(
        Engine::Postgres,
        &[&[("POLL_INTERVAL_SECONDS", "2")], &QUICK[1..]].concat(),
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut processes = two_of_ingest(&d, folder.path());
    d.ready().await;
    looks(&d, 1).await;
    looks(&d, 6).await;
    they_poll_once(&d);
    for process in &processes {
        assert!(process.log().contains("Database connected"));
    }

    let reader = reader(&d).await;
    let place = processes
        .iter()
        .position(|p| reader.starts_with(&format!("ingest-{}-", p.id())))
        .unwrap();
    let before = d.db.store.last_look(FINANCE_CONTACTS).await.unwrap().unwrap();
    processes.remove(place).kill();
    d.sim.faults().clear();
    let killed = d.db.store.clock().now();
    d.eventually("taken over", Duration::from_secs(20), async || {
        d.db.store
            .last_look(FINANCE_CONTACTS)
            .await
            .unwrap()
            .unwrap()
            .started_at
            > before.started_at
    })
    .await;
    println!(
        "taken over {} ms after kill -9 (LEASE_SECONDS=6)",
        (d.db.store.clock().now() - killed).num_milliseconds()
    );
    looks(&d, 2).await;
    drop(processes);
    d.db.drop_it().await;
}
