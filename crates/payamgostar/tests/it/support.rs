//! What every test needs: a simulator, a client of it, a stub that says what it is told to.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use payamgostar::{Config, Credentials, Payamgostar};
use secrecy::SecretString;
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

pub(crate) fn client(config: Config, clock: &simulator::Clock) -> Payamgostar {
    // A second test finds both installed: as good.
    keep_logs();
    let _ = rustls::crypto::ring::default_provider().install_default();
    Payamgostar::new(config, Arc::new(Shared(clock.clone()))).unwrap()
}

pub(crate) fn with_password(url: impl Into<String>) -> Config {
    let password = SecretString::from("crm-password");
    let credentials = Credentials::Password {
        username: "siaghsync".to_owned(),
        password,
    };
    Config {
        timeout: Duration::from_millis(800),
        ..Config::new(url, credentials)
    }
}

pub(crate) fn with_token(url: impl Into<String>) -> Config {
    let credentials = Credentials::Token(SecretString::from("simulator-api-token"));
    Config {
        timeout: Duration::from_millis(800),
        ..Config::new(url, credentials)
    }
}

/// A simulator and a client that logs in to it.
pub(crate) async fn simulated() -> (Simulator, Payamgostar) {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let client = client(with_password(simulator.crm_url()), simulator.clock());
    (simulator, client)
}

/// A stub that gives these answers, and a client with a token.
pub(crate) async fn stubbed(answers: &[Said]) -> (Stub, Payamgostar) {
    let (stub, url) = Stub::start(answers, None).await.unwrap();
    (stub, client(with_token(url), &simulator::Clock::system()))
}

/// The same with a client that logs in.
pub(crate) async fn stubbed_with_login(answers: &[Said]) -> (Stub, Payamgostar) {
    let (stub, url) = Stub::start(answers, None).await.unwrap();
    (stub, client(with_password(url), &simulator::Clock::system()))
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
