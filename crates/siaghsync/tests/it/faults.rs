//! A killed worker, an emptied Redis, a dead Redis: nothing is left undone, nothing is done twice.

use std::time::Duration;

use simulator::{FaultKind, FaultRule, System, sample};
use testkit::Engine;

use crate::deployment::Deployment;
use crate::oracle;

const QUICK: [(&str, &str); 3] = [
    ("SWEEP_INTERVAL_SECONDS", "2"),
    ("LEASE_SECONDS", "6"),
    ("HTTP_TIMEOUT_SECONDS", "3"),
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_and_an_emptied_redis_leave_nothing_undone_and_no_duplicate() {
    let d = Deployment::new(
        Engine::Postgres,
        &[&QUICK[..], &[("CREATE_SETTLE_SECONDS", "6")]].concat(),
    )
    .await;
    // Every save takes a while, so that a kill finds some under way.
    d.sim
        .faults()
        .add(FaultRule::always(System::Finance, "SaveFormData", FaultKind::Slow).ms(600));
    let _ingest = d.run("siagh-ingest", &[]);
    d.ready().await;
    d.native_webhooks();
    let mut worker = d.run("siagh-worker", &[]);
    let other = d.run("siagh-worker", &[]);
    let mut typed = Vec::new();
    for (n, customer) in sample::customers(11, 120).into_iter().enumerate() {
        typed.push((
            d.sim.crm().create(customer.kind, customer.to_crm()).unwrap(),
            customer,
        ));
        if n % 20 == 19 {
            let leases = format!("worker-{}-", worker.pid());
            let own = |owner: &String| owner.starts_with(&leases);
            d.eventually("in the middle of a run", Duration::from_secs(60), async || {
                let links = d.links().await;
                links
                    .iter()
                    .any(|link| link.lease_owner.as_ref().is_some_and(own))
            })
            .await;
            worker.kill();
            worker = d.run("siagh-worker", &[]);
        }
        if n % 40 == 30 {
            d.redis.as_ref().unwrap().command(&["FLUSHALL"]).await.unwrap();
        }
    }
    d.settled(Duration::from_secs(120)).await;
    let lapsed = d.rows().await.iter().filter(|row| row.lapses > 0).count();
    println!("{lapsed} rows were taken over from killed workers");
    assert!(lapsed > 0, "the kills hit nothing");
    oracle::finance_holds_exactly(&d.sim, &typed);
    drop((worker, other));
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_answered_and_carried_out_although_redis_is_down() {
    let mut d = Deployment::new(Engine::Postgres, &QUICK).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _worker = d.run("siagh-worker", &[]);
    d.ready().await;
    d.native_webhooks();
    d.redis.as_mut().unwrap().down();
    let customer = &sample::customers(5, 1)[0];
    let id = d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    assert!(d.sim.crm().webhooks_settled(Duration::from_secs(10)).await);
    assert_eq!(
        d.sim.crm().webhook_stats().failed,
        0,
        "202 although Redis is down"
    );
    let ready = d.http.get(d.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), 503, "readiness tells the truth");
    assert!(ready.text().await.unwrap().contains("redis"));
    d.redis.as_mut().unwrap().up().await;
    d.settled(Duration::from_secs(30)).await;
    oracle::finance_holds_exactly(&d.sim, &[(id, customer.clone())]);
    d.db.drop_it().await;
}
