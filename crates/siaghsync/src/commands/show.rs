//! `siaghsync show <id>`: the life of one row, from the audit rows alone.

use std::process::ExitCode;

use anyhow::Context;
use domain::store::entities::{link, log, retry};
use domain::store::sql::SqlStore;
use domain::story::{self, Facts, Story, text};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use service::settings::Settings;
use uuid::Uuid;

use super::output::{self, say};
use super::row::{self, Named, Row};

/// So many covered rows are named.
const COVERED: u64 = 50;

/// How the text stands out on a terminal.
const STYLE: text::Style<'static> = text::Style {
    title: &output::title,
    status: &output::status,
};

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
    #[command(flatten)]
    company: super::typed::OfCompany,
    /// The row with what both sides held, as one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints: the row, and its story.
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
    story: &'a Story,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let company = arguments.company.one(&settings)?;
        let store = super::open(&settings).await?.of(company);
        let row = row(&store, &arguments.id).await?;
        let others = others(&store, &row).await?;
        let facts = facts(&store, &row, &others).await?;
        let story = story::explain(&facts);
        if arguments.json {
            let same_run = others
                .iter()
                .filter(|other| other.transaction_id == row.transaction_id);
            output::json(&Shown {
                row: Row::from(&row),
                source_data: &row.source_data,
                target_data_before: &row.target_data_before,
                target_data_after: &row.target_data_after,
                next_retry_at: story.held.next_try,
                same_run: same_run.map(Row::from).collect(),
                next: story.next.advice.english(),
                story: &story,
            })?;
        } else {
            say!("{}", text::render(&story, STYLE));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The row that was named, or the latest of the customer that was.
async fn row(store: &SqlStore, id: &str) -> anyhow::Result<log::Model> {
    Ok(match row::named(store, id).await? {
        Named::Row(row) => *row,
        Named::Customer(customer) => row::latest(store, &customer).await?.with_context(|| {
            format!(
                "nothing was ever heard of {} {}; `siaghsync sync {}` looks at it now",
                customer.side, customer.id, customer.id
            )
        })?,
    })
}

/// What the runs of the same row have written besides: rows of the same run, and of earlier tries, which bear the time
/// at which the row was heard. (Another row may have been heard at that time, too.)
async fn others(store: &SqlStore, row: &log::Model) -> anyhow::Result<Vec<log::Model>> {
    let Some(link) = row.entity_mapping_id else {
        return Ok(Vec::new());
    };
    let says_something = Condition::any()
        .add(log::Column::Changes.is_not_null())
        .add(log::Column::TargetDataAfter.is_not_null());
    let of_an_earlier_try = Condition::all()
        .add(log::Column::StartedAt.eq(row.started_at))
        .add(log::Column::TriggerPayload.is_null())
        .add(says_something);
    let of_its_runs = Condition::any()
        .add(log::Column::TransactionId.eq(row.transaction_id))
        .add(of_an_earlier_try);
    let others = log::Entity::find()
        .filter(log::Column::EntityMappingId.eq(link))
        .filter(log::Column::Id.ne(row.id))
        .filter(of_its_runs)
        .order_by_asc(log::Column::Id);
    Ok(others.all(store.db()).await?)
}

async fn facts(store: &SqlStore, row: &log::Model, others: &[log::Model]) -> anyhow::Result<Facts> {
    let retry = retry::Entity::find().filter(retry::Column::SyncLogId.eq(row.id));
    let link = match row.entity_mapping_id {
        Some(id) => link::Entity::find_by_id(id).one(store.db()).await?,
        None => None,
    };
    Ok(Facts {
        row: row.into(),
        others: others.iter().map(Into::into).collect(),
        retry: retry.one(store.db()).await?.as_ref().map(Into::into),
        link: link.as_ref().map(Into::into),
        covers: covered_by(store, row).await?,
    })
}

/// Rows that the run of this one has covered.
async fn covered_by(store: &SqlStore, row: &log::Model) -> anyhow::Result<Vec<Uuid>> {
    let Some(link) = row.entity_mapping_id else {
        return Ok(Vec::new());
    };
    // Version 0.1 wrote only a text.
    let by_it = Condition::any()
        .add(log::Column::CoveredBy.eq(row.id))
        .add(log::Column::ErrorMessage.starts_with(format!("covered by {}", row.id)));
    let covered = log::Entity::find()
        .filter(log::Column::EntityMappingId.eq(link))
        .filter(by_it)
        .order_by_asc(log::Column::StartedAt)
        .limit(COVERED);
    let covered = covered.all(store.db()).await?;
    Ok(covered.into_iter().map(|row| row.id).collect())
}
