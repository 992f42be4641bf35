//! PostgreSQL and Redis of the bench's own, used by all cases one after the other.

use std::time::Duration;

use anyhow::Context as _;
use domain::store::sql::connect_to_migrate;
use reqwest::Client;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use testkit::{postgres, redis};

use crate::options::Options;

/// As whom the product works, so that the bench's own statements are told from its.
pub const ROLE: &str = "siaghsync";

/// Statements are counted by text; more texts than that would push others out.
const SETTINGS: &str = "-c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.max=50000 \
    -c max_connections=200 -c shared_buffers=512MB -c max_wal_size=8GB";

pub struct Stage {
    pub postgres: postgres::Server,
    pub redis: redis::Server,
    pub admin: DatabaseConnection,
    pub http: Client,
}

impl Stage {
    pub async fn set(options: &Options) -> anyhow::Result<Self> {
        let fsync = if options.fsync { "on" } else { "off" };
        let postgres = postgres::Server::start_with(&format!("{SETTINGS} -c fsync={fsync}"));
        // As docker-compose.yml starts it.
        let mut redis = redis::Server::stopped().with(&["--appendfsync", "everysec"]);
        redis.up().await;
        let admin = connect_to_migrate(&postgres.url()).await?;
        for statement in [
            "CREATE EXTENSION pg_stat_statements".to_owned(),
            format!("CREATE ROLE {ROLE} LOGIN"),
        ] {
            admin.execute_unprepared(&statement).await?;
        }
        let http = Client::builder().timeout(Duration::from_secs(120)).build()?;
        Ok(Self {
            postgres,
            redis,
            admin,
            http,
        })
    }

    /// An empty database, an empty Redis; nothing of the case before is left to be written.
    pub async fn clear(&self, database: &str) -> anyhow::Result<()> {
        for statement in [
            format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
            format!("CREATE DATABASE {database} OWNER {ROLE}"),
            "SELECT pg_stat_statements_reset()".to_owned(),
            "CHECKPOINT".to_owned(),
        ] {
            self.admin.execute_unprepared(&statement).await?;
        }
        self.redis.command(&["FLUSHALL"]).await.context("Redis")?;
        Ok(())
    }

    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@{}/{database}", self.postgres.host())
    }

    pub async fn version(&self) -> anyhow::Result<String> {
        let statement = Statement::from_string(
            self.admin.get_database_backend(),
            "SELECT current_setting('server_version') AS version",
        );
        let row = self.admin.query_one_raw(statement).await?;
        Ok(row
            .context("PostgreSQL says no version")?
            .try_get("", "version")?)
    }
}
