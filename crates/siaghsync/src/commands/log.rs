//! `siaghsync log`: the latest audit rows.

use std::process::ExitCode;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use domain::ports::Side;
use domain::store::Status;
use domain::store::entities::log;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use service::settings::Settings;

use super::output::{self, say};
use super::row::{self, Row};

/// Arguments of `log`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync log --failed
  siaghsync log --entity 505 --limit 5
  siaghsync log --conflict --json | jq .row
Exit codes: 0 done, 1 failed (says why), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    /// Only rows that failed
    #[arg(long)]
    failed: bool,
    /// Only rows that wait for a human
    #[arg(long, conflicts_with = "failed")]
    conflict: bool,
    /// Only rows of this CRM id or finance code
    #[arg(long, value_name = "ID")]
    entity: Option<String>,
    #[command(flatten)]
    company: super::typed::OfCompany,
    /// How many
    #[arg(long, default_value_t = 20)]
    limit: u64,
    /// One JSON object per row, a line each
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let mut query = log::Entity::find()
            .order_by_desc(log::Column::StartedAt)
            .limit(arguments.limit);
        if arguments.failed {
            query = query.filter(log::Column::Status.eq(Status::Failed));
        }
        if arguments.conflict {
            query = query.filter(log::Column::Status.eq(Status::Conflict));
        }
        if let Some(id) = &arguments.entity {
            let store = store.of(arguments.company.one(&settings)?);
            query = query.filter(row::of(&store, &super::typed::customer(id)?));
        }
        let rows = query.all(store.db()).await?;
        match arguments.json {
            true => rows
                .iter()
                .map(Row::from)
                .try_for_each(|row| output::json(&row))?,
            false => say!("{}", table(&rows)),
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The rows as people read them.
pub(crate) fn table(rows: &[log::Model]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(170);
    table.set_header([
        "when (UTC)",
        "direction",
        "status",
        "CRM",
        "finance",
        "what",
        "row",
    ]);
    // An id must be one piece, to be copied.
    for ids in [3, 4, 6] {
        if let Some(ids) = table.column_mut(ids) {
            ids.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    for row in rows {
        let target = row.target_entity_id.clone().unwrap_or_default();
        let (direction, [crm, finance]) = match row::source(row) {
            Side::Crm => ("→ finance", [row.source_entity_id.clone(), target]),
            Side::Finance => ("→ CRM", [target, row.source_entity_id.clone()]),
        };
        table.add_row([
            row.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            direction.to_owned(),
            output::sign(row.status).to_owned(),
            crm,
            finance,
            row::what(row),
            row.id.to_string(),
        ]);
    }
    table
}
