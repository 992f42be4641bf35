//! What apalis-redis leaves undone beside a running worker: forgetting done ids, often and little; signs of
//! life while a worker only drains; and giving back what a dead one had fetched. Failures are left to the
//! next turn.

use std::time::Duration;

use tracing::debug;

use super::{
    keys::Keys,
    location::Location,
    scripts::{HAND_BACK, PURGE},
    wire::Wire,
};

/// How often.
const PAUSE: Duration = Duration::from_millis(500);
/// How many ids are forgotten in one step, and how many steps make a turn.
const STEP: usize = 200;
const STEPS: usize = 50;
/// How long a worker's description is kept after its last sign of life; nobody reads it.
const DESCRIPTION: Duration = Duration::from_secs(60);
/// How long giving back may take.
const LIMIT: Duration = Duration::from_secs(1);

/// The upkeep of one listener.
pub(super) struct Upkeep<'a> {
    keys: &'a Keys,
    wire: Wire,
}

impl<'a> Upkeep<'a> {
    pub(super) fn new(location: &Location, keys: &'a Keys) -> Self {
        Self {
            keys,
            wire: Wire::new(location, LIMIT),
        }
    }

    /// Goes round for ever, for the worker of this name.
    pub(super) async fn go_on(&self, worker: &str) {
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Err(error) = self.round(worker).await {
                debug!(%error, "the queue can't be tidied now");
            }
        }
    }

    async fn round(&self, worker: &str) -> redis::RedisResult<()> {
        let mut wire = self.wire.clone();
        let keys = self.keys;
        for _ in 0..STEPS {
            let purged: usize = PURGE
                .key(&keys.done)
                .key(&keys.dead)
                .key(&keys.data)
                .key(&keys.meta)
                .arg(STEP)
                .invoke_async(&mut wire)
                .await?;
            if purged < STEP {
                break;
            }
        }
        // apalis stops its heartbeats while it drains. The time is the server's: all workers share it.
        let (seconds, _): (u64, u64) = redis::cmd("TIME").query_async(&mut wire).await?;
        redis::pipe()
            .cmd("ZADD")
            .arg(&keys.workers)
            .arg("XX")
            .arg("GT")
            .arg(seconds)
            .arg(worker)
            .ignore()
            .cmd("EXPIRE")
            .arg(format!("{}:{worker}", keys.description))
            .arg(DESCRIPTION.as_secs())
            .ignore()
            .query_async(&mut wire)
            .await
    }

    /// Gives back what this worker had fetched and not finished, so that nobody has to miss it first.
    pub(super) async fn hand_back(&self, worker: &str) {
        let mut wire = self.wire.clone();
        let keys = self.keys;
        let mut script = HAND_BACK.key(format!("{}:{worker}", keys.inflight));
        script
            .key(&keys.active)
            .key(&keys.data)
            .key(&keys.meta)
            .key(&keys.workers)
            .key(format!("{}:{worker}", keys.description))
            .arg(worker)
            .arg(&keys.channel);
        match tokio::time::timeout(LIMIT, script.invoke_async::<usize>(&mut wire)).await {
            Ok(Ok(0)) => {}
            Ok(Ok(ids)) => debug!(worker, ids, "gave back what was fetched and not finished"),
            // The others will miss it after a few seconds.
            Ok(Err(error)) => debug!(worker, %error, "what was fetched can't be given back"),
            Err(_) => debug!(worker, "what was fetched can't be given back in time"),
        }
    }
}
