//! What every test needs: a simulator, a client of it, a stub that says what it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use siagh::{Config, Siagh};
use simulator::{Simulator, SimulatorConfig};

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

/// An answer of the stub.
#[derive(Clone)]
pub(crate) struct Said(
    pub(crate) u16,
    pub(crate) &'static [(&'static str, &'static str)],
    pub(crate) &'static str,
);

#[derive(Clone, Default)]
pub(crate) struct Stub {
    answers: Arc<Mutex<VecDeque<Said>>>,
    /// Path and body of each request.
    pub(crate) heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Stub {
    /// A server that gives these answers in turn, and the last for ever.
    pub(crate) async fn start(answers: &[Said]) -> (Self, Siagh) {
        let (stub, url) = Self::listening(answers).await;
        (stub, client(config(url), &simulator::Clock::system()))
    }

    async fn listening(answers: &[Said]) -> (Self, String) {
        let stub = Self {
            answers: Arc::new(Mutex::new(answers.iter().cloned().collect())),
            heard: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (stub, url)
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.heard
            .lock()
            .unwrap()
            .iter()
            .map(|(path, _)| path.clone())
            .collect()
    }
}

async fn answer(
    State(stub): State<Stub>,
    uri: Uri,
    _headers: HeaderMap,
    body: Bytes,
) -> Response<axum::body::Body> {
    stub.heard
        .lock()
        .unwrap()
        .push((uri.path().to_owned(), String::from_utf8_lossy(&body).into_owned()));
    if uri.path() == "/GeneralApi/LoginUser" {
        return Response::new(r#"{"SessionId":"s","FiscalYear":"1404"}"#.into());
    }
    let mut answers = stub.answers.lock().unwrap();
    let said = if answers.len() > 1 {
        answers.pop_front()
    } else {
        answers.front().cloned()
    };
    let Said(status, headers, body) = said.unwrap();
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Lines;

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
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

/// What was logged so far, by all tests.
pub(crate) fn logged() -> String {
    String::from_utf8_lossy(&LOGGED.lock().unwrap()).into_owned()
}
