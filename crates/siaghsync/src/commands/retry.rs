//! `siaghsync retry <id>|--all-failed`: failed rows wait again, as if just heard.

use std::process::ExitCode;

use domain::store::Store;
use service::settings::Settings;
use uuid::Uuid;

/// Arguments of `retry`.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Arguments {
    /// The row's id, as `siaghsync log --failed` shows it
    #[arg(value_parser = super::row_id)]
    id: Option<Uuid>,
    /// All rows that failed
    #[arg(long)]
    all_failed: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let rows = store.retry(arguments.id).await?;
        if let (Some(id), 0) = (arguments.id, rows) {
            anyhow::bail!(
                "row {id} has not failed, or does not exist; `siaghsync log --failed` shows those that have"
            );
        }
        println!("{rows} row(s) wait again; a worker's sweeper takes them up within SWEEP_INTERVAL_SECONDS.");
        Ok(ExitCode::SUCCESS)
    })
}
