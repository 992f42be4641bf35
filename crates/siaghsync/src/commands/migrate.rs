//! `siaghsync migrate`.

use std::process::ExitCode;

use anyhow::Context;
use secrecy::ExposeSecret;
use service::settings::Settings;

use super::output::{self, say};

/// Arguments of `migrate`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync migrate
It is safe to run at any time: steps that were taken are not taken again, and no data is removed.
Exit codes: 0 done, 1 failed (says why), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    /// {"steps": how many were taken}
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let db = domain::store::sql::connect_to_migrate(settings.database.url.expose_secret())
            .await
            .context("DATABASE_URL: the database can't be reached")?;
        let steps = migrations::migrate(&db).await.context(
            "the tables can't be brought up to date (DATABASE_URL's user must be allowed to create and change them; it \
             best owns them)",
        )?;
        let store = domain::store::sql::SqlStore::new(db).await?;
        store
            .serving(settings.companies.clone())
            .serve(&settings.companies)
            .await??;
        match steps {
            steps if arguments.json => output::json(&serde_json::json!({ "steps": steps }))?,
            0 => say!("The tables are up to date."),
            steps => say!("The tables are up to date now ({steps} step(s) taken)."),
        }
        Ok(ExitCode::SUCCESS)
    })
}
