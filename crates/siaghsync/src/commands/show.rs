//! `siaghsync show <id>`: one sync told as a story, from the audit rows alone.

use std::process::ExitCode;

use anyhow::Context;
use domain::store::entities::{log, retry};
use domain::store::sql::SqlStore;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;
use service::settings::Settings;

use super::output::{self, say};
use super::row::{self, Named, Row};
use super::story;
use super::told::Told;

/// Arguments of `show`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync show 0193a0de-12      a row, by the beginning of its id
  siaghsync show 505              the latest that happened to finance's contact 505
  siaghsync show 3f2a91c4-0b1e-4f56-9c1d-2f0f6a1d77e1 --json
Exit codes: 0 done, 1 failed (says why), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    /// A row's id (the beginning will do), or a customer's CRM id or finance code: its latest row
    id: String,
    /// The row with what both sides held, as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(flatten)]
    row: Row,
    source_data: &'a Option<serde_json::Value>,
    target_data_before: &'a Option<serde_json::Value>,
    target_data_after: &'a Option<serde_json::Value>,
    next_retry_at: Option<chrono::DateTime<chrono::Utc>>,
    same_run: Vec<Row>,
    next: String,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let told = told(&store, &arguments.id).await?;
        if arguments.json {
            output::json(&Shown {
                row: Row::from(&told.row),
                source_data: &told.row.source_data,
                target_data_before: &told.row.target_data_before,
                target_data_after: &told.row.target_data_after,
                next_retry_at: told.retry.as_ref().map(|retry| retry.next_retry_at),
                same_run: told.same_run.iter().map(Row::from).collect(),
                next: story::next(&told),
            })?;
        } else {
            say!("{}", story::tell(&told));
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn told(store: &SqlStore, id: &str) -> anyhow::Result<Told> {
    let row = match row::named(store, id).await? {
        Named::Row(row) => *row,
        Named::Customer(customer) => row::latest(store, &customer).await?.with_context(|| {
            format!(
                "nothing was ever heard of {} {}; `siaghsync sync {}` looks at it now",
                customer.side, customer.id, customer.id
            )
        })?,
    };
    let same_run = log::Entity::find()
        .filter(log::Column::TransactionId.eq(row.transaction_id))
        .filter(log::Column::Id.ne(row.id))
        .order_by_asc(log::Column::Id);
    let retry = retry::Entity::find().filter(retry::Column::SyncLogId.eq(row.id));
    Ok(Told {
        same_run: same_run.all(store.db()).await?,
        retry: retry.one(store.db()).await?,
        row,
    })
}
