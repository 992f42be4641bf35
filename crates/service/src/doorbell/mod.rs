//! The queue between those who hear of changes and those who carry them out: a *bounded doorbell*. It holds a
//! few thousand row ids; the database holds the work. Whatever it loses is rung again by the sweeper, whatever
//! it delivers twice is harmless, so it never retries, never stores results and never holds data.
//!
//! Two of a kind: [`RedisDoorbell`] and [`RedisListener`] between processes, [`in_process`] within one. Both
//! are run by the same apalis worker and the same [`crew`], so that only the wiring differs.

mod crew;
mod delivery;
mod in_process;
mod listening;
mod redis;
mod span;
mod worker;

use std::future::Future;

use domain::ports::Ring;
use tokio_util::sync::CancellationToken;

pub use in_process::{InProcessDoorbell, InProcessListener, in_process};
pub use listening::Listening;
pub use redis::{Depths, RedisDoorbell, RedisListener, RedisOptions, TAG, addresses};

/// The end of a queue where rings are heard, of either kind.
#[derive(Debug)]
pub enum Listener {
    /// Between processes.
    Redis(Box<RedisListener>),
    /// Within one.
    InProcess(InProcessListener),
}

impl Listener {
    /// Calls `handler` for each ring until `shutdown`; then starts nothing new, and returns when the running
    /// handlers have ended or the grace period is over. It goes on by itself after whatever happens to the
    /// queue, and after a handler's panic. Dropping the future drops the handlers with it.
    pub async fn run<H, F>(self, how: Listening, handler: H, shutdown: CancellationToken)
    where
        H: Fn(Ring) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        match self {
            Self::Redis(listener) => listener.run(how, handler, shutdown).await,
            Self::InProcess(listener) => listener.run(how, handler, shutdown).await,
        }
    }
}
