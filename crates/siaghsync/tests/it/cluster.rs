//! Real processes on a Redis Cluster of which nodes die: what the sweeper and the doorbell promise holds there too.

use std::time::Duration;

use serde_json::Value;
use simulator::sample;
use testkit::Engine;
use testkit::cluster::Cluster;

use crate::deployment::Deployment;
use crate::oracle;

const LONG: Duration = Duration::from_secs(120);

async fn on(cluster: &Cluster) -> Deployment {
    let url = cluster.url();
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("SWEEP_INTERVAL_SECONDS", "2"),
        ("LEASE_SECONDS", "6"),
        ("HTTP_TIMEOUT_SECONDS", "3"),
        ("CREATE_SETTLE_SECONDS", "6"),
    ];
    Deployment::new(Engine::Postgres, &settings).await
}

async fn readiness(d: &Deployment) -> (u16, Value) {
    let answer = d.http.get(d.url("/health/ready")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_that_has_the_queue_is_killed_and_a_replica_takes_over() {
    let mut cluster = Cluster::start(true, true).await;
    let d = on(&cluster).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let workers = [d.run("siagh-worker", &[]), d.run("siagh-worker", &[])];
    d.ready().await;
    d.native_webhooks();
    let mut typed = Vec::new();
    let mut killed = None;
    for (n, customer) in sample::customers(31, 60).into_iter().enumerate() {
        typed.push((
            d.sim.crm().create(customer.kind, customer.to_crm()).unwrap(),
            customer,
        ));
        if n == 30 {
            let owner = cluster.owner("{core:apalis:queues:list}").await;
            cluster.nodes[owner].down();
            killed = Some(owner);
        }
    }
    d.settled(LONG).await;
    assert_eq!(
        d.sim.crm().webhook_stats().failed,
        0,
        "every webhook was answered 202"
    );
    oracle::finance_holds_exactly(&d.sim, &typed);
    d.ready().await;
    cluster.nodes[killed.unwrap()].up().await;
    cluster.whole().await;

    // All by the queue again: nothing is due for the sweeper when it arrives within its interval.
    for customer in sample::customers(32, 20) {
        typed.push((
            d.sim.crm().create(customer.kind, customer.to_crm()).unwrap(),
            customer,
        ));
    }
    d.settled(LONG).await;
    oracle::finance_holds_exactly(&d.sim, &typed);
    for worker in workers {
        assert!(worker.log().contains("✅ Synced, row"), "both had their share");
        assert_eq!(worker.stop(Duration::from_secs(30)), Some(0));
    }
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_down_costs_no_webhook_and_readiness_says_so() {
    let mut cluster = Cluster::start(false, true).await;
    let d = on(&cluster).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _worker = d.run("siagh-worker", &[]);
    d.ready().await;
    d.native_webhooks();
    // Three masters without replicas that insist on all slots: any node's death stops the queue.
    let other = (cluster.owner("{core:apalis:queues:list}").await + 1) % 3;
    cluster.nodes[other].down();
    cluster.broken().await;
    let typed: Vec<_> = sample::customers(33, 20)
        .into_iter()
        .map(|customer| {
            (
                d.sim.crm().create(customer.kind, customer.to_crm()).unwrap(),
                customer,
            )
        })
        .collect();
    assert!(d.sim.crm().webhooks_settled(LONG).await);
    assert_eq!(d.sim.crm().webhook_stats().failed, 0, "202 all the same");
    let (code, body) = readiness(&d).await;
    assert_eq!(
        (code, &body["parts"]["redis"]["status"]),
        (503, &"down".into()),
        "{body}"
    );
    assert_eq!(body["parts"]["database"]["status"], "up");
    cluster.nodes[other].up().await;
    cluster.whole().await;
    d.settled(LONG).await;
    d.ready().await;
    oracle::finance_holds_exactly(&d.sim, &typed);
    d.db.drop_it().await;
}
