//! `siaghsync webhooks register|list`: whether the CRM calls us.

use std::process::ExitCode;

use anyhow::Context;
use domain::ports::Crm;
use domain::subscriptions;
use ingest::registration::{Registered, address, native_addresses, register};
use service::settings::{Needs, Settings};

/// Arguments of `webhooks`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Tells the CRM our address, WEBHOOK_BASE_URL + /webhook/crm, unless it knows
    Register,
    /// Shows what the CRM calls, and what was registered
    List,
}

const CRM: Needs = Needs {
    redis: false,
    crm: true,
    finance: false,
};

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(CRM)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let crm = service::clients::crm(&settings, store.clock())?;
        match arguments.what {
            What::Register => {
                let base_url = settings.webhooks.base_url.as_deref().context(
                    "WEBHOOK_BASE_URL is not set: the address under which the CRM reaches ingest, as \
                     https://sync.company.ir",
                )?;
                match register(&crm, &store, base_url)
                    .await
                    .context("the CRM was not told")?
                {
                    Registered::Now => println!("Registered: the CRM calls {}.", address(base_url)),
                    Registered::Before => println!("The CRM calls {} already.", address(base_url)),
                    Registered::ByHand => {
                        by_hand(base_url);
                        return Ok(ExitCode::FAILURE);
                    }
                }
            }
            What::List => {
                match crm.webhooks().await? {
                    Some(urls) if urls.is_empty() => println!("The CRM calls nobody."),
                    Some(urls) => urls.iter().for_each(|url| println!("The CRM calls {url}")),
                    None => println!(
                        "This CRM has no webhook registration; native webhooks are seen in its pages."
                    ),
                }
                for row in subscriptions::list(&store).await? {
                    let state = if row.is_active { "active" } else { "not active" };
                    let at = row.updated_at.format("%Y-%m-%d %H:%M:%S");
                    println!(
                        "noted: {} {} {state}, {} failure(s), {at} UTC",
                        row.entity_type, row.webhook_url, row.failure_count
                    );
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn by_hand(base_url: &str) {
    println!(
        "This CRM has no webhook registration. In its customization page of each item type, set for insert,"
    );
    println!("update and delete (with one of WEBHOOK_SECRET where it says so):");
    for (what, address) in native_addresses(base_url) {
        println!("  {what}: {address}");
    }
}
