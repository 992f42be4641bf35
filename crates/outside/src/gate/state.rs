//! What all clones of a gate share in this process: the breaker as it is known here, and how it is changed for all
//! processes, by comparing the version that is known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::breaker::{Admission, Breaker, Open, PROBE_LEASE, Shared};
use domain::clock::Clock;
use domain::outside::OutsideStore;
use domain::ports::{PortError, PortResult, Side};
use domain::store::StoreResult;
use metrics::{counter, gauge};
use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::Limits;
use crate::call::Intent;
use crate::side::Named;

/// When it is not known when to look again: the database does not say.
pub(super) const AGAIN: Duration = Duration::from_secs(1);
/// So often a change of the shared state is tried when others change it at the same time.
const TRIES: usize = 3;

/// One for each system and process.
pub(super) struct State {
    pub(super) side: Side,
    pub(super) name: Named,
    pub(super) store: Arc<dyn OutsideStore>,
    pub(super) clock: Arc<dyn Clock>,
    breaker: Mutex<Breaker>,
    /// One change of the shared state at a time in this process.
    writing: tokio::sync::Mutex<()>,
    /// This process has the probe.
    probing: AtomicBool,
    /// The outage, for whoever waits for its beginning or end.
    pub(super) outage: watch::Sender<Option<Open>>,
}

/// Leave to send one call. Whoever drops one without saying how the call ended gives the probe back.
pub(crate) struct Pass {
    probe: Option<Arc<State>>,
    pub(super) intent: Intent,
}

impl Pass {
    fn without_probe(intent: Intent) -> Self {
        Self { probe: None, intent }
    }

    pub(super) fn is_probe(&self) -> bool {
        self.probe.is_some()
    }

    /// The probe is over; the call goes on.
    pub(super) fn give_back_probe(&mut self) {
        *self = Self::without_probe(self.intent);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(state) = &self.probe {
            state.probing.store(false, Ordering::SeqCst);
        }
    }
}

