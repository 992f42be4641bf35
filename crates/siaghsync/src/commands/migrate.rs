//! `siaghsync migrate`.

use std::process::ExitCode;

use anyhow::Context;
use secrecy::ExposeSecret;
use service::settings::Settings;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let db = domain::store::sql::connect(settings.database.url.expose_secret(), 2)
            .await
            .context("DATABASE_URL: the database can't be reached")?;
        let steps = migrations::migrate(&db)
            .await
            .context("the tables can't be brought up to date")?;
        match steps {
            0 => println!("The tables are up to date."),
            steps => println!("The tables are up to date now ({steps} step(s) taken)."),
        }
        Ok(ExitCode::SUCCESS)
    })
}
