//! A deployment of a test's own: simulator, database, Redis, and the services as processes.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use domain::polls::{Begin, CRM_ORGANIZATION, CRM_PERSON, CRM_QUOTES, FINANCE_CONTACTS, PollStore, Rhythm};
use domain::store::Stats;
use domain::store::Store;
use domain::store::entities::{link, log};
use sea_orm::{EntityTrait, QueryOrder};
use simulator::config::{NativeHook, SignedHook};
use simulator::sample::SampleCustomer;
use simulator::{Simulator, SimulatorConfig};
use testkit::redis::Server;
use testkit::{Engine, TestDb, port};

pub const SECRET: &str = "s3cret-of-the-tests";

/// A process that is killed when it is dropped; its log is in a file.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub fn start(name: &str, arguments: &[&str], settings: &[(String, String)], log: PathBuf) -> Self {
        let file = std::fs::File::create(&log).unwrap();
        let child = Command::new(binary(name))
            .args(arguments)
            .env_clear()
            .envs(settings.iter().map(|(k, v)| (k, v)))
            .current_dir(log.parent().unwrap())
            .stdout(Stdio::from(file.try_clone().unwrap()))
            .stderr(Stdio::from(file))
            .spawn()
            .unwrap_or_else(|e| panic!("{name}: {e}; `cargo build --workspace --bins` first"));
        Self { child, log }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Where its log is.
    pub fn log_path(&self) -> PathBuf {
        self.log.clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Its exit code once it has ended, in whatever way.
    pub fn ended(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().unwrap().map(|status| status.code())
    }

    /// SIGTERM, and the exit code within `limit`.
    pub fn stop(self, limit: Duration) -> Option<i32> {
        self.signal("TERM");
        self.wait(limit)
    }

    /// The exit code within `limit`.
    pub fn wait(mut self, limit: Duration) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(40).collect();
            println!("── {}", self.log.display());
            tail.iter().rev().for_each(|line| println!("{line}"));
        }
    }
}

/// One of the workspace's programs, as it was built beside this test.
pub fn binary(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_siaghsync")).with_file_name(name)
}

/// For tests of webhooks alone: the polls are not due within a test.
async fn no_polls(db: &TestDb) {
    let rhythm = Rhythm {
        interval: Duration::ZERO,
        lease: Duration::from_secs(1),
    };
    for poll in [CRM_PERSON, CRM_ORGANIZATION, CRM_QUOTES, FINANCE_CONTACTS] {
        let Begin::Taken(turn) = db.store.begin(poll, "tests", rhythm).await.unwrap() else {
            panic!("{poll}")
        };
        db.store
            .give_back(&turn, Duration::from_secs(3600))
            .await
            .unwrap();
    }
}

/// Everything but the services.
pub struct Deployment {
    pub sim: Simulator,
    pub db: TestDb,
    pub redis: Option<Server>,
    pub port: u16,
    pub http: reqwest::Client,
    extra: Vec<(String, String)>,
    folder: tempfile::TempDir,
    started: std::cell::Cell<u32>,
}

impl Deployment {
    pub async fn new(engine: Engine, extra: &[(&str, &str)]) -> Self {
        Self::with(engine, TestDb::new(engine).await.unwrap(), extra).await
    }

    /// On a database of the test's own.
    pub async fn with(engine: Engine, db: TestDb, extra: &[(&str, &str)]) -> Self {
        Self::around(SimulatorConfig::default(), engine, db, extra).await
    }

