//! The gate that every call to one outside system passes: the circuit breaker ([`domain::breaker`]) that all processes
//! share through the database, and the ceiling of calls per second ([`crate::pace`]).
//!
//! While all is well it costs no statement. It never repeats a call and never decides what a failure means for a row.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::breaker::{Admission, Breaker, Failure, Open, PROBE_LEASE, Rules, Shared};
use domain::clock::Clock;
use domain::outside::OutsideStore;
use domain::ports::{PortError, PortResult, Side};
use domain::store::StoreResult;
use metrics::{counter, gauge};
use tokio::sync::watch;
use tracing::{debug, info, warn};

use crate::http::Intent;
use crate::pace::{Pace, PollLease};

/// When it is not known when to look again: the database does not say.
const AGAIN: Duration = Duration::from_secs(1);
/// So often a change of the shared state is tried when others change it at the same time.
const TRIES: usize = 3;

/// The rules of one gate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// When the breaker opens, and how often it looks.
    pub rules: Rules,
    /// The most calls of all processes together in a second; 0: no ceiling.
    pub calls_per_second: u32,
}

/// One system's gate. Clones are the same gate, each with its own patience.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
    patience: Duration,
}

struct Inner {
    side: Side,
    store: Arc<dyn OutsideStore>,
    clock: Arc<dyn Clock>,
    breaker: Mutex<Breaker>,
    /// One change of the shared state at a time in this process.
    writing: tokio::sync::Mutex<()>,
    /// This process has the probe.
    probing: AtomicBool,
    /// The outage, for whoever waits for its beginning or end.
    outage: watch::Sender<Option<Open>>,
    pace: Option<Pace>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("side", &self.inner.side)
            .field("open", &self.outage())
            .finish_non_exhaustive()
    }
}

/// How a call ended, as far as the breaker is concerned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome<'a> {
    /// The system lives, whatever it thinks of the call.
    Up,
    /// It does not, in these words.
    Down {
        /// What is known, for people.
        why: &'a str,
        /// No record can be the cause.
        surely: bool,
        /// It asks to wait so long.
        asked: Option<Duration>,
    },
}

/// Leave to send one call. Whoever drops one without [`Gate::settle`] gives the probe back.
pub(crate) struct Pass {
    probe: Option<Arc<Inner>>,
    intent: Intent,
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(inner) = &self.probe {
            inner.probing.store(false, Ordering::SeqCst);
        }
    }
}

impl Gate {
    /// Closed breaker, as far as is known; no call waits longer than `patience` for its turn.
    #[must_use]
    pub fn new(
        side: Side,
        limits: Limits,
        store: Arc<dyn OutsideStore>,
        clock: Arc<dyn Clock>,
        patience: Duration,
    ) -> Self {
        gauge!("outside_breaker_open", "system" => label(side)).set(0.0);
        counter!("outside_held_calls_total", "system" => label(side)).increment(0);
        for result in ["waited", "put_off"] {
            counter!("outside_paced_total", "system" => label(side), "result" => result).increment(0);
        }
        let pace = (limits.calls_per_second > 0).then(|| Pace::new(limits.calls_per_second));
        let inner = Inner {
            side,
            store,
            clock,
            breaker: Mutex::new(Breaker::new(limits.rules)),
            writing: tokio::sync::Mutex::default(),
            probing: AtomicBool::new(false),
            outage: watch::Sender::new(None),
            pace,
        };
        Self {
            inner: Arc::new(inner),
            patience,
        }
    }

