//! A client behind a gate, and a clock to turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::breaker::Rules;
use domain::clock::{Clock, SystemClock};
use domain::outside::OutsideStore;
use domain::ports::{PortError, PortResult, Side};
use outside::{Answer, Call, Gate, Http, Intent, Limits, System};
use testkit::memory::MemoryOutside;

pub const FINANCE: System = System {
    side: Side::Finance,
    name: "finance",
    address: "FINANCE_API_BASE_URL",
    late: |_, cause| format!("late: {cause}"),
};

/// The machine's clock, and as far ahead of it as a test turns it.
#[derive(Default)]
pub struct Ahead(AtomicI64);

impl Ahead {
    pub fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Ahead {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + chrono::Duration::milliseconds(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

pub fn quick() -> Limits {
    Limits {
        other_company: None,
        rules: Rules {
            failures: 5,
            shortest: Duration::from_millis(100),
            longest: Duration::from_millis(400),
        },
        calls_per_second: 0,
    }
}

/// One process: its gate on what all share, and its client.
#[derive(Clone)]
pub struct Process {
    pub gate: Gate,
    http: Arc<Http>,
    shared: MemoryOutside,
}

impl Process {
    pub fn new(url: &str, limits: Limits, shared: &MemoryOutside, clock: Arc<dyn Clock>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let patience = Duration::from_secs(2);
        let gate = Gate::new(
            Side::Finance,
            limits,
            Arc::new(shared.clone()),
            clock.clone(),
            patience,
        );
        let base = outside::address(url).unwrap();
        let second = Duration::from_secs(5);
        let http = Http::new(FINANCE, &base, second, second, clock, Some(gate.clone())).unwrap();
        Self {
            gate,
            http: Arc::new(http),
            shared: shared.clone(),
        }
    }

    pub async fn call(&self, intent: Intent) -> PortResult<Answer> {
        self.http
            .exchange(&Call::post("/x", None, intent), None, None)
            .await
    }

    /// The call as a connector would see it: a status that is no success is an error.
    pub async fn ask(&self, intent: Intent) -> PortResult<()> {
        let answer = self.call(intent).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(FINANCE.status(&Call::post("/x", None, intent), &answer, None))
    }

    /// What the keeper of a service does once a second.
    pub async fn refresh(&self) {
        for (side, shared) in self.shared.breakers().await.unwrap() {
            if side == Side::Finance {
                self.gate.learn(shared);
            }
        }
        self.gate.hold_probe().await.unwrap();
    }
}

pub fn retry_after(error: &PortError) -> Option<Duration> {
    match error {
        PortError::Unavailable { retry_after, .. } => Some(*retry_after),
        _ => None,
    }
}
