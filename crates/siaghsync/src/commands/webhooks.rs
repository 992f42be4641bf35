//! `siaghsync webhooks register|list`: whether the CRM calls us.

use std::process::ExitCode;

use anyhow::Context;
use domain::ports::Crm;
use domain::store::sql::SqlStore;
use domain::store::subscriptions;
use ingest::registration::{Registered, address, native_addresses, register};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use service::settings::{Needs, Settings};

use super::output::{self, say, time};

/// Arguments of `webhooks`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  WEBHOOK_BASE_URL=https://sync.company.ir siaghsync webhooks register
  siaghsync webhooks list --json
Exit codes: 0 done, 1 failed, or to be done by hand (says how), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
    /// One JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum What {
    /// Tells the CRM our address, WEBHOOK_BASE_URL + /webhook/crm, unless it knows
    #[command(after_help = "Examples:
  siaghsync webhooks register
  WEBHOOK_BASE_URL=https://sync.company.ir siaghsync webhooks register
Where the CRM has no registration, it prints the addresses to type into its pages.
Exit codes: 0 done, 1 failed, or to be done by hand (says how), 2 wrong usage or settings.")]
    Register,
    /// Shows what the CRM calls, and what was registered
    #[command(after_help = "Examples:
  siaghsync webhooks list
  siaghsync webhooks list --json | jq .crmCalls
Exit codes: 0 done, 1 failed (says why), 2 wrong usage or settings.")]
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
        let crm = service::clients::crm(&settings, store.clock(), None)?;
        match arguments.what {
            What::Register => {
                let base_url = settings.webhooks.base_url.as_deref().context(
                    "WEBHOOK_BASE_URL is not set: the address under which the CRM reaches ingest, as \
                     https://sync.company.ir",
                )?;
                let registered = register(&crm, &store, base_url)
                    .await
                    .context("the CRM was not told")?;
                if arguments.json {
                    return as_json(&registered, base_url);
                }
                match registered {
                    Registered::Now => say!("Registered: the CRM calls {}.", address(base_url)),
                    Registered::Before => say!("The CRM calls {} already.", address(base_url)),
                    Registered::ByHand => {
                        by_hand(base_url, &settings.webhooks.secrets);
                        return Ok(ExitCode::FAILURE);
                    }
                }
            }
            What::List => list(&crm, &store, arguments.json).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Whom the CRM calls, and what is noted of it.
async fn list(crm: &impl Crm, store: &SqlStore, as_json: bool) -> anyhow::Result<()> {
    let (calls, noted) = (crm.webhooks().await?, subscriptions::list(store).await?);
    if as_json {
        let noted = noted.iter().map(|row| {
            json!({
                "entityType": row.entity_type, "url": row.webhook_url, "active": row.is_active,
                "failures": row.failure_count, "updatedAt": row.updated_at, "lastEventAt": row.last_event_at,
            })
        });
        return output::json(&json!({ "crmCalls": calls, "noted": noted.collect::<Vec<_>>() }));
    }
    match calls {
        Some(urls) if urls.is_empty() => say!("The CRM calls nobody."),
        Some(urls) => urls.iter().for_each(|url| say!("The CRM calls {url}")),
        None => say!("This CRM has no webhook registration; native webhooks are seen in its pages."),
    }
    for row in noted {
        let state = if row.is_active { "active" } else { "not active" };
        let last = row.last_event_at.map_or("never".to_owned(), time);
        say!(
            "noted: {} {} {state}, {} failure(s), {}; last event: {last}",
            row.entity_type,
            row.webhook_url,
            row.failure_count,
            time(row.updated_at)
        );
    }
    Ok(())
}

fn as_json(registered: &Registered, base_url: &str) -> anyhow::Result<ExitCode> {
    let (word, code) = match registered {
        Registered::Now => ("now", ExitCode::SUCCESS),
        Registered::Before => ("before", ExitCode::SUCCESS),
        Registered::ByHand => ("byHand", ExitCode::FAILURE),
    };
    let native = native_addresses(base_url);
    let native = native
        .iter()
        .map(|(what, address)| json!({ "what": what, "url": address }));
    output::json(&json!({
        "registered": word, "url": address(base_url), "byHand": native.collect::<Vec<_>>(),
    }))?;
    Ok(code)
}

fn by_hand(base_url: &str, secrets: &[SecretString]) {
    say!(
        "This CRM has no webhook registration. In its customization page of each item type, set for insert,"
    );
    say!("update and delete (with one of WEBHOOK_SECRET where it says so):");
    for (what, address) in native_addresses(base_url) {
        say!("  {what}: {address}");
    }
    // What an address can hold as it is (RFC 3986, "unreserved").
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if secrets.is_empty() {
        say!(
            "WEBHOOK_SECRET is not set, so they would be answered 401: make one first, `openssl rand -hex 32`."
        );
    } else if !secrets
        .iter()
        .all(|secret| secret.expose_secret().chars().all(plain))
    {
        say!(
            "WEBHOOK_SECRET holds signs that an address can't hold as they are: write them percent-encoded there, or make \
             one that needs none, `openssl rand -hex 32`."
        );
    }
}
