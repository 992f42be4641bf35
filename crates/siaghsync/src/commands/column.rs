//! Columns whose values come back from a save as that system writes them: listed by `siaghsync check`, taken back by
//! `siaghsync resolve --undo-column`.

use std::process::ExitCode;

use clap::ValueEnum as _;
use domain::company::Company;
use domain::customer::Field;
use domain::index::{Column, IndexStore};
use domain::message::{Code, Message};
use domain::ports::Side;
use domain::store::sql::SqlStore;

use super::output::{self, say, time};
use super::part::Part;
use super::typed::System;

/// A line for each of them.
pub(crate) async fn look(store: &SqlStore) -> Vec<Part> {
    // What is wrong with the database stands in its own line.
    let mut parts = Vec::new();
    for company in store.served().iter() {
        let columns = store.of(company).columns().await.unwrap_or_default();
        // The CRM's are everybody's.
        let own = |column: &Column| column.side == Side::Finance || company == store.served().first();
        parts.extend(
            columns
                .into_iter()
                .filter(own)
                .map(|column| line(store, company, &column)),
        );
    }
    parts
}

fn line(store: &SqlStore, company: Company, column: &Column) -> Part {
    let (side, field, since) = (column.side, column.field, time(column.ruled_at));
    let of_company = match store.served().are_many() && side == Side::Finance {
        true => format!(" --company {company}"),
        false => String::new(),
    };
    let undo = format!(
        "siaghsync resolve --undo-column {} {field}{of_company}",
        side.name().to_lowercase()
    );
    let words = format!(
        "{side} {field}: what comes back from a save is how it is written, as ruled {since}; `{undo}` ends that"
    );
    Part::ok("column", words)
}

/// What comes back altered from a save into that column is held again.
pub(super) async fn undo(store: &SqlStore, column: &[String], as_json: bool) -> anyhow::Result<ExitCode> {
    let [side, field] = column else {
        anyhow::bail!("--undo-column takes a side (crm, finance), then a field");
    };
    let side =
        System::from_str(side, true).map_err(|_| anyhow::anyhow!("{side:?} is neither crm nor finance"))?;
    let (side, field) = (Side::from(side), Field::named(field));
    anyhow::ensure!(
        store.hold_column(side, field).await?,
        Message::new(Code::RuledNoColumn)
            .with("side", side)
            .with("field", field)
    );
    if as_json {
        output::json(&serde_json::json!({ "side": side, "field": field, "held": true }))?;
    } else {
        say!("{side} {field}: what comes back altered from a save is held again.");
    }
    Ok(ExitCode::SUCCESS)
}
