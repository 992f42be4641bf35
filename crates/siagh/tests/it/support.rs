//! What every test needs: a simulator, a client of it, a stub that says what it is told to.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use siagh::{Config, Siagh};
use simulator::{Simulator, SimulatorConfig};
use testkit::calls::{Lines, Said, Stub};

/// The simulator's clock as the domain's.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) simulator::Clock);

impl domain::clock::Clock for Shared {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        (self.0.now() - DateTime::UNIX_EPOCH).to_std().unwrap_or_default()
    }
}

pub(crate) fn client(config: Config, clock: &simulator::Clock) -> Siagh {
    // A second test finds both installed: as good.
    keep_logs();
    let _ = rustls::crypto::ring::default_provider().install_default();
    Siagh::new(config, Arc::new(Shared(clock.clone()))).unwrap()
}

pub(crate) fn config(url: impl Into<String>) -> Config {
    let password = SecretString::from("finance-password");
    Config {
        timeout: Duration::from_millis(800),
        ..Config::new(url, "مدیر سیستم", password)
    }
}

/// A simulator and a client that logs in to it.
pub(crate) async fn simulated() -> (Simulator, Siagh) {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let client = client(config(simulator.finance_url()), simulator.clock());
    (simulator, client)
}

/// A stub that lets in and then gives these answers, and a client of it.
pub(crate) async fn stubbed(answers: &[Said]) -> (Stub, Siagh) {
    let login = (
        "/GeneralApi/LoginUser",
        r#"{"SessionId":"s","FiscalYear":"1404"}"#,
    );
    let (stub, url) = Stub::start(answers, Some(login)).await.unwrap();
    (stub, client(config(url), &simulator::Clock::system()))
}

/// From now on every line that this process logs is kept, spans with them.
fn keep_logs() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_writer(|| Lines);
    let _ = subscriber.try_init();
}
