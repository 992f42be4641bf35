//! What befalls the deployment as a whole, each blow at its share of the changes.

use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;
use service::doorbell::{RedisDoorbell, RedisOptions};

use super::killer::Killer;
use crate::deployment::{Deployment, Process};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blow {
    Flush,
    RedisRestart,
    DatabaseConnections,
    KillIngest,
    Stop,
    Webhooks,
}

const BLOWS: [(f64, Blow); 16] = [
    (0.10, Blow::Stop),
    (0.15, Blow::KillIngest),
    (0.25, Blow::Flush),
    (0.30, Blow::DatabaseConnections),
    (0.35, Blow::Stop),
    (0.40, Blow::KillIngest),
    (0.45, Blow::Webhooks),
    (0.50, Blow::Flush),
    (0.55, Blow::Stop),
    (0.60, Blow::RedisRestart),
    (0.65, Blow::KillIngest),
    (0.70, Blow::DatabaseConnections),
    (0.75, Blow::Flush),
    (0.80, Blow::Stop),
    (0.85, Blow::KillIngest),
    (0.90, Blow::Stop),
];

/// The blows of one run.
#[derive(Default)]
pub struct Blows {
    /// So many of [`BLOWS`] are due or have struck.
    begun: usize,
    owed: Vec<Blow>,
    struck: Vec<Blow>,
    /// Flushes that found rings in the queue.
    pub emptied: usize,
}

impl Blows {
    /// Strikes once if something is due when that share of the changes is typed.
    pub async fn strike_due(
        &mut self,
        done: f64,
        d: &mut Deployment,
        killer: &mut Killer,
        ingest: &mut Process,
    ) {
        if let Some((_, blow)) = BLOWS.get(self.begun).filter(|(at, _)| *at <= done) {
            self.owed.push(*blow);
            self.begun += 1;
        }
        let Some(blow) = self.owed.pop() else { return };
        if self.strike(blow, d, killer, ingest).await {
            self.struck.push(blow);
        } else {
            self.owed.push(blow);
        }
    }

    pub fn all_struck(&self) -> bool {
        self.struck.len() == BLOWS.len()
    }

    pub fn struck(&self) -> &[Blow] {
        &self.struck
    }

    pub fn times(&self, blow: Blow) -> usize {
        self.struck.iter().filter(|struck| **struck == blow).count()
    }

    /// `false`: it is to be tried again.
    async fn strike(
        &mut self,
        blow: Blow,
        d: &mut Deployment,
        killer: &mut Killer,
        ingest: &mut Process,
    ) -> bool {
        match blow {
            Blow::Flush => self.flush(d, killer).await,
            Blow::RedisRestart => {
                let redis = d.redis.as_mut().unwrap();
                redis.down();
                // So long it is away.
                tokio::time::sleep(Duration::from_millis(1500)).await;
                redis.up().await;
            }
            Blow::DatabaseConnections => {
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
                return d.db.store.db().execute_unprepared(end).await.is_ok();
            }
            Blow::KillIngest => {
                // The port is free only when the old one is dead.
                ingest.signal("KILL");
                while !ingest.has_ended() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                *ingest = d.run("siagh-ingest", &[]);
            }
            Blow::Stop => return killer.stop(d).await,
            Blow::Webhooks => d.signed_webhooks(),
        }
        true
    }

    /// Empties Redis while rings wait there: nobody takes them for a moment.
    async fn flush(&mut self, d: &Deployment, killer: &Killer) {
        let redis = d.redis.as_ref().unwrap();
        let queue = RedisDoorbell::connect(&redis.url(), &RedisOptions::default()).unwrap();
        let paused = killer.pause();
        for customer in d.sim.crm().customers().iter().take(20) {
            let id = customer["crmId"].as_str().unwrap();
            d.sim.crm().announce(id).unwrap();
        }
        let started = Instant::now();
        let mut waiting = 0;
        while waiting == 0 && started.elapsed() < Duration::from_secs(1) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            waiting = queue.depths().await.map_or(0, |depths| depths.waiting);
        }
        redis.command(&["FLUSHALL"]).await.unwrap();
        self.emptied += usize::from(waiting > 0);
        killer.go_on(&paused);
    }
}
