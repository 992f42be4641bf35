//! A run from its beginning until nothing moves any more.

use std::time::{Duration, Instant};

use domain::store::{Stats, Store};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;

use super::blows::Blows;
use super::documents::Documents;
use super::killer::Killer;
use super::operator::Operator;
use super::plan::{ENOUGH, POLLS, Plan, WORKERS};
use super::users::Users;
use super::weather;
use crate::deployment::{Deployment, Process};
use crate::polls::looks_of;

/// A deployment in the storm, and all who act on it.
pub struct Run {
    pub d: Deployment,
    pub users: Users,
    pub documents: Documents,
    pub operator: Operator,
    pub killer: Killer,
    pub ingest: Process,
    pub blows: Blows,
    /// Rows that failed in the storm and were tried again.
    pub retried: u64,
    rng: StdRng,
    pub faults: Vec<(String, u64)>,
    pub calls: u64,
}

impl Run {
    /// Everything runs, all polls have looked once, and the storm begins.
    pub async fn begin(d: Deployment, plan: &Plan) -> Self {
        let mut rng = StdRng::seed_from_u64(plan.seed);
        let ingest = d.run("siagh-ingest", &[]);
        let killer = Killer::new(&d, StdRng::from_rng(&mut rng), WORKERS);
        d.ready().await;
        looks_of(&d, &POLLS, 1).await;
        d.native_webhooks();
        d.document_webhooks();
        d.sim.crm().configure(|crm| {
            crm.webhooks.drop_probability = 0.1;
            crm.webhooks.duplicate_probability = 0.1;
        });
        weather::storm(&d.sim, plan.seed);
        Self {
            users: Users::new(plan.seed, plan.changes),
            documents: Documents::new(plan.seed),
            operator: Operator::default(),
            d,
            killer,
            ingest,
            blows: Blows::default(),
            retried: 0,
            rng,
            faults: Vec::new(),
            calls: 0,
        }
    }

    /// Users type while everything breaks.
    pub async fn storm(&mut self, plan: &Plan) {
        let started = Instant::now();
        let mut kill_at = started + self.killer.about(Duration::from_secs(1));
        let limit = Duration::from_secs_f64(plan.changes as f64 / plan.per_second) + plan.patience;
        while self.users.changes < plan.changes || !self.blows.all_struck() {
            let now = Instant::now();
            if started + limit < now {
                return;
            }
            let due = (now - started).as_secs_f64() * plan.per_second >= self.users.changes as f64;
            if due && self.users.changes < plan.changes {
                self.late_webhooks();
                self.users.act(&self.d.sim);
                self.documents.act(&self.d.sim, &self.users);
            }
            let done = self.users.changes as f64 / plan.changes as f64;
            self.blows
                .strike_due(done, &mut self.d, &mut self.killer, &mut self.ingest)
                .await;
            // Looks until someone is in the middle of something; after a second anyone will do.
            let long_due = kill_at + Duration::from_secs(1) <= now;
            if kill_at <= now && self.killer.kill(&self.d, long_due).await {
                kill_at = (kill_at + self.killer.about(Duration::from_secs(1))).max(now);
            }
            self.killer.look_after(&self.d).await;
            self.operator
                .look_after(&self.d, &self.documents, &self.users)
                .await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Some webhooks come late.
    fn late_webhooks(&mut self) {
        let delay_ms = if self.rng.random_bool(0.2) { 1_500 } else { 0 };
        self.d.sim.crm().configure(|crm| crm.webhooks.delay_ms = delay_ms);
    }

    /// Rows that have used up their few tries are tried again by hand.
    async fn retry_what_failed(&mut self, plan: &Plan) {
        if plan.retries >= ENOUGH {
            return;
        }
        let (code, said) = self.d.siaghsync(&["retry", "--all-failed", "--json"]);
        assert_eq!(code, Some(0), "{said}");
        let line = said
            .lines()
            .find_map(|line| serde_json::from_str::<Value>(line).ok());
        self.retried += line.unwrap()["rows"].as_u64().unwrap();
        self.operator
            .settle(&self.d, &self.documents, &self.users, plan)
            .await;
    }

    /// The storm is over; every row must come to an end, and then nothing may move any more.
    pub async fn calm(&mut self, plan: &Plan) {
        self.calls = self.all_calls();
        self.faults = weather::clear_up(&self.d.sim);
        while self.killer.any_stopped() {
            self.killer.look_after(&self.d).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.killer.look_after(&self.d).await;
        assert!(!self.ingest.has_ended(), "ingest ended by itself");
        self.documents.finish(&self.d.sim, &self.users);
        // What no webhook told, the polls see; what they see may lead to more.
        for _ in 0..2 {
            looks_of(&self.d, &POLLS, 1).await;
            self.operator
                .settle(&self.d, &self.documents, &self.users, plan)
                .await;
            self.retry_what_failed(plan).await;
        }
        let before = (self.saves(), self.rows_written().await);
        looks_of(&self.d, &POLLS, 2).await;
        self.operator
            .settle(&self.d, &self.documents, &self.users, plan)
            .await;
        let after = (self.saves(), self.rows_written().await);
        assert_eq!(before, after, "saves and rows move although nobody types");
        self.killer.look_after(&self.d).await;
    }

    pub fn saves(&self) -> u64 {
        let (crm, finance) = (self.d.sim.crm().stats(), self.d.sim.finance().stats());
        crm.snapshot().api_saves + finance.snapshot().api_saves
    }

    fn all_calls(&self) -> u64 {
        let (crm, finance) = (self.d.sim.crm().stats(), self.d.sim.finance().stats());
        crm.snapshot().requests + finance.snapshot().requests
    }

    async fn rows_written(&self) -> u64 {
        let Stats {
            success,
            skipped,
            failed,
            conflict,
            ..
        } = self.d.db.store.stats().await.unwrap();
        success + skipped + failed + conflict
    }
}
