//! The end where bells are rung. A webhook waits for it, so it fails fast: one second for one call, and after
//! a failure everybody is told at once for half a second, instead of waiting in turn.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::ports::{BellError, Doorbell, Ring};
use redis::{FromRedisValue, RedisResult, ScriptInvocation};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    keys::Keys,
    location::Location,
    options::RedisOptions,
    scripts::{CLEAR, COUNT, PURGE, PUSH, READY},
    wire::{Wire, is_lost},
};
use crate::{
    doorbell::{delivery, span},
    http::Check,
};

/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(1);
/// How long nobody tries after a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a full queue is believed to be full.
const BELIEVED: Duration = Duration::from_millis(100);
/// How many ids are forgotten in one step.
const STEP: usize = 500;

/// Rings in Redis. Clones share the connection.
#[derive(Debug, Clone)]
pub struct RedisDoorbell {
    location: Location,
    keys: Arc<Keys>,
    capacity: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    wire: Wire,
    /// Until when nobody tries, and why.
    broken: Option<(Instant, String)>,
    /// When the queue was last seen full.
    full: Option<Instant>,
}

/// What lies in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depths {
    /// Ids that wait.
    pub waiting: usize,
    /// Ids that workers have fetched and not finished.
    pub in_flight: usize,
    /// Workers that were alive some seconds ago.
    pub workers: usize,
    /// Done ids that are not forgotten yet; always few.
    pub done: usize,
}

impl RedisDoorbell {
    /// A doorbell in this Redis, which need not be up yet. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When `url` is no Redis address.
    pub fn connect(url: &str, options: &RedisOptions) -> Result<Self, BellError> {
        let keys = Keys::new(&options.namespace);
        let location = Location::new(url, &keys.active)?;
        let state = State {
            wire: Wire::new(&location, LIMIT),
            broken: None,
            full: None,
        };
        Ok(Self {
            location,
            keys: Arc::new(keys),
            capacity: options.capacity,
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// Counts what lies in the queue.
    ///
    /// # Errors
    /// When Redis can't be reached.
    pub async fn depths(&self) -> Result<Depths, BellError> {
        let keys = &self.keys;
        let mut script = COUNT.key(&keys.active);
        script
            .key(&keys.scheduled)
            .key(&keys.workers)
            .key(&keys.done)
            .arg(&keys.inflight);
        let (waiting, in_flight, workers, done) = self.call(&script).await?;
        Ok(Depths {
            waiting,
            in_flight,
            workers,
            done,
        })
    }

    /// Throws the waiting ids away and says how many. Their rows stay, and the sweeper rings for them again.
    ///
    /// # Errors
    /// When Redis can't be reached.
    pub async fn clear(&self) -> Result<usize, BellError> {
        let keys = &self.keys;
        let mut clear = CLEAR.key(&keys.active);
        clear
            .key(&keys.scheduled)
            .key(&keys.data)
            .key(&keys.meta)
            .arg(STEP);
        let mut purge = PURGE.key(&keys.done);
        purge.key(&keys.dead).key(&keys.data).key(&keys.meta).arg(STEP);
        let mut cleared = 0;
        loop {
            let step: usize = self.call(&clear).await?;
            let purged: usize = self.call(&purge).await?;
            cleared += step;
            if step + purged == 0 {
                return Ok(cleared);
            }
        }
    }

    /// Never held across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One script, once more if the connection turns out to be dead, within the limit.
    async fn call<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, BellError> {
        let mut wire = self.admit()?;
        let attempts = async {
            match script.invoke_async::<T>(&mut wire).await {
                // Redis was restarted since the last call, or another node has the queue now.
                Err(error) if is_lost(&error) => script.invoke_async(&mut wire).await,
                result => result,
            }
        };
        let result: Result<RedisResult<T>, _> = tokio::time::timeout(LIMIT, attempts).await;
        match result {
            Ok(Ok(value)) => {
                self.state().broken = None;
                Ok(value)
            }
            Ok(Err(error)) => Err(self.failed(error.to_string())),
            Err(_) => Err(self.failed(format!("no answer within {} s", LIMIT.as_secs()))),
        }
    }

    /// The connection; unless Redis failed just now. After the pause one caller tries, and while it tries the
    /// others are still told the old failure.
    fn admit(&self) -> Result<Wire, BellError> {
        let mut state = self.state();
        if let Some((until, why)) = &mut state.broken {
            let now = Instant::now();
            if now < *until {
                return Err(BellError::Unreachable(why.clone()));
            }
            *until = now + PAUSE;
        }
        Ok(state.wire.clone())
    }

    fn failed(&self, why: String) -> BellError {
        let mut state = self.state();
        state.broken = Some((Instant::now() + PAUSE, why.clone()));
        state.full = None;
        // A connection that only hangs would never be replaced otherwise.
        state.wire = Wire::new(&self.location, LIMIT);
        BellError::Unreachable(why)
    }

    fn saw(&self, depth: usize) {
        self.state().full = (depth >= self.capacity).then(Instant::now);
    }
}

#[async_trait]
impl Doorbell for RedisDoorbell {
    async fn ring(&self, rings: &[Ring]) -> Result<(), BellError> {
        if rings.is_empty() {
            return Ok(());
        }
        let keys = &self.keys;
        let mut script = PUSH.key(&keys.active);
        script
            .key(&keys.scheduled)
            .key(&keys.data)
            .key(&keys.meta)
            .arg(self.capacity)
            .arg(&keys.channel);
        for ring in rings {
            // Not the row's id: a row that is rung for again while it is at work must come again.
            script
                .arg(Uuid::now_v7().simple().to_string())
                .arg(delivery::encode(ring));
        }
        let rung = self
            .call(&script)
            .instrument(span::of_ringing(rings.len(), &keys.active));
        let (pushed, depth): (bool, usize) = rung.await?;
        self.saw(depth);
        if pushed { Ok(()) } else { Err(BellError::Full) }
    }

    async fn depth(&self) -> Result<usize, BellError> {
        let depth = self.depths().await?.waiting;
        self.saw(depth);
        Ok(depth)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn is_full(&self) -> bool {
        self.state().full.is_some_and(|seen| seen.elapsed() < BELIEVED)
    }
}

/// Without Redis rows are stored all the same, and rung for later; but readiness tells the truth.
#[async_trait]
impl Check for RedisDoorbell {
    fn name(&self) -> &'static str {
        "redis"
    }

    async fn check(&self) -> Result<(), String> {
        let written = self.call::<i64>(&READY.key(&self.keys.ready)).await;
        written.map(drop).map_err(|error| error.to_string())
    }
}