    /// The same gate for someone who can wait longer, or less long, for a turn.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            patience,
        }
    }

    /// The system that is behind it.
    #[must_use]
    pub fn side(&self) -> Side {
        self.inner.side
    }

    /// The outage, as far as this process knows.
    #[must_use]
    pub fn outage(&self) -> Option<Open> {
        *self.inner.outage.borrow()
    }

    /// Whether a call would not be sent now.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.outage()
            .is_some_and(|open| open.probe_at > self.inner.clock.now())
    }

    /// Waits until the system is known to be down.
    pub async fn down(&self) {
        let mut outage = self.inner.outage.subscribe();
        // The sender lives as long as this gate.
        let _ = outage.wait_for(Option::is_some).await;
    }

    /// Waits until a probe is due: the system is down, its pause is over, and nobody is known to probe.
    pub async fn probe_due(&self) {
        let mut outage = self.inner.outage.subscribe();
        loop {
            let open = *outage.borrow_and_update();
            let wait = open.map(|open| {
                (open.probe_at - self.inner.clock.now())
                    .to_std()
                    .unwrap_or_default()
            });
            match wait {
                Some(Duration::ZERO) => return,
                Some(wait) => {
                    // Woken by news, or by the end of the pause.
                    let _ = tokio::time::timeout(wait, outage.changed()).await;
                }
                None => {
                    let _ = outage.changed().await;
                }
            }
        }
    }

    /// Takes note of what the database says.
    pub fn learn(&self, shared: Shared) {
        self.inner.learn(shared);
    }

    /// Renews the probe of this process, if it has one: a probe may take as long as a call.
    ///
    /// # Errors
    /// The database's own; the probe then lapses, and someone else may have it too.
    pub async fn hold_probe(&self) -> StoreResult<()> {
        let _turn = self.inner.writing.lock().await;
        if !self.inner.probing.load(Ordering::SeqCst) {
            return Ok(());
        }
        let shared = self.inner.breaker().shared();
        if let Some(open) = shared.open {
            let probe_at = self.inner.clock.now() + PROBE_LEASE;
            self.inner.swap(shared, Some(Open { probe_at, ..open })).await?;
        }
        Ok(())
    }

    /// Waits for leave to send a call.
    pub(crate) async fn admit(&self, intent: Intent) -> PortResult<Pass> {
        let inner = &self.inner;
        if self.refuses() {
            return Err(inner.held());
        }
        if intent == Intent::Write
            && let Some(wait) = inner.breaker().admit_write(inner.clock.now())
        {
            return Err(inner.write_held(wait));
        }
        if let Some(pace) = &inner.pace {
            match pace
                .turn(inner.side, &*inner.store, &*inner.clock, self.patience)
                .await
            {
                PollLease::Now => {}
                PollLease::Waited => {
                    counter!("outside_paced_total", "system" => label(inner.side), "result" => "waited")
                        .increment(1);
                }
                PollLease::PutOff(why) => {
                    counter!("outside_paced_total", "system" => label(inner.side), "result" => "put_off")
                        .increment(1);
                    return Err(PortError::Unavailable {
                        message: why,
                        retry_after: self.patience.max(AGAIN),
                    });
                }
            }
        }
        let admission = inner.breaker().admit(inner.clock.now());
        match admission {
            Admission::Send => Ok(Pass { probe: None, intent }),
            Admission::Held(_) => Err(inner.held()),
            Admission::Probe(_) => inner.probe(intent).await,
        }
    }

    /// Says how a call ended. `Some`: the system is down, or it fails at every write; no use asking before.
    pub(crate) async fn settle(&self, pass: Pass, outcome: Outcome<'_>) -> Option<Duration> {
        let inner = &self.inner;
        let probe = pass.probe.is_some();
        let write = pass.intent == Intent::Write;
        let mut wait = None;
        match outcome {
            Outcome::Up => {
                inner.breaker().answered(write);
                if probe {
                    inner.close().await;
                }
            }
            Outcome::Down { why, asked, .. } if probe => inner.stay_open(why, asked).await,
            Outcome::Down { why, surely, asked } => {
                let failure = Failure { write, surely, asked };
                let (now, jitter) = (inner.clock.now(), inner.clock.jitter());
                let failed = inner.breaker().failed(now, jitter, failure);
                wait = failed.wait;
                if let Some(open) = failed.open {
                    inner.open(open, why).await;
                }
            }
        }
        self.outage().map(|open| inner.left(open)).or(wait)
    }

    /// The system has begun to answer this call: if it was the probe, that is enough.
    pub(crate) async fn answers(&self, pass: &mut Pass) {
        if pass.probe.is_some() {
            self.inner.close().await;
            let intent = pass.intent;
            drop(std::mem::replace(pass, Pass { probe: None, intent }));
        }
    }
}

