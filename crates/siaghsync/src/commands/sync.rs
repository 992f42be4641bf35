//! `siaghsync sync <crm-id|finance-code>`: one customer or document, now, in this process.

use std::process::ExitCode;

use domain::message::Code;
use domain::ports::{Ring, Side};
use domain::store::entities::log;
use domain::store::{EntityType, Event, Store, Trigger};
use service::settings::Settings;
use uuid::Uuid;

use super::{row, typed};

/// Arguments of `sync`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync sync 505
  siaghsync sync 505 --company 200
  siaghsync sync 3f2a91c4-0b1e-4f56-9c1d-2f0f6a1d77e1 --json
  siaghsync sync 7c1d22aa-0b1e-4f56-9c1d-2f0f6a1d77e1 --quote
Exit codes: 0 done or nothing to do, 1 not done (says why), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    /// The CRM's id (a guid), or finance's code (a number)
    id: String,
    /// It is a sales quote of the CRM
    #[arg(long)]
    quote: bool,
    /// It is a sales invoice of the CRM
    #[arg(long, conflicts_with = "quote")]
    invoice: bool,
    #[command(flatten)]
    company: typed::OfCompany,
    /// The row as a JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::SYSTEMS)?;
    let company = arguments.company.one(&settings)?;
    let mut entity = typed::customer(&arguments.id)?;
    if arguments.quote || arguments.invoice {
        anyhow::ensure!(
            entity.side == Side::Crm,
            "--quote and --invoice take the document's CRM id (a guid): finance can't be asked about documents"
        );
        entity.entity_type = if arguments.quote {
            EntityType::PreInvoice
        } else {
            EntityType::Invoice
        };
    }
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let gates = super::gates(&settings, &store).await?;
        let engine = worker::assemble::engine(&settings, &store, &gates)?;
        let traceparent = Some(service::telemetry::traceparent_or_new());
        let row = Uuid::now_v7();
        let event = Event {
            row,
            entity,
            company: Some(company),
            trigger: Trigger::Manual,
            event_id: None,
            payload: serde_json::json!({ "command": "sync" }),
            traceparent: traceparent.clone(),
            rung: true,
        };
        store.enqueue(&[event]).await?;
        let row = row::run(&engine, &store, Ring { row, traceparent }).await?;
        let end = row::print_end(&row, arguments.json)?;
        anyhow::ensure!(!is_nobodys(&row), unknown(&row));
        Ok(end)
    })
}

/// Whether no system has anything under the id that was typed, and nothing was ever linked under it.
fn is_nobodys(row: &log::Model) -> bool {
    let said = row.error_code.as_deref().unwrap_or_default();
    said == Code::NoSuchRecord.as_str() || said == Code::NoSuchDocument.as_str()
}

fn unknown(row: &log::Model) -> String {
    let hint = match (row::source(row), row.entity_type) {
        (Side::Finance, _) => "a finance code is the number of a contact, not of a pre-invoice",
        (Side::Crm, EntityType::Customer) => "if it is a document, say so: --quote or --invoice",
        (Side::Crm, _) => "if it is a customer, leave --quote and --invoice away",
    };
    format!("neither system knows {}; {hint}", row.source_entity_id)
}
