//! Several ingest processes: they poll once between them, and when one dies another goes on.

use std::time::Duration;

use domain::store::entities::cursor;
use domain::polls::{FINANCE_CONTACTS, PollStore};
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

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_poll_once_and_the_survivor_takes_over_after_kill_9() {
    let d = Deployment::new(
        Engine::Postgres,
        &[&[("POLL_INTERVAL_SECONDS", "2")], &QUICK[1..]].concat(),
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut processes: Vec<Process> = (0..2)
        .map(|n| {
            let mut settings = d.settings();
            settings.retain(|(name, _)| name != "PORT" || n == 0);
            if n == 1 {
                settings.push(("PORT".to_owned(), "0".to_owned()));
            }
            Process::start(
                "siagh-ingest",
                &[],
                &settings,
                folder.path().join(format!("{n}.log")),
            )
        })
        .collect();
    d.ready().await;
    looks(&d, 1).await;
    let calls = d.sim.finance().stats().calls("GetAll");
    tokio::time::sleep(Duration::from_secs(12)).await;
    let calls = d.sim.finance().stats().calls("GetAll") - calls;
    assert!((4..=7).contains(&calls), "{calls} polls in 12 s, one every 2 s");
    for process in &processes {
        assert!(process.log().contains("Database connected"));
    }

    // A read that takes a while, so that the kill hits the one who reads.
    d.sim
        .faults()
        .add(FaultRule::always(System::Finance, "GetAll", FaultKind::Slow).ms(2500));
    d.eventually("reading", Duration::from_secs(10), async || {
        owner(&d).await.is_some()
    })
    .await;
    let reader = owner(&d).await.unwrap();
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
