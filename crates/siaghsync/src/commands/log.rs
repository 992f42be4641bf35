//! `siaghsync log`: the latest audit rows.

use std::process::ExitCode;

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use domain::store::Status;
use domain::store::entities::log;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use service::settings::Settings;

/// Arguments of `log`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only rows that failed
    #[arg(long)]
    failed: bool,
    /// Only rows of this CRM id or finance code
    #[arg(long, value_name = "ID")]
    entity: Option<String>,
    /// How many
    #[arg(long, default_value_t = 20)]
    limit: u64,
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
        if let Some(id) = &arguments.entity {
            let either = Condition::any()
                .add(log::Column::SourceEntityId.eq(id.trim()))
                .add(log::Column::TargetEntityId.eq(id.trim()));
            query = query.filter(either);
        }
        let rows = query.all(store.db()).await?;
        println!("{}", table(&rows));
        Ok(ExitCode::SUCCESS)
    })
}

/// The rows as people read them.
pub(crate) fn table(rows: &[log::Model]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(150);
    table.set_header([
        "when (UTC)",
        "direction",
        "status",
        "source",
        "target",
        "what",
        "row",
    ]);
    for row in rows {
        table.add_row([
            row.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            row.direction.replace('_', " ").to_lowercase(),
            status(row.status).to_owned(),
            row.source_entity_id.clone(),
            row.target_entity_id.clone().unwrap_or_default(),
            what(row),
            row.id.to_string(),
        ]);
    }
    table
}

/// A status with its sign.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "⏳ PENDING",
        Status::InProgress => "🔄 IN_PROGRESS",
        Status::Success => "✅ SUCCESS",
        Status::Failed => "❌ FAILED",
        Status::Conflict => "⚠️ CONFLICT",
        Status::Skipped => "⏭️ SKIPPED",
    }
}

/// What happened, in a few words: the message, else which fields were written.
pub(crate) fn what(row: &log::Model) -> String {
    if let Some(message) = row.error_message.as_deref().filter(|message| !message.is_empty()) {
        return message.to_owned();
    }
    let changes: Vec<domain::store::Change> = row
        .changes
        .clone()
        .and_then(|json| serde_json::from_value(json).ok())
        .unwrap_or_default();
    changes
        .iter()
        .map(|change| change.field.name())
        .collect::<Vec<_>>()
        .join(", ")
}
