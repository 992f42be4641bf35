//! The session with an outside system: however many requests find it ended, one of them logs in and the others take
//! its outcome, good or bad.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::ports::{PortError, PortResult};
use reqwest::header::HeaderValue;
use tokio::sync::Mutex;

/// What a request needs, and which login it came from.
pub struct Grant<T> {
    /// `Authorization`, marked as sensitive.
    pub header: HeaderValue,
    /// What else the connector wants to know of the session.
    pub kept: T,
    /// Counts the logins of this process.
    pub login: u64,
}

/// A login that gave no session.
pub struct LoginFailed {
    /// Why.
    pub error: PortError,
    /// For how long none is tried again.
    pub pause: Option<Duration>,
}

impl From<PortError> for LoginFailed {
    fn from(error: PortError) -> Self {
        Self { error, pause: None }
    }
}

struct State<T> {
    grant: Option<Arc<Grant<T>>>,
    logins: u64,
    /// How the last attempt failed.
    failed: Option<PortError>,
    /// No login before this instant.
    closed_until: Option<DateTime<Utc>>,
}

/// The present session, and the turn to renew it.
pub struct Renewal<T> {
    clock: Arc<dyn Clock>,
    /// Attempts that have ended, of either outcome.
    attempts: AtomicU64,
    state: Mutex<State<T>>,
}

impl<T> Renewal<T> {
    /// Without a session yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            attempts: AtomicU64::new(0),
            state: Mutex::new(State {
                grant: None,
                logins: 0,
                failed: None,
                closed_until: None,
            }),
        }
    }

    /// The present session if it still `holds`, newer than the `rejected` one, if any; else what `log_in` brings,
    /// which is told the session that ended and the number of the new one.
    ///
    /// # Errors
    /// Those of `log_in`, this time or, when another request has just tried or a pause lasts, the last time.
    pub async fn grant<F>(
        &self,
        rejected: Option<&Grant<T>>,
        holds: impl Fn(&T) -> bool,
        log_in: impl FnOnce(Option<Arc<Grant<T>>>, u64) -> F,
    ) -> PortResult<Arc<Grant<T>>>
    where
        F: Future<Output = Result<(HeaderValue, T), LoginFailed>>,
    {
        let seen = self.attempts.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        if let Some(grant) = &state.grant
            && rejected.is_none_or(|rejected| rejected.login < grant.login)
            && holds(&grant.kept)
        {
            return Ok(Arc::clone(grant));
        }
        let tried_meanwhile = self.attempts.load(Ordering::SeqCst) != seen;
        let closed = state.closed_until.is_some_and(|until| self.clock.now() < until);
        if let Some(error) = &state.failed
            && (tried_meanwhile || closed)
        {
            return Err(error.clone());
        }
        let login = state.logins + 1;
        let previous = state.grant.take();
        let outcome = log_in(previous, login).await;
        self.attempts.fetch_add(1, Ordering::SeqCst);
        match outcome {
            Ok((header, kept)) => {
                let grant = Arc::new(Grant { header, kept, login });
                state.grant = Some(Arc::clone(&grant));
                state.logins = login;
                state.failed = None;
                state.closed_until = None;
                Ok(grant)
            }
            Err(LoginFailed { error, pause }) => {
                state.failed = Some(error.clone());
                state.closed_until = pause.map(|pause| self.clock.now() + pause);
                Err(error)
            }
        }
    }
}
