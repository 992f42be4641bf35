//! `siaghsync resolve`: what only a human can decide.
//!
//! The decision is a row like any other, so that it stands even if this command is ended; it is run at once, here.

use std::process::ExitCode;

use anyhow::Context as _;
use domain::company::Company;
use domain::message::{Code, Message};
use domain::ports::Side;
use domain::store::sql::SqlStore;
use domain::store::{EntityRef, EntityType, Store};
use service::settings::Settings;

use super::column;
use super::row::{self, Named};
use super::typed::System;

/// Arguments of `resolve`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync log --conflict                          what waits for a human
  siaghsync resolve 505 --keep crm                  the fields in conflict take the CRM's values
  siaghsync resolve 0193a0de --keep finance         the same, by the row's id, finance's values
  siaghsync resolve 505 --form                      what came back altered is how that system writes it
  siaghsync resolve 505 --form --column             … for every record, from now on (listed by `siaghsync check`)
  siaghsync resolve --undo-column finance address   what comes back altered there is held again
  siaghsync resolve 505 --same                      it is no other record: what differs was edited
  siaghsync resolve --link 3f2a…-…-e1 505           these two are one customer (--company 200: of that company)
  siaghsync resolve 505 --separate                  it is none of those that it is in doubt with
  siaghsync resolve 0193a0de --exists 2488          the document without an answer is pre-invoice 2488
  siaghsync resolve 0193a0de --send-again           it is not in finance: send it again
  siaghsync resolve 0193a0de --accept               an issued document's change is handled in finance
The losing values stay in the audit row. Exit codes: 0 done, 1 not done (says why), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    /// Whom it is about: the CRM's id, finance's code, or the row that waits (the beginning of its id will do)
    #[arg(required_unless_present_any = ["link", "undo_column"])]
    id: Option<String>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    company: super::typed::OfCompany,
    /// With --form: whatever comes back from a save into that column is how it is written, for every record, from now on
    #[arg(long, requires = "form", conflicts_with_all = ["keep", "undo_column", "same", "link", "separate", "exists",
        "send_again", "accept"])]
    column: bool,
    /// The row as a JSON object
    #[arg(long)]
    json: bool,
}