impl State {
    /// Closed breaker, as far as is known.
    pub(super) fn new(
        side: Side,
        limits: Limits,
        store: Arc<dyn OutsideStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            side,
            name: Named::of(side, limits.other_company),
            store,
            clock,
            breaker: Mutex::new(Breaker::new(limits.rules)),
            writing: tokio::sync::Mutex::default(),
            probing: AtomicBool::new(false),
            outage: watch::Sender::new(None),
        }
    }

    pub(super) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what the database says.
    pub(super) fn learn(&self, shared: Shared) {
        let mut breaker = self.breaker();
        if !breaker.learn(shared) {
            return;
        }
        // Under the lock: the last news is the last that is told.
        let before = self.outage.send_replace(shared.open);
        drop(breaker);
        if before.is_some() != shared.open.is_some() {
            let open = shared.open.is_some();
            gauge!("outside_breaker_open", "system" => self.name.label.clone())
                .set(f64::from(u8::from(open)));
            debug!(system = self.name.label.as_str(), open, "circuit breaker");
        }
    }

    /// Changes what is shared, if it still is as this process knows it; learns what is there otherwise.
    async fn swap(&self, seen: Shared, open: Option<Open>) -> StoreResult<bool> {
        if self.store.swap(self.side, seen.version, open).await? {
            self.learn(Shared {
                version: seen.version + 1,
                open,
            });
            return Ok(true);
        }
        for (side, shared) in self.store.breakers().await? {
            if side == self.side {
                self.learn(shared);
            }
        }
        Ok(false)
    }

    /// Leave to send a call, as far as the breaker is concerned.
    pub(super) async fn pass(self: &Arc<Self>, intent: Intent) -> PortResult<Pass> {
        let admission = self.breaker().admit(self.clock.now());
        match admission {
            Admission::Send => Ok(Pass::without_probe(intent)),
            Admission::Held(_) => Err(self.held()),
            Admission::Probe(_) => self.probe(intent).await,
        }
    }

    /// Renews the probe of this process, if it has one.
    pub(super) async fn hold_probe(&self) -> StoreResult<()> {
        let _alone = self.writing.lock().await;
        if !self.probing.load(Ordering::SeqCst) {
            return Ok(());
        }
        let shared = self.breaker().shared();
        if let Some(open) = shared.open {
            let probe_at = self.clock.now() + PROBE_LEASE;
            self.swap(shared, Some(Open { probe_at, ..open })).await?;
        }
        Ok(())
    }

    /// The pause is over: one caller of all processes goes.
    async fn probe(self: &Arc<Self>, intent: Intent) -> PortResult<Pass> {
        // Someone of this process is at it, or has just been.
        let Ok(_alone) = self.writing.try_lock() else {
            return Err(self.held());
        };
        let (shared, admission) = {
            let breaker = self.breaker();
            (breaker.shared(), breaker.admit(self.clock.now()))
        };
        match admission {
            Admission::Send => Ok(Pass::without_probe(intent)),
            Admission::Held(_) => Err(self.held()),
            Admission::Probe(open) => match self.swap(shared, Some(open)).await {
                Ok(true) => {
                    self.probing.store(true, Ordering::SeqCst);
                    Ok(Pass {
                        probe: Some(Arc::clone(self)),
                        intent,
                    })
                }
                Ok(false) if self.breaker().shared().open.is_none() => Ok(Pass::without_probe(intent)),
                Ok(false) => Err(self.held()),
                Err(error) => {
                    debug!(%error, "the circuit breaker can't be asked: the database is out of reach");
                    Err(self.held())
                }
            },
        }
    }

    /// So many calls have failed in a row that all processes are to know.
    pub(super) async fn open(&self, open: Open, why: &str, asked: Option<Duration>) {
        let _alone = self.writing.lock().await;
        let shared = self.breaker().shared();
        if shared.open.is_some() {
            return;
        }
        match self.swap(shared, Some(open)).await {
            Ok(true) => {
                let side = &self.name.called;
                if let Some(asked) = asked.filter(|asked| !asked.is_zero()) {
                    let seconds = asked.as_secs();
                    info!(
                        system = self.name.label.as_str(),
                        seconds,
                        "🔌 {side} asks to be left alone for {seconds} s ({why}): nobody calls it before"
                    );
                    return;
                }
                warn!(
                    system = self.name.label.as_str(),
                    "🔌 {side} does not answer (several calls in a row failed, the last one: {why}); rows wait, no \
                     try is used up; one probe every few seconds"
                );
            }
            Ok(false) => {}
            // The next failure tries again.
            Err(error) => debug!(%error, "the circuit breaker stays closed: the database is out of reach"),
        }
    }

    /// The probe has failed.
    pub(super) async fn stay_open(&self, why: &str, asked: Option<Duration>) {
        let _alone = self.writing.lock().await;
        self.probing.store(false, Ordering::SeqCst);
        let (shared, next) = {
            let breaker = self.breaker();
            let next = breaker.probe_failed(self.clock.now(), self.clock.jitter(), asked);
            (breaker.shared(), next)
        };
        if let Some(next) = next {
            debug!(
                system = self.name.label.as_str(),
                probes = next.probes,
                "still down: {why}"
            );
            if let Err(error) = self.swap(shared, Some(next)).await {
                debug!(%error, "the circuit breaker is not written: the database is out of reach");
            }
        }
    }

    /// The probe was answered, so the system is back, whoever has changed the state meanwhile.
    pub(super) async fn close(&self) {
        let _alone = self.writing.lock().await;
        self.probing.store(false, Ordering::SeqCst);
        for _ in 0..TRIES {
            let shared = self.breaker().shared();
            let Some(open) = shared.open else { return };
            match self.swap(shared, None).await {
                Ok(true) => {
                    let side = &self.name.called;
                    let seconds = (self.clock.now() - open.since).num_seconds();
                    info!(
                        system = self.name.label.as_str(),
                        seconds, "🔌 {side} answers again, after {seconds} s; rows go on"
                    );
                    return;
                }
                Ok(false) => {}
                Err(error) => {
                    debug!(%error, "the circuit breaker stays open: the database is out of reach");
                    return;
                }
            }
        }
    }

    /// How long until the next look.
    pub(super) fn left(&self, open: Open) -> Duration {
        let left: DateTime<Utc> = open.probe_at;
        (left - self.clock.now()).to_std().unwrap_or_default().max(AGAIN)
    }

    /// The write is not sent: none has been carried out of late.
    pub(super) fn write_held(&self, wait: Duration) -> PortError {
        counter!("outside_held_calls_total", "system" => self.name.label.clone()).increment(1);
        PortError::Unavailable {
            message: format!(
                "{} answers, but the last writes failed one after the other; one is tried now and then",
                &self.name.called
            ),
            retry_after: wait,
        }
    }

    /// The call is not sent.
    pub(super) fn held(&self) -> PortError {
        counter!("outside_held_calls_total", "system" => self.name.label.clone()).increment(1);
        let side = &self.name.called;
        match *self.outage.borrow() {
            Some(open) => {
                let since = open.since.format("%Y-%m-%d %H:%M:%S");
                PortError::Unavailable {
                    message: format!(
                        "{side} has not answered since {since} UTC; it is not asked until a probe is answered"
                    ),
                    retry_after: self.left(open),
                }
            }
            None => PortError::Unavailable {
                message: format!("{side} did not answer a moment ago"),
                retry_after: AGAIN,
            },
        }
    }
}
