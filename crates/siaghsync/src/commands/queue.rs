//! `siaghsync queue stats|clear`.

use std::process::ExitCode;

use domain::store::{Stats, Store};
use secrecy::ExposeSecret;
use serde_json::json;
use service::doorbell::{RedisDoorbell, RedisOptions};
use service::settings::Settings;

use super::output::{self, say};

/// Arguments of `queue`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync queue stats --json
  siaghsync queue clear
Clearing loses nothing: the queue holds only the ids of rows that stand in the database, and the sweeper of any worker
rings for rows again that stay unfinished.
Exit codes: 0 done, 1 failed (says why), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
    /// One JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum What {
    /// Rows by status, and what lies in Redis
    #[command(after_help = "Examples:
  siaghsync queue stats
  siaghsync queue stats --json | jq .rows.failed
Exit codes: 0 done, 1 failed (Redis can't be reached: the rows are told all the same), 2 wrong usage or settings.")]
    Stats,
    /// Empties the queue in Redis; loses nothing, since the rows stay and are rung for again
    #[command(after_help = "Examples:
  siaghsync queue clear
Exit codes: 0 done, 1 failed (says why), 2 wrong usage or settings.")]
    Clear,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let doorbell = match &settings.redis {
            Some(redis) => Some(RedisDoorbell::connect(
                redis.url.expose_secret(),
                &RedisOptions::default(),
            )?),
            None => None,
        };
        match arguments.what {
            What::Stats => {
                let rows = super::open(&settings).await?.stats().await?;
                stats(rows, doorbell, arguments.json).await?;
            }
            What::Clear => clear(doorbell, arguments.json).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The rows are told also when Redis is not there.
async fn stats(rows: Stats, doorbell: Option<RedisDoorbell>, as_json: bool) -> anyhow::Result<()> {
    let depths = match &doorbell {
        Some(doorbell) => doorbell.depths().await.map(Some),
        None => Ok(None),
    };
    if as_json {
        let depths = depths.as_ref().ok().and_then(Option::as_ref);
        output::json(&json!({
            "rows": {
                "pending": rows.pending, "inProgress": rows.in_progress, "success": rows.success,
                "skipped": rows.skipped, "conflict": rows.conflict, "failed": rows.failed,
            },
            "queue": depths.map(|depths| json!({
                "waiting": depths.waiting, "inFlight": depths.in_flight, "workers": depths.workers,
            })),
        }))?;
    } else {
        say!(
            "rows   waiting {}, active {}, success {}, skipped {}, conflict {}, failed {}",
            rows.pending,
            rows.in_progress,
            rows.success,
            rows.skipped,
            rows.conflict,
            rows.failed
        );
        match &depths {
            Ok(Some(depths)) => say!(
                "queue  waiting {}, being worked on {}, workers {}",
                depths.waiting,
                depths.in_flight,
                depths.workers
            ),
            Ok(None) => say!("queue  in process (REDIS_URL is not set)"),
            Err(_) => {}
        }
    }
    depths.map(drop).map_err(down)
}

async fn clear(doorbell: Option<RedisDoorbell>, as_json: bool) -> anyhow::Result<()> {
    let removed = match &doorbell {
        Some(doorbell) => doorbell.clear().await.map_err(down)?,
        None => 0,
    };
    if as_json {
        output::json(&json!({ "removed": removed }))?;
    } else if doorbell.is_none() {
        say!("REDIS_URL is not set: the queue is in the process that serves, and ends with it.");
    } else {
        say!(
            "{removed} id(s) removed from the queue. Nothing is lost: their rows wait in the database, and the sweeper rings for them again."
        );
    }
    Ok(())
}

/// Redis is not there.
fn down(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!(
        "{error}\n  → start the Redis server, or correct REDIS_URL; nothing is lost meanwhile, rows wait in the database"
    )
}
