//! One revision's services with all that they need, fresh for a case.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use domain::clock::{Clock as _, SystemClock};
use domain::store::sql::connect_to_migrate;
use sea_orm::DatabaseConnection;
use tempfile::TempDir;
use testkit::port;

use super::program::Program;
use super::simulator::Sim;
use super::stage::{ROLE, Stage};
use crate::options::Revision;

const SECRET: &str = "secret-of-the-bench";
pub(super) const DATABASE: &str = "bench";
/// How long a service may take to be ready.
const READY: Duration = Duration::from_secs(60);
/// Each poll by its name in the database.
const POLLS: [&str; 5] = [
    "crm:person",
    "crm:organization",
    "crm:quote",
    "crm:invoice",
    "finance:contacts",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Postgres,
    Sqlite,
}

/// What a case wants of its deployment.
pub struct Setup {
    pub database: Database,
    /// Beside ingest.
    pub workers: usize,
    /// Requests that the simulator keeps.
    pub requests: usize,
    pub settings: Vec<(&'static str, String)>,
}

impl Setup {
    pub fn with_workers(workers: usize) -> Self {
        Self {
            database: Database::Postgres,
            workers,
            requests: 0,
            settings: Vec::new(),
        }
    }
}

/// Names and ids of processes.
pub type Roster = Arc<Mutex<Vec<(String, u32)>>>;

pub struct Deployment<'a> {
    pub stage: &'a Stage,
    pub sim: Sim,
    /// The bench's own connection.
    pub db: DatabaseConnection,
    services: Vec<Program>,
    roster: Roster,
    revision: &'a Revision,
    setup: Setup,
    url: String,
    port: u16,
    folder: TempDir,
}

impl<'a> Deployment<'a> {
    /// All services run and are ready; both outside systems are empty, and no poll is due.
    pub async fn start(
        stage: &'a Stage,
        revision: &'a Revision,
        simulator: &Revision,
        setup: Setup,
    ) -> anyhow::Result<Self> {
        let mut deployment = Self::prepared(stage, revision, simulator, setup).await?;
        deployment.run_all().await?;
        Ok(deployment)
    }

    /// With tables, and no service yet.
    pub async fn prepared(
        stage: &'a Stage,
        revision: &'a Revision,
        simulator: &Revision,
        setup: Setup,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        stage.clear(DATABASE).await?;
        let (url, own) = match setup.database {
            Database::Postgres => (stage.url(ROLE, DATABASE), stage.url("postgres", DATABASE)),
            Database::Sqlite => {
                let url = format!("sqlite://{}?mode=rwc", folder.path().join("bench.db").display());
                (url.clone(), url)
            }
        };
        let sim = Sim::start(&simulator.program("siagh-simulator"), &stage.http, setup.requests).await?;
        let deployment = Self {
            stage,
            sim,
            // A service's connection would give up what takes long.
            db: connect_to_migrate(&own).await?,
            services: Vec::new(),
            roster: Roster::default(),
            revision,
            setup,
            url,
            port: port::free(),
            folder,
        };
        deployment.migrate().await?;
        deployment.no_polls().await?;
        Ok(deployment)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        let migrating = self.program("siaghsync", "migrate", &["migrate"], &[])?;
        migrating.done().await.with_context(|| self.end_of_log("migrate"))
    }

    async fn no_polls(&self) -> anyhow::Result<()> {
        let tomorrow = SystemClock.now() + chrono::Duration::days(1);
        for poll in POLLS {
            let sql = r#"INSERT INTO "PollCursor" ("name", "notBefore", "leaseToken", "updatedAt") VALUES ($1, $2, 0, $2)"#;
            self.execute(sql, [poll.into(), tomorrow.into()]).await?;
        }
        Ok(())
    }

    /// All services that this deployment has.
    pub async fn run_all(&mut self) -> anyhow::Result<()> {
        match self.setup.database {
            Database::Sqlite => self.run("siaghsync", &["serve"]).await,
            Database::Postgres => {
                self.run("siagh-ingest", &[]).await?;
                self.run_workers(self.setup.workers).await
            }
        }
    }