    /// With a simulator that is set up otherwise.
    pub async fn around(config: SimulatorConfig, engine: Engine, db: TestDb, extra: &[(&str, &str)]) -> Self {
        service::crypto::install();
        let sim = Simulator::start(config).await.unwrap();
        let redis = if engine == Engine::Postgres {
            Some(Server::start().await)
        } else {
            None
        };
        if !extra.iter().any(|(name, _)| *name == "POLL_INTERVAL_SECONDS") {
            no_polls(&db).await;
        }
        Self {
            sim,
            db,
            redis,
            port: port::free(),
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(20))
                .build()
                .unwrap(),
            extra: extra
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            folder: tempfile::tempdir().unwrap(),
            started: 0.into(),
        }
    }

    /// From now on the services are told this, too.
    pub fn set(&mut self, name: &str, value: &str) {
        self.extra.push((name.to_owned(), value.to_owned()));
    }

    pub fn settings(&self) -> Vec<(String, String)> {
        let (crm, finance) = (self.sim.crm().config(), self.sim.finance().config());
        let mut settings: Vec<(String, String)> = [
            ("DATABASE_URL", self.db.url.clone()),
            ("CRM_API_BASE_URL", self.sim.crm_url()),
            ("CRM_USERNAME", crm.username),
            ("CRM_PASSWORD", crm.password),
            ("FINANCE_API_BASE_URL", self.sim.finance_url()),
            ("FINANCE_USERNAME", finance.username),
            ("FINANCE_PASSWORD", finance.password),
            ("WEBHOOK_SECRET", SECRET.to_owned()),
            ("PORT", self.port.to_string()),
            ("WORKER_PORT", port::free().to_string()),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .into();
        if let Some(redis) = &self.redis {
            settings.push(("REDIS_URL".to_owned(), redis.url()));
        }
        settings.extend(self.extra.clone());
        settings
    }

    pub fn run(&self, name: &str, arguments: &[&str]) -> Process {
        self.run_with(name, arguments, &[])
    }

    /// With settings of its own.
    pub fn run_with(&self, name: &str, arguments: &[&str], more: &[(&str, String)]) -> Process {
        self.started.set(self.started.get() + 1);
        let log = self
            .folder
            .path()
            .join(format!("{name}-{}.log", self.started.get()));
        let mut settings = self.settings();
        settings.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        Process::start(name, arguments, &settings, log)
    }

    /// Runs a command of the operator; its exit code and all that it says.
    pub fn siaghsync(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(binary("siaghsync"))
            .args(arguments)
            .env_clear()
            .envs(self.settings())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        (output.status.code(), said.concat())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Waits until the service on `PORT` is ready.
    pub async fn ready(&self) {
        self.eventually("ready", Duration::from_secs(30), async || {
            self.http
                .get(self.url("/health/ready"))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// The CRM calls native webhooks for persons and organizations.
    pub fn native_webhooks(&self) {
        let url = self.url(&format!("/webhook/crm/identity?token={SECRET}"));
        self.sim.crm().configure(|crm| {
            crm.webhooks.signed.clear();
            for item_type in ["person", "organization"] {
                crm.webhooks.native.push(NativeHook {
                    item_type: item_type.to_owned(),
                    url: url.clone(),
                });
            }
        });
    }

    /// The CRM also calls for quotes and invoices.
    pub fn document_webhooks(&self) {
        let hook = |kind: &str| NativeHook {
            item_type: kind.to_owned(),
            url: self.url(&format!("/webhook/crm/{kind}?token={SECRET}")),
        };
        self.sim.crm().configure(|crm| {
            crm.webhooks.native.extend(["quote", "invoice"].map(hook));
        });
    }

    /// The CRM sends signed webhooks instead.
    pub fn signed_webhooks(&self) {
        let url = self.url("/webhook/crm");
        self.sim.crm().configure(|crm| {
            crm.webhooks.native.clear();
            crm.webhooks.secret = SECRET.to_owned();
            crm.webhooks.signed.push(SignedHook {
                url,
                events: Vec::new(),
            });
        });
    }

    /// Someone types these customers into the CRM; each with its id.
    pub fn create_customers(
        &self,
        customers: impl IntoIterator<Item = SampleCustomer>,
    ) -> Vec<(String, SampleCustomer)> {
        let create = |customer: &SampleCustomer| self.sim.crm().create(customer.kind, customer.to_crm());
        let typed = customers
            .into_iter()
            .map(|customer| (create(&customer).unwrap(), customer));
        typed.collect()
    }

    /// Someone edits that customer, or document, of the CRM.
    pub fn edit_crm(&self, id: &str, patch: serde_json::Value) {
        self.sim.crm().edit(id, patch).unwrap();
    }

    /// Someone edits that contact of finance.
    pub fn edit_finance(&self, code: i64, patch: serde_json::Value) {
        self.sim.finance().edit(code, patch).unwrap();
    }

    /// Waits until all webhooks are delivered, all rows are final, and nothing that a run wrote comes back as a webhook
    /// any more.
    ///
    /// A run writes before its row is final, and the CRM counts a webhook before it answers that write. So an echo that
    /// is still on its way shows in the counters on either side of the look at the rows.
    pub async fn settled(&self, limit: Duration) {
        self.eventually(
            "settled: webhooks delivered, rows final, no echo",
            limit,
            async || {
                let before = self.sim.crm().webhook_stats();
                let Stats {
                    pending, in_progress, ..
                } = self.db.store.stats().await.unwrap();
                let sent = self.sim.crm().webhook_stats().sent;
                before.pending == 0 && pending + in_progress == 0 && sent == before.sent
            },
        )
        .await;
    }

    pub async fn eventually(&self, what: &str, limit: Duration, mut check: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !check().await {
            if started.elapsed() > limit {
                panic!(
                    "not {what} within {limit:?}: {:?}, {:?}",
                    self.db.store.stats().await,
                    self.sim.crm().webhook_stats()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// All rows, oldest first.
    pub async fn rows(&self) -> Vec<log::Model> {
        let query = log::Entity::find().order_by_asc(log::Column::Id);
        query.all(self.db.store.db()).await.unwrap()
    }

    /// All links, oldest first.
    pub async fn links(&self) -> Vec<link::Model> {
        let query = link::Entity::find().order_by_asc(link::Column::Id);
        query.all(self.db.store.db()).await.unwrap()
    }
}
