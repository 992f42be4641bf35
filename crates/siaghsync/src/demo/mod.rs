//! `siaghsync demo`: both outside systems simulated, the real thing between them, and people who type.
//!
//! Everything between the two simulated systems is what runs in production: HTTP, webhooks, the store (an SQLite
//! file that is thrown away), the engine, the clients. Only the wiring is the embedded one.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use service::settings::Settings;
use simulator::config::NativeHook;
use simulator::{Simulator, SimulatorConfig};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::commands::serve::embedded;

mod agree;
mod documents;
mod scenario;
mod show;

/// Arguments of `demo`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync demo                    stays up until Ctrl-C
  siaghsync demo --once
Exit codes: 0 done, 1 failed, or the two systems do not agree in the end, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// Runs the scenario and ends; exit code 0 only if both systems agree in the end
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let secret = format!("demo-{:016x}", rand::random::<u64>());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        service::crypto::install();
        let simulator = Simulator::start(SimulatorConfig::default()).await?;
        let folder = tempfile::tempdir().context("no folder for the demo's database")?;
        let database = folder.path().join("siaghsync-demo.db");
        let settings = settings(&simulator, &database.display().to_string(), &secret)?;
        let mut telemetry = settings.telemetry.clone();
        telemetry.filter = Some(std::env::var("RUST_LOG").unwrap_or_else(|_| "error".to_owned()));
        let _guard = service::telemetry::init("siaghsync-demo", &telemetry)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = format!("http://{}", listener.local_addr()?);
        call_webhooks(&simulator, &address, &secret);
        let db = domain::store::sql::connect(&format!("sqlite://{}", database.display()), 4).await?;
        migrations::migrate(&db).await?;
        let store = domain::store::sql::SqlStore::new(db).await?;

        let shutdown = if arguments.once {
            CancellationToken::new()
        } else {
            service::shutdown::token()
        };
        let stage = scenario::Stage::new(simulator, store.clone(), address, secret)?;
        let serving = tokio::spawn({
            let (settings, store, shutdown) = (settings.clone(), store.clone(), shutdown.clone());
            async move { embedded(&settings, store, listener, shutdown).await }
        });
        let agreed = tokio::select! {
            agreed = stage.play() => agreed?,
            () = shutdown.cancelled() => return Ok(ExitCode::FAILURE),
        };
        if !arguments.once {
            stage.invite();
            shutdown.cancelled().await;
        }
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(20), serving)
            .await
            .context("the demo does not end")???;
        Ok(if agreed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
}

/// The simulated CRM calls us for all that it has.
fn call_webhooks(simulator: &Simulator, address: &str, secret: &str) {
    simulator.crm().configure(|crm| {
        secret.clone_into(&mut crm.webhooks.secret);
        for (item_type, kind) in [
            ("person", "identity"),
            ("organization", "identity"),
            ("quote", "quote"),
            ("invoice", "invoice"),
        ] {
            crm.webhooks.native.push(NativeHook {
                item_type: item_type.to_owned(),
                url: format!("{address}/webhook/crm/{kind}?token={secret}"),
            });
        }
    });
}

/// The settings of the demo: nothing of this machine's `.env` is used.
fn settings(simulator: &Simulator, database: &str, secret: &str) -> anyhow::Result<Settings> {
    let (crm, finance) = (simulator.crm().config(), simulator.finance().config());
    let pairs = [
        ("DATABASE_URL", format!("sqlite://{database}")),
        ("CRM_API_BASE_URL", simulator.crm_url()),
        ("CRM_USERNAME", crm.username),
        ("CRM_PASSWORD", crm.password),
        ("FINANCE_API_BASE_URL", simulator.finance_url()),
        ("FINANCE_USERNAME", finance.username),
        ("FINANCE_PASSWORD", finance.password),
        ("WEBHOOK_SECRET", secret.to_owned()),
        ("RETRY_BASE_SECONDS", "1".to_owned()),
        ("POLL_INTERVAL_SECONDS", "1".to_owned()),
    ];
    Ok(Settings::from_pairs(pairs, crate::commands::SYSTEMS)?)
}
