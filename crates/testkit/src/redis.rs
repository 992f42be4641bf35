//! A Redis process of a test's own, which may be restarted, paused and flushed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test support may fail")]

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::port;

/// A `redis-server` of a test's own; ended when it is dropped.
#[derive(Debug)]
pub struct Server {
    port: u16,
    /// What a cluster's nodes talk to each other on; only such a node has one.
    bus_port: u16,
    dir: TempDir,
    extra: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// Started, append-only as in production, on a free port.
    pub async fn start() -> Self {
        let mut server = Self::stopped();
        server.up().await;
        server
    }

    /// Only a port and a directory yet.
    #[must_use]
    pub fn stopped() -> Self {
        Self {
            port: port::free(),
            bus_port: port::free(),
            dir: tempfile::tempdir().unwrap(),
            extra: Vec::new(),
            child: None,
        }
    }

    /// Told these options as well from its next start on; they win.
    #[must_use]
    pub fn with(mut self, options: &[&str]) -> Self {
        self.extra.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// Makes it a node of a cluster from its next start on.
    pub fn in_a_cluster(&mut self, more: &[&str]) {
        let bus = self.bus_port.to_string();
        let cluster = ["--cluster-enabled", "yes", "--cluster-port", &bus];
        let patience = ["--cluster-node-timeout", "2000"];
        self.extra = [&cluster[..], &patience, more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect();
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port of its cluster bus.
    #[must_use]
    pub fn bus_port(&self) -> u16 {
        self.bus_port
    }

    /// Whether it was started and not killed since.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.child.is_some()
    }

    /// Its process.
    ///
    /// # Panics
    /// When it is down.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it, and waits until it answers.
    pub async fn up(&mut self) {
        let child = Command::new("redis-server")
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .args(["--enable-debug-command", "yes"])
            .args(&self.extra)
            .current_dir(self.dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
        for _ in 0..500 {
            if self.command(&["PING"]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not start");
    }

    /// Killed, as by a crash.
    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stopped without closing a connection (`STOP`), or going on (`CONT`).
    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Sends it one command.
    ///
    /// # Errors
    /// Redis' own.
    pub async fn command(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let mut connection = connection(&self.url()).await?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.down();
    }
}

/// A connection that waits 10 s for an answer: the client's own half a second is too little on a busy machine.
///
/// # Errors
/// Redis' own.
pub async fn connection(url: &str) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(10)));
    let client = redis::Client::open(url)?;
    client.get_multiplexed_async_connection_with_config(&config).await
}
