//! The names of the queue's keys, as apalis-redis 1.0.0 derives them from its configuration.

use std::time::Duration;

use apalis_redis::Config;

/// How often a worker says that it is alive, and how many times it may fail to: a killed worker's ids are
/// given to the others after four to six seconds.
const HEARTBEAT: Duration = Duration::from_secs(2);
const MISSED: usize = 2;

/// The configuration of a worker of this queue.
pub(super) fn config(namespace: &str) -> Config {
    Config::default()
        .queue(namespace)
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED)
        // Locks cost the length of the queue per job and prevent nothing: the database's lease does.
        .lock_tasks(false)
        // Without results nothing is acknowledged at all.
        .persist_results(true)
        .emit_events(false)
}

/// The keys.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// List of waiting ids.
    pub(super) active: String,
    /// Ids that apalis was to deliver later; ours never use it.
    pub(super) scheduled: String,
    /// Id to envelope.
    pub(super) data: String,
    /// Beginning of each id's hash of attempts and status.
    pub(super) meta: String,
    /// Set of done ids.
    pub(super) done: String,
    /// Set of ids that apalis gave up.
    pub(super) dead: String,
    /// Workers by the time of their last sign of life.
    pub(super) workers: String,
    /// Beginning of each worker's set of fetched ids.
    pub(super) inflight: String,
    /// Beginning of each worker's description.
    pub(super) description: String,
    /// What readiness writes.
    pub(super) ready: String,
    /// The channel on which a push is announced.
    pub(super) channel: String,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        let config = config(namespace);
        Self {
            active: config.active_jobs_list(),
            scheduled: config.scheduled_jobs_set(),
            data: config.job_data_hash(),
            meta: config.job_meta_hash(),
            done: config.done_jobs_set(),
            dead: config.dead_jobs_set(),
            workers: config.workers_set(),
            inflight: config.inflight_jobs_set(),
            description: format!("{namespace}:workers:metadata"),
            ready: format!("{namespace}:ready"),
            channel: format!("{namespace}:rung"),
        }
    }
}
