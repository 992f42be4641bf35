//! What the tests of several crates need: a fresh, migrated database each, dropped afterwards.
//!
//! PostgreSQL is the one at `TEST_DATABASE_URL` (`make test` sets it); only databases made here are touched.

pub mod calls;
pub mod cluster;
pub mod memory;
pub mod otlp;
pub mod port;
pub mod postgres;
pub mod proxy;
pub mod redis;

use anyhow::Context;
use domain::store::sql::{SqlStore, connect};
use sea_orm::ConnectionTrait;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A fresh database, named `siaghsync_test_…`. It is dropped with this, whatever becomes of the test; [`TestDb::drop_it`] does
/// it without holding a thread up.
#[derive(Debug)]
pub struct TestDb {
    /// The address to connect to.
    pub url: String,
    /// The store on it.
    pub store: SqlStore,
    on: Option<OnServer>,
    _dir: Option<tempfile::TempDir>,
}

/// Where a database of PostgreSQL stands.
#[derive(Debug)]
struct OnServer {
    server: String,
    name: String,
}

impl OnServer {
    async fn run(&self, statement: String) -> anyhow::Result<()> {
        let admin = connect(&self.server, 1)
            .await
            .with_context(|| "TEST_DATABASE_URL: no PostgreSQL there")?;
        admin.execute_unprepared(&statement).await?;
        admin.close().await?;
        Ok(())
    }

    /// Its server may be gone by now, and the database with it.
    #[allow(clippy::print_stderr, reason = "whoever leaves something behind says so")]
    async fn drop_it(&self) {
        if let Err(error) = self
            .run(format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name))
            .await
        {
            eprintln!("{} is left behind: {error:#}", self.name);
        }
    }
}

/// The server's address, with the database in it to connect to first.
#[must_use]
pub fn postgres_url() -> String {
    std::env::var("TEST_DATABASE_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned())
}

/// The Redis server for tests: each takes a queue name of its own, none flushes it.
#[must_use]
pub fn redis_url() -> String {
    std::env::var("TEST_REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned())
}

impl TestDb {
    /// Makes a database without tables.
    ///
    /// # Errors
    /// The server's own.
    pub async fn bare(engine: Engine) -> anyhow::Result<Self> {
        Self::bare_at(engine, postgres_url()).await
    }

    async fn bare_at(engine: Engine, server: String) -> anyhow::Result<Self> {
        let name = format!("siaghsync_test_{}", uuid::Uuid::new_v4().simple());
        let (url, on, dir) = match engine {
            Engine::Sqlite => {
                let dir = tempfile::tempdir()?;
                let file = dir.path().join("test.db");
                (format!("sqlite://{}?mode=rwc", file.display()), None, Some(dir))
            }
            Engine::Postgres => {
                let url = with_database(&server, &name);
                let on = OnServer { server, name };
                on.run(format!("CREATE DATABASE \"{}\"", on.name)).await?;
                (url, Some(on), None)
            }
        };
        let store = SqlStore::new(connect(&url, 8).await?).await?;
        Ok(Self {
            url,
            store,
            on,
            _dir: dir,
        })
    }

    /// Makes a database with all tables.
    ///
    /// # Errors
    /// The server's own.
    pub async fn new(engine: Engine) -> anyhow::Result<Self> {
        let db = Self::bare(engine).await?;
        migrations::migrate(db.store.db()).await?;
        Ok(db)
    }

    /// Makes a database with all tables on this PostgreSQL.
    ///
    /// # Errors
    /// The server's own.
    pub async fn on(server: &postgres::Server) -> anyhow::Result<Self> {
        let db = Self::bare_at(Engine::Postgres, server.url()).await?;
        migrations::migrate(db.store.db()).await?;
        Ok(db)
    }

    /// Drops the database, whoever is still connected.
    pub async fn drop_it(mut self) {
        self.store.db().clone().close().await.ok();
        if let Some(on) = self.on.take() {
            on.drop_it().await;
        }
    }
}

impl Drop for TestDb {
    /// A test that fails, or forgets it, leaves nothing behind either.
    fn drop(&mut self) {
        let Some(on) = self.on.take() else { return };
        // A runtime can't wait for another one on its own thread.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(on.drop_it());
            }
        });
        dropped.join().ok();
    }
}

/// `postgres://user@host/this?options` with another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) = url.split_once('?').map_or((url, None), |(a, o)| (a, Some(o)));
    let after_host = address.find("://").map_or(0, |i| i + 3);
    let end = address[after_host..]
        .find('/')
        .map_or(address.len(), |i| after_host + i);
    let options = options.map(|o| format!("?{o}")).unwrap_or_default();
    format!("{}/{name}{options}", &address[..end])
}
