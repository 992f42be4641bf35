//! A Redis Cluster of a test's own on loopback, whose nodes may be killed and started again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test support may fail")]

use std::time::{Duration, Instant};

use redis::{Value, from_redis_value_ref};

use crate::redis::Server;

const SLOTS: u16 = 16_384;

/// Three masters, with or without a replica each; ended when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes: the first three are the masters of the beginning.
    pub nodes: Vec<Server>,
}

impl Cluster {
    /// Started and whole. `replicas`: each of the three masters has one. `full_coverage`: the cluster stops
    /// serving when any slot is without a master (Redis's own default).
    pub async fn start(replicas: bool, full_coverage: bool) -> Self {
        let coverage = if full_coverage { "yes" } else { "no" };
        let mut nodes = Vec::new();
        for _ in 0..if replicas { 6 } else { 3 } {
            let mut node = Server::stopped();
            node.in_a_cluster(&["--cluster-require-full-coverage", coverage]);
            node.up().await;
            nodes.push(node);
        }
        let cluster = Self { nodes };
        cluster.form().await;
        cluster
    }

    async fn form(&self) {
        for (i, node) in self.nodes.iter().take(3).enumerate() {
            let share = |i: usize| u16::try_from(i * usize::from(SLOTS) / 3).unwrap();
            let (first, last) = (share(i).to_string(), (share(i + 1) - 1).to_string());
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])
                .await
                .unwrap();
            let epoch = (i + 1).to_string();
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch])
                .await
                .unwrap();
        }
        for node in &self.nodes[1..] {
            let (port, bus) = (node.port().to_string(), node.bus_port().to_string());
            self.nodes[0]
                .command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])
                .await
                .unwrap();
        }
        self.eventually("that all nodes know each other", async || {
            for node in &self.nodes {
                if number(&info(node).await, "cluster_known_nodes") != Some(self.nodes.len()) {
                    return false;
                }
            }
            true
        })
        .await;
        for (replica, master) in self.nodes.iter().skip(3).zip(&self.nodes) {
            let id = text(&master.command(&["CLUSTER", "MYID"]).await.unwrap());
            replica.command(&["CLUSTER", "REPLICATE", &id]).await.unwrap();
        }
        self.whole().await;
    }

    /// Waits until every node that runs says that the cluster serves, and the replicas have their data.
    pub async fn whole(&self) {
        self.eventually("whole", async || {
            for node in self.nodes.iter().filter(|node| node.is_up()) {
                let synced = node
                    .command(&["INFO", "replication"])
                    .await
                    .is_ok_and(|answer| !text(&answer).contains("master_link_status:down"));
                if !synced || !info(node).await.contains("cluster_state:ok") {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// Waits until every node that runs says that the cluster does not serve.
    pub async fn broken(&self) {
        self.eventually("broken", async || {
            for node in self.nodes.iter().filter(|node| node.is_up()) {
                if !info(node).await.contains("cluster_state:fail") {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// The addresses of all nodes, as `REDIS_URL` takes them.
    #[must_use]
    pub fn url(&self) -> String {
        let urls: Vec<_> = self.nodes.iter().map(Server::url).collect();
        urls.join(",")
    }

    /// Which node is the master of this key's slot now, as the running ones see it.
    pub async fn owner(&self, key: &str) -> usize {
        for (i, node) in self.nodes.iter().enumerate() {
            if node.is_up() && node.command(&["EXISTS", key]).await.is_ok() {
                return i;
            }
        }
        panic!("no node serves {key}");
    }

    async fn eventually(&self, what: &str, mut check: impl AsyncFnMut() -> bool) {
        let start = Instant::now();
        while !check().await {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "the cluster is not {what}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn info(node: &Server) -> String {
    node.command(&["CLUSTER", "INFO"])
        .await
        .map_or_else(|error| error.to_string(), |answer| text(&answer))
}

fn text(answer: &Value) -> String {
    from_redis_value_ref(answer).unwrap()
}

fn number(info: &str, name: &str) -> Option<usize> {
    let line = info.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').trim().parse().ok()
}
