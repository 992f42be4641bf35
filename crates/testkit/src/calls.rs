//! What the tests of a connector need: a stub server that says what it is told to, and the lines that were logged.
//!
//! It knows neither system; what a simulator can do is not its matter.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{Response, Uri};

/// An answer of the stub: status, headers, body.
#[derive(Debug, Clone)]
pub struct Said(
    pub u16,
    pub &'static [(&'static str, &'static str)],
    pub &'static str,
);

/// A server that gives its answers in turn, and the last for ever.
#[derive(Debug, Clone, Default)]
pub struct Stub {
    answers: Arc<Mutex<VecDeque<Said>>>,
    /// The path that always gets the same answer, which is none of the others.
    fixed: Option<(&'static str, &'static str)>,
    heard: Arc<Mutex<Vec<String>>>,
    callers: Arc<Mutex<BTreeSet<SocketAddr>>>,
}

impl Stub {
    /// Starts it and says its address. A `fixed` path is always answered with that body.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(
        answers: &[Said],
        fixed: Option<(&'static str, &'static str)>,
    ) -> anyhow::Result<(Self, String)> {
        let stub = Self {
            answers: Arc::new(Mutex::new(answers.iter().cloned().collect())),
            fixed,
            heard: Arc::default(),
            callers: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let app = Router::new().fallback(answer).with_state(stub.clone());
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok((stub, url))
    }

    /// The path of each request so far.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        open(&self.heard).clone()
    }

    /// On how many connections they came.
    #[must_use]
    pub fn connections(&self) -> usize {
        open(&self.callers).len()
    }
}

async fn answer(
    State(stub): State<Stub>,
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    uri: Uri,
    _whole: Bytes,
) -> Response<Body> {
    open(&stub.heard).push(uri.path().to_owned());
    open(&stub.callers).insert(caller);
    if let Some((path, body)) = stub.fixed
        && uri.path() == path
    {
        return Response::new(body.into());
    }
    let mut answers = open(&stub.answers);
    let said = if answers.len() > 1 {
        answers.pop_front()
    } else {
        answers.front().cloned()
    };
    let Some(Said(status, headers, body)) = said else {
        panic!("the stub was told no answer")
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    match response.body(body.into()) {
        Ok(response) => response,
        Err(error) => panic!("the stub was told what is no answer: {error}"),
    }
}

static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Where a test's subscriber writes, so that [`logged`] shows it.
#[derive(Debug)]
pub struct Lines;

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        open(&LOGGED).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What this process has written to [`Lines`] so far, by all tests.
#[must_use]
pub fn logged() -> String {
    String::from_utf8_lossy(&open(&LOGGED)).into_owned()
}

/// Also after another test has panicked with it.
fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
