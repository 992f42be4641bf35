//! The doorbell in a Redis Cluster whose nodes die: the listener and the ringer are left running throughout.

use std::time::{Duration, Instant};

use domain::ports::{BellError, Doorbell as _};
use service::doorbell::{RedisDoorbell, RedisOptions};
use service::http::Check as _;
use testkit::{cluster::Cluster, redis::Server};

use crate::bell::{Notebook, Queue, eventually, ring, rings};

const LONG: Duration = Duration::from_secs(60);

fn queue(cluster: &Cluster) -> Queue {
    Queue::at(cluster.url(), 2000)
}

/// Rings, as the sweeper would: again until it is heard.
async fn handled(bell: &RedisDoorbell, notebook: &Notebook) -> Duration {
    let start = Instant::now();
    let one = [ring()];
    let handled = eventually(LONG, || async {
        let _ = bell.ring(&one).await;
        eventually(Duration::from_secs(2), || async { notebook.has(&one) }).await
    });
    assert!(
        handled.await,
        "nothing is heard any more: {:?}",
        bell.depths().await
    );
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_three_goes_on_without_a_node_that_has_not_the_queue() {
    let mut cluster = Cluster::start(false, false).await;
    let queue = queue(&cluster);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let listener = queue.note(4, &notebook);
    handled(&bell, &notebook).await;

    // Announcements arrive: far sooner than the look once a second.
    let mut latencies = Vec::new();
    for _ in 0..20 {
        let one = [ring()];
        let start = Instant::now();
        bell.ring(&one).await.unwrap();
        notebook.wait_for(&one, LONG).await;
        latencies.push(start.elapsed());
    }
    latencies.sort();
    println!("in a cluster: ring to handler p50 {:?}", latencies[10]);
    assert!(latencies[10] < Duration::from_millis(400), "{latencies:?}");
    let all = rings(500);
    bell.ring(&all).await.unwrap();
    notebook.wait_for(&all, LONG).await;

    let owner = cluster.owner(&queue.key("active")).await;
    let other = (owner + 1) % 3;
    cluster.nodes[other].down();
    println!(
        "another node killed: heard in {:?}",
        handled(&bell, &notebook).await
    );
    // Processes that start now find the queue too.
    let fresh = queue.bell();
    println!("a new ringer: heard in {:?}", handled(&fresh, &notebook).await);
    assert_eq!(bell.check().await, Ok(()));

    // The node that has the queue: like a dead Redis, until it is back.
    cluster.nodes[owner].down();
    let gone = eventually(LONG, || async {
        matches!(bell.ring(&[ring()]).await, Err(BellError::Unreachable(_)))
    });
    assert!(gone.await, "a dead node still takes rings");
    assert!(bell.check().await.is_err(), "readiness tells the truth");
    cluster.nodes[owner].up().await;
    println!("it came back: heard in {:?}", handled(&bell, &notebook).await);
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_insists_on_all_its_slots_is_down_until_the_node_is_back() {
    let mut cluster = Cluster::start(false, true).await;
    let queue = queue(&cluster);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let listener = queue.note(4, &notebook);
    handled(&bell, &notebook).await;
    let other = (cluster.owner(&queue.key("active")).await + 1) % 3;
    cluster.nodes[other].down();
    cluster.broken().await;
    let down = eventually(LONG, || async {
        bell.check()
            .await
            .is_err_and(|error| error.contains("ClusterDown"))
    });
    assert!(down.await, "{:?}", bell.check().await);
    assert!(bell.ring(&[ring()]).await.is_err());
    cluster.nodes[other].up().await;
    cluster.whole().await;
    println!("whole again: heard in {:?}", handled(&bell, &notebook).await);
    assert_eq!(bell.check().await, Ok(()));
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_the_queue_over() {
    let mut cluster = Cluster::start(true, true).await;
    let queue = queue(&cluster);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let listener = queue.note(4, &notebook);
    handled(&bell, &notebook).await;
    let key = queue.key("active");
    let first = cluster.owner(&key).await;
    cluster.nodes[first].down();
    println!(
        "its master killed: heard in {:?}",
        handled(&bell, &notebook).await
    );
    let second = cluster.owner(&key).await;
    assert_ne!(first, second);
    assert_eq!(bell.check().await, Ok(()));

    // Back as a replica, which takes over in its turn from a master that only hangs.
    cluster.nodes[first].up().await;
    cluster.whole().await;
    cluster.nodes[second].signal("STOP");
    println!("its master hangs: heard in {:?}", handled(&bell, &notebook).await);
    cluster.nodes[second].signal("CONT");
    println!(
        "and goes on as a replica: heard in {:?}",
        handled(&bell, &notebook).await
    );
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_of_a_cluster_is_enough_and_two_strangers_are_none() {
    let cluster = Cluster::start(false, false).await;
    let owner = cluster.owner(&queue(&cluster).key("active")).await;
    for node in &cluster.nodes {
        let queue = Queue::at(node.url(), 2000);
        let (bell, notebook) = (queue.bell(), Notebook::default());
        let listener = queue.note(1, &notebook);
        handled(&bell, &notebook).await;
        listener.stop().await;
    }
    // All of it is where it belongs.
    assert_eq!(owner, cluster.owner(&queue(&cluster).key("active")).await);

    let (one, other) = (Server::start().await, Server::start().await);
    let strangers = format!("{},{}", one.url(), other.url());
    let bell = RedisDoorbell::connect(&strangers, &RedisOptions::default()).unwrap();
    let error = bell.ring(&[ring()]).await.unwrap_err().to_string();
    assert!(error.contains("several addresses"), "{error}");
}
