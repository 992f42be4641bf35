//! What the doorbell tests share: rings, a notebook of what was handled, a namespace that is removed.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::ports::Ring;
use redis::AsyncCommands as _;
use service::doorbell::{Listening, RedisDoorbell, RedisListener, RedisOptions, TAG};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub fn url() -> String {
    std::env::var("TEST_REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned())
}

pub fn ring() -> Ring {
    Ring {
        row: Uuid::new_v4(),
        traceparent: None,
    }
}

pub fn rings(count: usize) -> Vec<Ring> {
    (0..count).map(|_| ring()).collect()
}

pub fn listening(concurrency: usize) -> Listening {
    Listening {
        concurrency,
        grace: Duration::from_secs(10),
        name: "test".to_owned(),
    }
}

/// Rows by how often they were handled.
#[derive(Clone, Default)]
pub struct Notebook(Arc<Mutex<HashMap<Uuid, usize>>>);

impl Notebook {
    pub fn note(&self, row: Uuid) {
        *self.0.lock().unwrap().entry(row).or_default() += 1;
    }

    pub fn has(&self, rings: &[Ring]) -> bool {
        let seen = self.0.lock().unwrap();
        rings.iter().all(|ring| seen.contains_key(&ring.row))
    }

    pub fn missing(&self, rings: &[Ring]) -> usize {
        let seen = self.0.lock().unwrap();
        rings.iter().filter(|ring| !seen.contains_key(&ring.row)).count()
    }

    /// Rows, and runs.
    pub fn totals(&self) -> (usize, usize) {
        let seen = self.0.lock().unwrap();
        (seen.len(), seen.values().sum())
    }

    pub async fn wait_for(&self, rings: &[Ring], limit: Duration) {
        let all = eventually(limit, || async { self.has(rings) }).await;
        assert!(
            all,
            "{} of {} rings were not handled within {limit:?}",
            self.missing(rings),
            rings.len()
        );
    }
}

pub async fn eventually<F: Future<Output = bool>>(limit: Duration, look: impl Fn() -> F) -> bool {
    let end = tokio::time::Instant::now() + limit;
    while tokio::time::Instant::now() < end {
        if look().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    look().await
}

/// A queue in keys of its own.
pub struct Queue {
    pub url: String,
    pub options: RedisOptions,
}

impl Queue {
    pub fn at(url: impl Into<String>, capacity: usize) -> Self {
        let namespace = format!("{TAG}:siagh-test-{}", Uuid::new_v4().simple());
        Self {
            url: url.into(),
            options: RedisOptions { capacity, namespace },
        }
    }

    pub fn shared(capacity: usize) -> Self {
        Self::at(url(), capacity)
    }

    pub fn bell(&self) -> RedisDoorbell {
        RedisDoorbell::connect(&self.url, &self.options).unwrap()
    }

    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.options.namespace)
    }

    pub async fn connection(&self) -> redis::aio::MultiplexedConnection {
        testkit::redis::connection(&self.url).await.unwrap()
    }

    /// Listens in a task of its own.
    pub fn listen<H, F>(&self, how: Listening, handler: H) -> Running
    where
        H: Fn(Ring) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let shutdown = CancellationToken::new();
        let listener = RedisListener::new(&self.url, &self.options).unwrap();
        let task = tokio::spawn(listener.run(how, handler, shutdown.clone()));
        Running { shutdown, task }
    }

    /// Listens and notes.
    pub fn note(&self, concurrency: usize, notebook: &Notebook) -> Running {
        let notebook = notebook.clone();
        self.listen(listening(concurrency), move |ring| {
            let notebook = notebook.clone();
            async move { notebook.note(ring.row) }
        })
    }

    /// Removes its keys.
    pub async fn remove(self) {
        let mut connection = self.connection().await;
        let keys: Vec<String> = connection
            .keys(format!("{}*", self.options.namespace))
            .await
            .unwrap();
        if !keys.is_empty() {
            let () = connection.unlink(keys).await.unwrap();
        }
        let () = connection
            .zrem("core:apalis:queues:list", self.key("workers"))
            .await
            .unwrap();
    }
}

/// A listener at work.
pub struct Running {
    pub shutdown: CancellationToken,
    pub task: JoinHandle<()>,
}

impl Running {
    /// Ends it in an orderly way.
    pub async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(15), self.task)
            .await
            .expect("it ends")
            .unwrap();
    }
}
