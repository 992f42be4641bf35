//! `siaghsync retry <id>|--all-failed`: failed rows wait again, as if just heard.

use std::process::ExitCode;

use domain::store::Store;
use service::settings::Settings;

use super::output::{self, say};
use super::row::{self, Named};

/// Arguments of `retry`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync log --failed
  siaghsync retry 0193a0de-12       the beginning of a row's id will do
  siaghsync retry --all-failed
Exit codes: 0 done, 1 failed (says why), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// {"rows": how many wait again}
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The row's id, or the beginning of it, as `siaghsync log --failed` shows it
    id: Option<String>,
    /// All rows that failed
    #[arg(long)]
    all_failed: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let id = match &arguments.which.id {
            None => None,
            Some(text) => match row::named(&store, text).await? {
                Named::Row(row) => Some(row.id),
                Named::Customer(customer) => anyhow::bail!(
                    "{} is a customer, no row: `siaghsync sync {}` syncs it now",
                    customer.id,
                    customer.id
                ),
            },
        };
        let rows = store.retry(id).await?;
        if let (Some(id), 0) = (id, rows) {
            anyhow::bail!(
                "row {id} has not failed, or does not exist; `siaghsync log --failed` shows those that have"
            );
        }
        if arguments.json {
            output::json(&serde_json::json!({ "rows": rows }))?;
        } else {
            say!("{rows} row(s) wait again; a worker's sweeper takes them up within SWEEP_INTERVAL_SECONDS.");
        }
        Ok(ExitCode::SUCCESS)
    })
}
