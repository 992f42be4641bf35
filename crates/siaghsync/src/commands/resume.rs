//! `siaghsync resume`: what the guard holds goes on, exactly that.

use std::process::ExitCode;

use domain::polls::{PollStore, Verdict};
use service::settings::Settings;

use super::guard;
use super::output::{self, say};

/// Arguments of `resume`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync guard list              what is held, and why
  siaghsync resume finance:contacts
Exit codes: 0 done, 1 failed (says why), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    /// Only this poll, as `siaghsync guard list` names it; without it all that are held
    poll: Option<String>,
    /// One JSON object per poll, a line each
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let all = guard::held(&store, arguments.poll.as_deref()).await?;
        if !arguments.json {
            guard::show(&all);
        }
        for held in all {
            let rows = store.settle(&held, Verdict::Release).await?;
            if arguments.json {
                output::json(&serde_json::json!({ "poll": held.poll, "released": rows }))?;
                continue;
            }
            say!(
                "{}: {rows} change(s) released. Workers take them up within SWEEP_INTERVAL_SECONDS; the poll goes on.",
                held.poll
            );
        }
        Ok(ExitCode::SUCCESS)
    })
}
