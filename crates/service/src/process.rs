//! A service process from its first line to its exit code.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::settings::{Needs, Settings};
use crate::{crypto, metrics, shutdown, telemetry};

/// Runs `work` until it ends by itself or by SIGTERM / Ctrl-C, with settings, telemetry and metrics in place.
///
/// Exit codes: 0 ended as asked, 1 failed (the log says why), 2 settings that are missing or wrong (all of them
/// on standard error).
pub fn run<W, F>(name: &str, needs: Needs, work: W) -> ExitCode
where
    W: FnOnce(Settings, CancellationToken) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    let settings = match Settings::load(needs) {
        Ok(settings) => settings,
        Err(error) => {
            complain(&format!("{name}: {error}"));
            return ExitCode::from(2);
        }
    };
    match started(name, settings, work) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&format!("{name}: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether it ended as asked; if not, that has been said. `Err`: it has not.
fn started<W, F>(name: &str, settings: Settings, work: W) -> anyhow::Result<bool>
where
    W: FnOnce(Settings, CancellationToken) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    crypto::install();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let guard = telemetry::init(name, &settings.telemetry)?;
    let result = runtime.block_on(async {
        metrics::install()?;
        info!("{name} {} starts", env!("CARGO_PKG_VERSION"));
        let result = work(settings, shutdown::token()).await;
        match result {
            Ok(()) => {
                info!("{name} has ended");
                Ok(true)
            }
            // Said once: in the log, unless RUST_LOG keeps our errors out of it.
            Err(problem) if tracing::enabled!(tracing::Level::ERROR) => {
                error!("{name} ends: {problem:#}");
                Ok(false)
            }
            Err(problem) => Err(problem),
        }
    });
    guard.shutdown();
    result
}

#[expect(clippy::print_stderr, reason = "there is no log yet, or no more")]
fn complain(message: &str) {
    eprintln!("{message}");
}
