//! `kill -9`, `SIGSTOP`, and the truth about what they hit: a kill counts only when a run of that worker had begun to
//! read outside, and never committed.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::store::entities::link;
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use simulator::RequestRecord;
use uuid::Uuid;

use super::plan::LEASE;
use crate::deployment::{Deployment, Process};

/// So many requests are enough to see what is under way.
const LATEST: usize = 400;

/// A run that was cut off: the link whose lease it held.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub link: Uuid,
    pub token: i64,
    /// Which kill it was; one may cut several runs.
    pub kill: usize,
}

struct Worker {
    process: Process,
    stopped: Option<(Instant, Vec<(Uuid, i64)>)>,
}

pub struct Killer {
    rng: StdRng,
    workers: Vec<Worker>,
    /// Cuts that are still to be looked at again, when no commit can be on its way any more.
    fresh: Vec<(Instant, Cut)>,
    pub cuts: Vec<Cut>,
    pub kills: usize,
    pub stops: usize,
    /// Workers that were stopped with a lease and woke up without it.
    pub fenced: usize,
    /// Processes that ended though nobody had ended them.
    pub deserters: Vec<String>,
}

impl Killer {
    pub fn new(d: &Deployment, rng: StdRng, workers: usize) -> Self {
        let start = |_| Worker {
            process: d.run("siagh-worker", &[]),
            stopped: None,
        };
        Self {
            rng,
            workers: (0..workers).map(start).collect(),
            fresh: Vec::new(),
            cuts: Vec::new(),
            kills: 0,
            stops: 0,
            fenced: 0,
            deserters: Vec::new(),
        }
    }

    /// Kills a worker in the middle of a run. `false`: none is in one; `whatever` kills anyone then.
    pub async fn kill(&mut self, d: &Deployment, whatever: bool) -> bool {
        let held = held(d).await;
        let begun = begun(d, &held);
        let mut victims = self.running();
        if !whatever {
            victims.retain(|n| begun.iter().any(|m| self.holds(*n, m)));
        }
        let Some(victim) = victims.choose(&mut self.rng).copied() else {
            return false;
        };
        self.kills += 1;
        // A statement that had left the worker may still be carried out.
        let when = Instant::now() + Duration::from_millis(300);
        let cut = |m: &link::Model| Cut {
            link: m.id,
            token: m.lease_token,
            kill: self.kills,
        };
        let cuts: Vec<_> = begun
            .iter()
            .filter(|m| self.holds(victim, m))
            .map(|m| (when, cut(m)))
            .collect();
        self.fresh.extend(cuts);
        let new = d.run("siagh-worker", &[]);
        std::mem::replace(&mut self.workers[victim].process, new).kill();
        true
    }

    /// Stops a worker that is in the middle of a run for longer than its leases live.
    pub async fn stop(&mut self, d: &Deployment) -> bool {
        let held = held(d).await;
        let victims: Vec<_> = self.running();
        let victim = victims
            .into_iter()
            .find(|n| held.iter().any(|m| self.holds(*n, m)));
        let Some(victim) = victim else { return false };
        self.workers[victim].process.signal("STOP");
        let holds = held.iter().filter(|m| self.holds(victim, m));
        let holds = holds.map(|m| (m.id, m.lease_token)).collect();
        self.workers[victim].stopped = Some((Instant::now() + LEASE + Duration::from_millis(1500), holds));
        self.stops += 1;
        true
    }

    /// Stops all workers for a moment, well within their leases. Says whom.
    pub fn pause(&self) -> Vec<usize> {
        let running = self.running();
        running
            .iter()
            .for_each(|n| self.workers[*n].process.signal("STOP"));
        running
    }

    pub fn go_on(&self, paused: &[usize]) {
        paused
            .iter()
            .for_each(|n| self.workers[*n].process.signal("CONT"));
    }

    /// Looks again at the runs that were cut, wakes stopped workers, and replaces those that ended by themselves.
    pub async fn look_after(&mut self, d: &Deployment) {
        let now = Instant::now();
        let (due, fresh): (Vec<_>, Vec<_>) = self.fresh.drain(..).partition(|(when, _)| *when <= now);
        self.fresh = fresh;
        for (_, cut) in due {
            if still_held(d, cut.link, cut.token).await {
                self.cuts.push(cut);
            }
        }
        for worker in &mut self.workers {
            if let Some((_, holds)) = worker.stopped.take_if(|(until, _)| *until <= now) {
                let mut lost = false;
                for (link, token) in holds {
                    lost |= token_has_moved(d, link, token).await;
                }
                self.fenced += usize::from(lost);
                worker.process.signal("CONT");
            }
            if worker.stopped.is_none() && worker.process.has_ended() {
                let log = worker.process.log();
                let last: Vec<_> = log.lines().rev().take(3).collect();
                self.deserters.push(last.join(" ⏎ "));
                worker.process = d.run("siagh-worker", &[]);
            }
        }
    }