    pub async fn run_workers(&mut self, workers: usize) -> anyhow::Result<()> {
        for _ in 0..workers {
            self.run("siagh-worker", &[]).await?;
        }
        Ok(())
    }

    /// Ready when this returns.
    async fn run(&mut self, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let same = self
            .services
            .iter()
            .filter(|one| one.name.starts_with(program))
            .count();
        let name = match same {
            0 => program.to_owned(),
            n => format!("{program}-{}", n + 1),
        };
        let worker_port = port::free();
        let listens = if program == "siagh-worker" {
            worker_port
        } else {
            self.port
        };
        let more = [("WORKER_PORT", worker_port.to_string())];
        let service = self.program(program, &name, arguments, &more)?;
        self.services.push(service);
        self.enrol();
        let (ready, started) = (format!("http://127.0.0.1:{listens}/health/ready"), Instant::now());
        loop {
            let answer = self.stage.http.get(&ready).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            let ended = self.services.last_mut().is_some_and(Program::has_ended);
            if ended || started.elapsed() > READY {
                anyhow::bail!("{name} does not get ready: {}", self.end_of_log(&name));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends those services in good order.
    pub async fn end(&mut self, program: &str) -> anyhow::Result<()> {
        let (ended, others) = std::mem::take(&mut self.services)
            .into_iter()
            .partition(|one: &Program| one.name.starts_with(program));
        self.services = others;
        self.enrol();
        for service in ended {
            service.end().await?;
        }
        Ok(())
    }

    fn program(
        &self,
        program: &str,
        name: &str,
        arguments: &[&str],
        more: &[(&str, String)],
    ) -> anyhow::Result<Program> {
        let owned = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        let mut settings = self.settings();
        settings.extend(self.setup.settings.iter().map(owned));
        settings.extend(more.iter().map(owned));
        let path = self.revision.program(program);
        Program::start(&path, name, arguments, &settings, self.folder.path())
    }

    fn settings(&self) -> Vec<(String, String)> {
        let simulated = simulator::SimulatorConfig::default();
        [
            ("DATABASE_URL", self.url.clone()),
            ("REDIS_URL", self.stage.redis.url()),
            ("CRM_API_BASE_URL", self.sim.crm.clone()),
            ("CRM_API_TOKEN", simulated.crm.api_token),
            ("FINANCE_API_BASE_URL", self.sim.finance.clone()),
            ("FINANCE_USERNAME", simulated.finance.username),
            ("FINANCE_PASSWORD", simulated.finance.password),
            ("WEBHOOK_SECRET", SECRET.to_owned()),
            ("PORT", self.port.to_string()),
            ("LOG_FORMAT", "json".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// `what`: `identity`, `quote`.
    pub fn webhook(&self, what: &str, event: &str, id: &str) -> String {
        let kind = if what == "identity" { "Identity" } else { "Quote" };
        format!(
            "http://127.0.0.1:{}/webhook/crm/{what}?token={SECRET}&event={event}&id={id}&type={kind}",
            self.port
        )
    }

    pub fn pids(&self) -> Vec<u32> {
        self.services.iter().map(Program::pid).collect()
    }

    /// Those that run, also later.
    pub fn roster(&self) -> Roster {
        self.roster.clone()
    }

    fn enrol(&self) {
        let mut roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
        *roster = self
            .services
            .iter()
            .map(|one| (one.name.clone(), one.pid()))
            .collect();
    }

    pub fn is_on_postgres(&self) -> bool {
        self.setup.database == Database::Postgres
    }

    pub fn now(&self) -> DateTime<Utc> {
        SystemClock.now()
    }

    fn end_of_log(&self, name: &str) -> String {
        let log = std::fs::read_to_string(self.folder.path().join(format!("{name}.log")));
        let log = log.unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}
