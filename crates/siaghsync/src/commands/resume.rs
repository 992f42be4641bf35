//! `siaghsync resume`: what the guard holds goes on, exactly that.

use std::process::ExitCode;

use domain::polls::{PollStore, Verdict};
use service::settings::Settings;

use super::guard;

/// Arguments of `resume`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this poll, as `siaghsync guard list` names it; without it all that are held
    poll: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        for held in guard::listed(&store, arguments.poll.as_deref()).await? {
            let rows = store.settle(&held, Verdict::Release).await?;
            println!(
                "{}: {rows} change(s) released. Workers take them up within SWEEP_INTERVAL_SECONDS; the poll goes on.",
                held.poll
            );
        }
        Ok(ExitCode::SUCCESS)
    })
}
