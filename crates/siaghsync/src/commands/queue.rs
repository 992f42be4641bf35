//! `siaghsync queue stats|clear`.

use std::process::ExitCode;

use domain::store::Store;
use secrecy::ExposeSecret;
use service::doorbell::{RedisDoorbell, RedisOptions};
use service::settings::Settings;

/// Arguments of `queue`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Rows by status, and what lies in Redis
    Stats,
    /// Empties the queue in Redis; loses nothing, since the rows stay and are rung for again
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
                println!(
                    "rows   waiting {}, active {}, success {}, skipped {}, conflict {}, failed {}",
                    stats.pending,
                    stats.in_progress,
                    stats.success,
                    stats.skipped,
                    stats.conflict,
                    stats.failed
                );
                match doorbell {
                    Some(doorbell) => {
                        let depths = doorbell.depths().await?;
                        println!(
                            "queue  waiting {}, being worked on {}, workers {}",
                            depths.waiting, depths.in_flight, depths.workers
                        );
                    }
                    None => println!("queue  in process (REDIS_URL is not set)"),
                }
            }
            (What::Clear, Some(doorbell)) => {
                let ids = doorbell.clear().await?;
                println!(
                    "{ids} id(s) removed from the queue. Nothing is lost: their rows wait in the database, and the sweeper rings for them again."
                );
            }
            (What::Clear, None) => {
                println!("REDIS_URL is not set: the queue is in the process that serves, and ends with it.")
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
