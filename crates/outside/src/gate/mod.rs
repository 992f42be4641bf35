//! The gate that every call to one outside system passes: the circuit breaker ([`domain::breaker`]) that all processes
//! share through the database, and the ceiling of calls per second ([`crate::pace`]).
//!
//! While all is well it costs no statement. It never repeats a call and never decides what a failure means for a row.

mod state;

use std::sync::Arc;
use std::time::Duration;

use domain::breaker::{Failure, Open, Rules, Shared};
use domain::clock::Clock;
use domain::company::Company;
use domain::outside::OutsideStore;
use domain::ports::{PortError, PortResult, Side};
use domain::store::StoreResult;
use metrics::{counter, gauge};

pub(crate) use self::state::Pass;
use self::state::{AGAIN, State};
use crate::call::Intent;
use crate::pace::{Pace, Slot};

/// The rules of one gate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// When the breaker opens, and how often it looks.
    pub rules: Rules,
    /// The most calls of all processes together in a second; 0: no ceiling.
    pub calls_per_second: u32,
    /// Of which company a finance system is, if not of the first.
    pub other_company: Option<Company>,
}

/// One system's gate. Clones are the same gate, each with its own patience.
#[derive(Clone)]
pub struct Gate {
    state: Arc<State>,
    pace: Option<Arc<Pace>>,
    patience: Duration,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("side", &self.state.side)
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
        let state = State::new(side, limits, store, clock);
        let system = || state.name.label.clone();
        gauge!("outside_breaker_open", "system" => system()).set(0.0);
        counter!("outside_held_calls_total", "system" => system()).increment(0);
        for result in ["waited", "put_off"] {
            counter!("outside_paced_total", "system" => system(), "result" => result).increment(0);
        }
        let pace = (limits.calls_per_second > 0).then(|| Pace::new(limits.calls_per_second));
        Self {
            state: Arc::new(state),
            pace: pace.map(Arc::new),
            patience,
        }
    }

    /// The same gate for someone who can wait longer, or less long, for a turn.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self {
            patience,
            ..self.clone()
        }
    }

    /// The system that is behind it.
    #[must_use]
    pub fn side(&self) -> Side {
        self.state.side
    }

    /// As metrics name the system.
    pub(crate) fn label(&self) -> &str {
        &self.state.name.label
    }

    /// The outage, as far as this process knows.
    #[must_use]
    pub fn outage(&self) -> Option<Open> {
        *self.state.outage.borrow()
    }

    /// Whether a call would not be sent now.
    #[must_use]
    pub fn refuses(&self) -> bool {
        let now = self.state.clock.now();
        self.outage().is_some_and(|open| open.probe_at > now) || self.state.breaker().quiet_until() > now
    }

    /// Waits until the system is known to be down.
    pub async fn down(&self) {
        let mut outage = self.state.outage.subscribe();
        // The sender lives as long as this gate.
        let _ = outage.wait_for(Option::is_some).await;
    }

    /// Waits until a probe is due: the system is down, its pause is over, and nobody is known to probe.
    pub async fn probe_due(&self) {
        let mut outage = self.state.outage.subscribe();
        loop {
            let open = *outage.borrow_and_update();
            let wait = open.map(|open| {
                (open.probe_at - self.state.clock.now())
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
        self.state.learn(shared);
    }

    /// Renews the probe of this process, if it has one: a probe may take as long as a call.
    ///
    /// # Errors
    /// The database's own; the probe then lapses, and someone else may have it too.
    pub async fn hold_probe(&self) -> StoreResult<()> {
        self.state.hold_probe().await
    }

    /// Waits for leave to send a call.
    pub(crate) async fn admit(&self, intent: Intent) -> PortResult<Pass> {
        let state = &self.state;
        if self.refuses() {
            return Err(state.held());
        }
        if intent == Intent::Write
            && let Some(wait) = state.breaker().admit_write(state.clock.now())
        {
            return Err(state.write_held(wait));
        }
        self.wait_for_slot().await?;
        state.pass(intent).await
    }

    /// Where there is a ceiling: a place in the line of calls.
    async fn wait_for_slot(&self) -> PortResult<()> {
        let Some(pace) = &self.pace else {
            return Ok(());
        };
        let State {
            side,
            name,
            store,
            clock,
            ..
        } = &*self.state;
        let paced = |result: &'static str| {
            counter!("outside_paced_total", "system" => name.label.clone(), "result" => result).increment(1);
        };
        match pace.wait(*side, &**store, &**clock, self.patience).await {
            Slot::Now => Ok(()),
            Slot::Waited => {
                paced("waited");
                Ok(())
            }
            Slot::PutOff(message) => {
                paced("put_off");
                Err(PortError::Unavailable {
                    message,
                    retry_after: self.patience.max(AGAIN),
                })
            }
        }
    }

    /// Says how a call ended. `Some`: the system is down, or it fails at every write; no use asking before.
    pub(crate) async fn settle(&self, pass: Pass, outcome: Outcome<'_>) -> Option<Duration> {
        let state = &self.state;
        let probe = pass.is_probe();
        let write = pass.intent == Intent::Write;
        let mut wait = None;
        match outcome {
            Outcome::Up => {
                state.breaker().answered(write);
                if probe {
                    state.close().await;
                }
            }
            Outcome::Down { why, asked, .. } if probe => state.stay_open(why, asked).await,
            Outcome::Down { why, surely, asked } => {
                let failure = Failure { write, surely, asked };
                let (now, jitter) = (state.clock.now(), state.clock.jitter());
                let failed = state.breaker().failed(now, jitter, failure);
                wait = failed.wait;
                if let Some(open) = failed.open {
                    state.open(open, why, asked).await;
                }
            }
        }
        self.outage().map(|open| state.left(open)).or(wait)
    }

    /// The system has begun to answer this call: if it was the probe, that is enough.
    pub(crate) async fn answers(&self, pass: &mut Pass) {
        if pass.is_probe() {
            self.state.close().await;
            pass.give_back_probe();
        }
    }
}
