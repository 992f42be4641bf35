//! `siagh-simulator`: both simulated systems until Ctrl-C or SIGTERM.

use std::{io::Write, net::IpAddr};

use clap::Parser;
use simulator::{
    Simulator, SimulatorConfig,
    config::{NativeHook, SignedHook},
};

/// Simulates a Payamgostar CRM and a Siagh finance system.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Address to listen on.
    #[arg(long, env = "SIM_HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port of the CRM (0: any free one).
    #[arg(long, env = "SIM_CRM_PORT", default_value_t = 4010)]
    crm_port: u16,
    /// Port of finance (0: any free one).
    #[arg(long, env = "SIM_FINANCE_PORT", default_value_t = 4020)]
    finance_port: u16,
    /// Port of the control server (0: any free one).
    #[arg(long, env = "SIM_CONTROL_PORT", default_value_t = 4030)]
    control_port: u16,
    /// Seed of ids and faults.
    #[arg(long, env = "SIM_SEED", default_value_t = 1)]
    seed: u64,
    /// Secret of signed webhooks.
    #[arg(long, env = "SIM_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// Sends signed webhooks to this address (may be repeated).
    #[arg(long = "signed-webhook", env = "SIM_SIGNED_WEBHOOKS", value_delimiter = ',')]
    signed_webhooks: Vec<String>,
    /// Sends native webhooks of customers to this address (may be repeated).
    #[arg(
        long = "identity-webhook",
        env = "SIM_IDENTITY_WEBHOOKS",
        value_delimiter = ','
    )]
    identity_webhooks: Vec<String>,
    /// Sends native webhooks of quotes to this address (may be repeated).
    #[arg(long = "quote-webhook", env = "SIM_QUOTE_WEBHOOKS", value_delimiter = ',')]
    quote_webhooks: Vec<String>,
    /// The CRM has no /api/webhooks.
    #[arg(long, env = "SIM_NO_WEBHOOK_API")]
    no_webhook_api: bool,
    /// Loads the sample data.
    #[arg(long, env = "SIM_SAMPLE_DATA")]
    sample_data: bool,
    /// A JSON file with a whole configuration (as in GET /sim/config plus addresses); flags win.
    #[arg(long, env = "SIM_CONFIG")]
    config: Option<std::path::PathBuf>,
}

impl Args {
    fn into_config(self) -> anyhow::Result<SimulatorConfig> {
        let mut config: SimulatorConfig = match &self.config {
            Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
            None => SimulatorConfig::default(),
        };
        config.crm_addr = (self.host, self.crm_port).into();
        config.finance_addr = (self.host, self.finance_port).into();
        config.control_addr = Some((self.host, self.control_port).into());
        config.seed = self.seed;
        config.sample_data |= self.sample_data;
        let webhooks = &mut config.crm.webhooks;
        webhooks.api_enabled &= !self.no_webhook_api;
        if let Some(secret) = self.webhook_secret {
            webhooks.secret = secret;
        }
        let signed = self.signed_webhooks.into_iter();
        webhooks.signed.extend(signed.map(|url| SignedHook {
            url,
            events: Vec::new(),
        }));
        let native = |kind: &'static str| {
            move |url: String| NativeHook {
                item_type: kind.to_owned(),
                url,
            }
        };
        let identities = self.identity_webhooks;
        webhooks
            .native
            .extend(identities.iter().cloned().map(native("person")));
        webhooks
            .native
            .extend(identities.into_iter().map(native("organization")));
        webhooks
            .native
            .extend(self.quote_webhooks.into_iter().map(native("quote")));
        Ok(config)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let simulator = Simulator::start(Args::parse().into_config()?).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "CRM_API_BASE_URL={}", simulator.crm_url())?;
    writeln!(out, "FINANCE_API_BASE_URL={}", simulator.finance_url())?;
    writeln!(out, "SIM_CONTROL_URL={}/sim", simulator.control_url())?;
    out.flush()?;
    drop(out);
    wait_for_the_end().await?;
    tracing::info!("stopping");
    drop(simulator);
    Ok(())
}

async fn wait_for_the_end() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut term = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = term.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