impl Inner {
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, shared: Shared) {
        let mut breaker = self.breaker();
        if !breaker.learn(shared) {
            return;
        }
        // Under the lock: the last news is the last that is told.
        let before = self.outage.send_replace(shared.open);
        drop(breaker);
        if before.is_some() != shared.open.is_some() {
            let open = shared.open.is_some();
            gauge!("outside_breaker_open", "system" => label(self.side)).set(f64::from(u8::from(open)));
            debug!(system = label(self.side), open, "circuit breaker");
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

    /// The pause is over: one caller of all processes goes.
    async fn probe(self: &Arc<Self>, intent: Intent) -> PortResult<Pass> {
        // Someone of this process is at it, or has just been.
        let Ok(_turn) = self.writing.try_lock() else {
            return Err(self.held());
        };
        let (shared, admission) = {
            let breaker = self.breaker();
            (breaker.shared(), breaker.admit(self.clock.now()))
        };
        match admission {
            Admission::Send => Ok(Pass { probe: None, intent }),
            Admission::Held(_) => Err(self.held()),
            Admission::Probe(open) => match self.swap(shared, Some(open)).await {
                Ok(true) => {
                    self.probing.store(true, Ordering::SeqCst);
                    Ok(Pass {
                        probe: Some(Arc::clone(self)),
                        intent,
                    })
                }
                Ok(false) if self.breaker().shared().open.is_none() => Ok(Pass { probe: None, intent }),
                Ok(false) => Err(self.held()),
                Err(error) => {
                    debug!(%error, "the circuit breaker can't be asked: the database is out of reach");
                    Err(self.held())
                }
            },
        }
    }

    async fn open(&self, open: Open, why: &str) {
        let _turn = self.writing.lock().await;
        let shared = self.breaker().shared();
        if shared.open.is_some() {
            return;
        }
        match self.swap(shared, Some(open)).await {
            Ok(true) => {
                let side = called(self.side);
                warn!(
                    system = label(self.side),
                    "🔌 {side} does not answer (several calls in a row failed, the last one: {why}); rows wait, no \
                     try is used up; one probe every few seconds"
                );
            }
            Ok(false) => {}
            // The next failure tries again.
            Err(error) => debug!(%error, "the circuit breaker stays closed: the database is out of reach"),
        }
    }

    async fn stay_open(&self, why: &str, asked: Option<Duration>) {
        let _turn = self.writing.lock().await;
        self.probing.store(false, Ordering::SeqCst);
        let (shared, next) = {
            let breaker = self.breaker();
            let next = breaker.probe_failed(self.clock.now(), self.clock.jitter(), asked);
            (breaker.shared(), next)
        };
        if let Some(next) = next {
            debug!(
                system = label(self.side),
                probes = next.probes,
                "still down: {why}"
            );
            if let Err(error) = self.swap(shared, Some(next)).await {
                debug!(%error, "the circuit breaker is not written: the database is out of reach");
            }
        }
    }

    /// The probe was answered, so the system is back, whoever has changed the state meanwhile.
    async fn close(&self) {
        let _turn = self.writing.lock().await;
        self.probing.store(false, Ordering::SeqCst);
        for _ in 0..TRIES {
            let shared = self.breaker().shared();
            let Some(open) = shared.open else { return };
            match self.swap(shared, None).await {
                Ok(true) => {
                    let side = called(self.side);
                    let seconds = (self.clock.now() - open.since).num_seconds();
                    info!(
                        system = label(self.side),
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
    fn left(&self, open: Open) -> Duration {
        let left: DateTime<Utc> = open.probe_at;
        (left - self.clock.now()).to_std().unwrap_or_default().max(AGAIN)
    }

    /// The write is not sent: none has been carried out of late.
    fn write_held(&self, wait: Duration) -> PortError {
        counter!("outside_held_calls_total", "system" => label(self.side)).increment(1);
        PortError::Unavailable {
            message: format!(
                "{} answers, but the last writes failed one after the other; one is tried now and then",
                called(self.side)
            ),
            retry_after: wait,
        }
    }

    /// The call is not sent.
    fn held(&self) -> PortError {
        counter!("outside_held_calls_total", "system" => label(self.side)).increment(1);
        let side = called(self.side);
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

/// As metrics say it.
pub(crate) fn label(side: Side) -> &'static str {
    match side {
        Side::Crm => "crm",
        Side::Finance => "finance",
    }
}

/// As sentences say it.
fn called(side: Side) -> &'static str {
    match side {
        Side::Crm => "the CRM",
        Side::Finance => "finance",
    }
}
