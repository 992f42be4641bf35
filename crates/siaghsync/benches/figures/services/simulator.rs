//! Both outside systems, as a process of its own; what is asked of its control API.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::program::Program;

const PATIENCE: Duration = Duration::from_secs(10);

pub struct Sim {
    program: Program,
    http: Client,
    control: String,
    pub crm: String,
    pub finance: String,
    _folder: TempDir,
}

/// What both systems together have counted so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub calls: u64,
    /// Through finance's API.
    pub saves: u64,
}

impl Sim {
    /// `requests`: so many of the latest requests of each system are kept.
    pub async fn start(program: &Path, http: &Client, requests: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("config.json");
        std::fs::write(&config, json!({"keep_requests": requests}).to_string())?;
        let settings = [
            ("RUST_LOG", "warn".to_owned()),
            ("SIM_CONFIG", config.display().to_string()),
            ("SIM_CRM_PORT", "0".to_owned()),
            ("SIM_FINANCE_PORT", "0".to_owned()),
            ("SIM_CONTROL_PORT", "0".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let program = Program::start(program, "simulator", &[], &settings, folder.path())?;
        let [crm, finance, control] = addresses(&folder.path().join("simulator.log")).await?;
        Ok(Self {
            program,
            http: http.clone(),
            control,
            crm,
            finance,
            _folder: folder,
        })
    }

    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    /// A list that a path shows.
    pub async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        match self.get(path).await? {
            Value::Array(all) => Ok(all),
            other => anyhow::bail!("the simulator's {path} is no list: {other}"),
        }
    }

    pub async fn counts(&self) -> anyhow::Result<Counts> {
        let stats = self.get("/stats").await?;
        let of = |system: &str, what: &str| stats[system][what].as_u64().unwrap_or(0);
        Ok(Counts {
            calls: of("crm", "requests") + of("finance", "requests"),
            saves: of("finance", "api_saves"),
        })
    }

    /// From now on each outside call takes that long.
    pub async fn slow(&self, ms: u64) -> anyhow::Result<()> {
        let rules = json!({"rules": [{"kind": "slow", "ms": ms}]});
        self.put("/faults", &rules).await.map(drop)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.control));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("simulator, {path}"))?;
        let (status, body) = (answer.status(), answer.bytes().await?);
        anyhow::ensure!(
            status.is_success(),
            "simulator, {path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        Ok(serde_json::from_slice(&body)?)
    }
}

/// What it says first.
async fn addresses(log: &Path) -> anyhow::Result<[String; 3]> {
    let names = ["CRM_API_BASE_URL=", "FINANCE_API_BASE_URL=", "SIM_CONTROL_URL="];
    let started = Instant::now();
    loop {
        let said = std::fs::read_to_string(log)?;
        let found = names.map(|name| said.lines().find_map(|line| line.strip_prefix(name)));
        // The last line is whole once a line's end stands behind it.
        if let ([Some(crm), Some(finance), Some(control)], true) = (found, said.ends_with('\n')) {
            return Ok([crm, finance, control].map(str::to_owned));
        }
        anyhow::ensure!(
            started.elapsed() < PATIENCE,
            "the simulator does not start: {said}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
