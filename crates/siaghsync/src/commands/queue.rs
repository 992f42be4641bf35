//! `siaghsync queue stats|clear`.

use std::process::ExitCode;

use domain::store::Store;
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
        match (arguments.what, doorbell) {
            (What::Stats, doorbell) => {
                let stats = super::open(&settings).await?.stats().await?;
                let depths = match &doorbell {
                    Some(doorbell) => Some(doorbell.depths().await),
                    None => None,
                };
                // The rows are told also when Redis is not there.
                let (depths, unreachable) = match depths {
                    Some(Ok(depths)) => (Some(depths), None),
                    Some(Err(error)) => (None, Some(error)),
                    None => (None, None),
                };
                if arguments.json {
                    output::json(&json!({
                        "rows": {
                            "pending": stats.pending, "inProgress": stats.in_progress, "success": stats.success,
                            "skipped": stats.skipped, "conflict": stats.conflict, "failed": stats.failed,
                        },
                        "queue": depths.map(|depths| json!({
                            "waiting": depths.waiting, "inFlight": depths.in_flight, "workers": depths.workers,
                        })),
                    }))?;
                    return unreachable.map_or(Ok(ExitCode::SUCCESS), |error| Err(down(error)));
                }
                say!(
                    "rows   waiting {}, active {}, success {}, skipped {}, conflict {}, failed {}",
                    stats.pending,
                    stats.in_progress,
                    stats.success,
                    stats.skipped,
                    stats.conflict,
                    stats.failed
                );
                match (depths, unreachable) {
                    (_, Some(error)) => return Err(down(error)),
                    (Some(depths), None) => say!(
                        "queue  waiting {}, being worked on {}, workers {}",
                        depths.waiting,
                        depths.in_flight,
                        depths.workers
                    ),
                    (None, None) => say!("queue  in process (REDIS_URL is not set)"),
                }
            }
            (What::Clear, Some(doorbell)) => {
                let ids = doorbell.clear().await.map_err(down)?;
                if arguments.json {
                    output::json(&json!({ "removed": ids }))?;
                    return Ok(ExitCode::SUCCESS);
                }
                say!(
                    "{ids} id(s) removed from the queue. Nothing is lost: their rows wait in the database, and the sweeper rings for them again."
                );
            }
            (What::Clear, None) if arguments.json => output::json(&json!({ "removed": 0 }))?,
            (What::Clear, None) => {
                say!("REDIS_URL is not set: the queue is in the process that serves, and ends with it.")
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Redis is not there.
fn down(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!(
        "{error}\n  → start the Redis server, or correct REDIS_URL; nothing is lost meanwhile, rows wait in the database"
    )
}