/// One of the decisions.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct How {
    /// Fields that both systems changed: this side's values stand, the other's are overwritten
    #[arg(long, value_name = "SIDE")]
    keep: Option<System>,
    /// What came back altered from a save is how that system writes it: both sides keep what they hold
    #[arg(long)]
    form: bool,
    /// Takes --form --column back: what comes back altered from a save into that column of that side is held again
    #[arg(long, num_args = 2, value_names = ["SIDE", "FIELD"], conflicts_with = "id")]
    undo_column: Option<Vec<String>>,
    /// The record that looks like another one is the same as ever: what differs is an edit
    #[arg(long)]
    same: bool,
    /// These two records are one customer, though their keys left it in doubt
    #[arg(long, num_args = 2, value_names = ["CRM_ID", "FINANCE_CODE"], conflicts_with = "id")]
    link: Option<Vec<String>>,
    /// It is none of the records that it is in doubt with: they are never held against each other again
    #[arg(long)]
    separate: bool,
    /// A document whose outcome is unknown stands in finance, under this number
    #[arg(long, value_name = "NUMBER")]
    exists: Option<String>,
    /// A document whose outcome is unknown is not in finance (you have looked): send it again
    #[arg(long)]
    send_again: bool,
    /// The change of an issued document is handled: it is as it should be
    #[arg(long)]
    accept: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::SYSTEMS)?;
    super::block_on(&settings, async {
        let company = arguments.company.one(&settings)?;
        let store = super::open(&settings).await?.of(company);
        if let Some(column) = &arguments.how.undo_column {
            return column::undo(&store, column, arguments.json).await;
        }
        let all = worker::assemble::engine(&settings, &store, &super::gates(&settings, &store).await?)?;
        let company = match &arguments.id {
            Some(id) => whose(&store, id).await?,
            None => company,
        };
        let engine = all.of(company).with_context(|| {
            format!(
                "company {company} is not served (COMPANIES: {})",
                settings.companies
            )
        })?;
        let store = store.of(company);
        let traceparent = Some(service::telemetry::traceparent_or_new());
        let ring = match (&arguments.how, &arguments.id) {
            (How { keep: Some(side), .. }, Some(id)) => {
                let customer = customer(&store, id).await?;
                engine.keep(&customer, (*side).into(), traceparent).await?
            }
            (How { form: true, .. }, Some(id)) => {
                let customer = customer(&store, id).await?;
                match arguments.column {
                    true => engine.column(&customer, traceparent).await?,
                    false => engine.form(&customer, traceparent).await?,
                }
            }
            (How { same: true, .. }, Some(id)) => {
                engine.same(&customer(&store, id).await?, traceparent).await?
            }
            (How { separate: true, .. }, Some(id)) => {
                let customer = customer(&store, id).await?;
                engine.separate(&customer, traceparent).await?
            }
            (How { link: Some(ids), .. }, _) => {
                let [crm, finance] = pair(ids)?;
                engine.link(&crm.id, &finance.id, traceparent).await?
            }
            (how, Some(id)) => {
                let document = document(&store, id).await?;
                if let Some(number) = &how.exists {
                    engine.exists(&document, number, traceparent).await?
                } else if how.send_again {
                    engine.send_again(&document, traceparent).await?
                } else {
                    engine.accept(&document, traceparent).await?
                }
            }
            _ => anyhow::bail!("say whom it is about: a row's id, or the CRM's id of the record"),
        };
        let row = row::run(&all, &store, ring).await?;
        row::print_end(&row, arguments.json)
    })
}

/// The company whose the named record is: of a row, or of one that is linked, as it stands there; else as it was said.
async fn whose(store: &SqlStore, id: &str) -> anyhow::Result<Company> {
    let named = row::named(store, id).await?;
    let link = match &named {
        Named::Row(row) => return Ok(row.company.parse().unwrap_or(store.company())),
        Named::Customer(named) => store.find_link(named).await?,
    };
    Ok(link.map_or(store.company(), |link| link.company))
}

/// The customer of that row, or with that id.
async fn customer(store: &SqlStore, id: &str) -> anyhow::Result<EntityRef> {
    let customer = match row::named(store, id).await? {
        Named::Row(row) => row::customer_of(&row),
        Named::Customer(customer) => customer,
    };
    anyhow::ensure!(
        customer.entity_type == EntityType::Customer,
        Message::new(Code::RuledIsADocument).with("id", id)
    );
    Ok(customer)
}

/// The document of that row, or with that CRM id.
async fn document(store: &SqlStore, id: &str) -> anyhow::Result<EntityRef> {
    let mut entity = match row::named(store, id).await? {
        Named::Row(row) => row::customer_of(&row),
        Named::Customer(named) => named,
    };
    entity.side = Side::Crm;
    if entity.entity_type == EntityType::Customer {
        for entity_type in [EntityType::PreInvoice, EntityType::Invoice] {
            entity.entity_type = entity_type;
            if store.find_link(&entity).await?.is_some() {
                return Ok(entity);
            }
        }
        anyhow::bail!(Message::new(Code::RuledNoSuchDocument).with("id", id));
    }
    Ok(entity)
}

/// A CRM id and a finance code, in this order.
fn pair(ids: &[String]) -> anyhow::Result<[EntityRef; 2]> {
    if let [crm, finance] = ids {
        let pair = [super::typed::customer(crm)?, super::typed::customer(finance)?];
        if pair[0].side == Side::Crm && pair[1].side == Side::Finance {
            return Ok(pair);
        }
    }
    anyhow::bail!("--link takes the CRM's id (a guid), then finance's code (a number)")
}