    pub fn any_stopped(&self) -> bool {
        self.running().len() < self.workers.len()
    }

    fn running(&self) -> Vec<usize> {
        (0..self.workers.len())
            .filter(|n| self.workers[*n].stopped.is_none())
            .collect()
    }

    fn holds(&self, worker: usize, link: &link::Model) -> bool {
        let name = format!("worker-{}-", self.workers[worker].process.pid());
        link.lease_owner
            .as_ref()
            .is_some_and(|owner| owner.starts_with(&name))
    }

    /// The kills that cut at least one run, as far as the rows bear it out: every run that was cut has left rows
    /// behind, in which the next holder of the lease has counted a lapse.
    pub async fn counted(&self, d: &Deployment) -> usize {
        let rows = d.rows().await;
        let lapses = |link: Uuid| -> usize {
            let of_it = rows.iter().filter(|row| row.entity_mapping_id == Some(link));
            of_it.map(|row| usize::try_from(row.lapses).unwrap()).sum()
        };
        let borne_out = |cut: &&Cut| {
            let so_far = self
                .cuts
                .iter()
                .filter(|c| c.link == cut.link && c.kill <= cut.kill);
            so_far.count() <= lapses(cut.link)
        };
        let mut kills: Vec<_> = self.cuts.iter().filter(borne_out).map(|cut| cut.kill).collect();
        kills.sort_unstable();
        kills.dedup();
        kills.len()
    }

    /// Some time between a bit less and a bit more than `about`.
    pub fn about(&mut self, about: Duration) -> Duration {
        about.mul_f64(self.rng.random_range(0.7..1.3))
    }
}

/// Links under a lease that lives.
async fn held(d: &Deployment) -> Vec<link::Model> {
    let now = d.db.store.clock().now();
    let query = link::Entity::find().filter(link::Column::LeaseUntil.gt(now));
    // A connection may just have been ended on purpose.
    query.all(d.db.store.db()).await.unwrap_or_default()
}

/// Those whose run has sent its first read, by what the simulated systems have heard, and has not ended.
fn begun(d: &Deployment, held: &[link::Model]) -> Vec<link::Model> {
    let mut requests = d.sim.crm().stats().latest(LATEST);
    requests.extend(d.sim.finance().stats().latest(LATEST));
    let begun = |link: &&link::Model| {
        let since = link.lease_until.unwrap() - TimeDelta::from_std(LEASE).unwrap();
        let ids = [
            link.crm_id.as_ref().map(|id| format!("\"id\":\"{id}\"")),
            link.finance_id
                .as_ref()
                .map(|code| format!("{{\"Code\":{code}}}")),
        ];
        let asked = |r: &RequestRecord| r.at >= since && ids.iter().flatten().any(|id| r.body.contains(id));
        requests.iter().any(asked) || intended(link, since)
    };
    held.iter().filter(begun).cloned().collect()
}

/// The lease was last renewed for a write, which comes after the reads.
fn intended(link: &link::Model, renewed: DateTime<Utc>) -> bool {
    let sides = link.in_flight.iter().filter_map(Value::as_object);
    let intents = sides.flat_map(|sides| sides.values()).filter_map(Value::as_array);
    intents
        .flatten()
        .filter_map(|intent| intent["at"].as_str()?.parse::<DateTime<Utc>>().ok())
        .any(|at| (renewed - at).abs() < TimeDelta::milliseconds(200))
}

async fn find(d: &Deployment, link: Uuid) -> Option<link::Model> {
    let query = link::Entity::find_by_id(link);
    query.one(d.db.store.db()).await.ok().flatten()
}

async fn still_held(d: &Deployment, link: Uuid, token: i64) -> bool {
    let now = find(d, link).await;
    now.is_some_and(|m| m.lease_token == token && m.lease_owner.is_some())
}

async fn token_has_moved(d: &Deployment, link: Uuid, token: i64) -> bool {
    let now = find(d, link).await;
    now.is_none_or(|m| m.lease_token != token)
}
