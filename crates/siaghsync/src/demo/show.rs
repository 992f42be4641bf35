//! How the demo shows things: a line for each sync as it ends, tables at the end.

use std::collections::HashSet;

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use domain::change::Reason;
use domain::ports::Side;
use domain::store::entities::log;
use domain::store::sql::SqlStore;
use domain::store::{Change, Store};
use sea_orm::{EntityTrait, QueryOrder};

use super::agree::Pair;
use crate::commands::{log as rows, output};

/// Remembers what was shown.
pub(super) struct Show {
    store: SqlStore,
    shown: HashSet<uuid::Uuid>,
}

impl Show {
    pub(super) fn new(store: SqlStore) -> Self {
        Self {
            store,
            shown: HashSet::new(),
        }
    }

    pub(super) fn title(&self, text: &str) {
        println!("── {text}");
    }

    pub(super) fn note(&self, text: &str) {
        println!("   {text}");
    }

    async fn rows(&self) -> anyhow::Result<Vec<log::Model>> {
        Ok(log::Entity::find()
            .order_by_asc(log::Column::StartedAt)
            .all(self.store.db())
            .await?)
    }

    /// Shows rows that have ended since the last call.
    pub(super) async fn news(&mut self) -> anyhow::Result<()> {
        for row in self.rows().await? {
            if row.status.is_final() && self.shown.insert(row.id) {
                println!("   {}", line(&row));
            }
        }
        Ok(())
    }

    /// Whether no row waits or is worked on.
    pub(super) async fn quiet(&self) -> anyhow::Result<bool> {
        let stats = self.store.stats().await?;
        Ok(stats.pending + stats.in_progress == 0)
    }

    /// The audit rows of what was done; those that had nothing to do are only counted.
    pub(super) async fn audit(&self) -> anyhow::Result<String> {
        let (skipped, done): (Vec<_>, Vec<_>) = self
            .rows()
            .await?
            .into_iter()
            .partition(|row| row.status == domain::store::Status::Skipped);
        Ok(format!(
            "{}\n… and {} rows SKIPPED: nothing to do, or covered by another",
            rows::table(&done),
            skipped.len()
        ))
    }
}

fn line(row: &log::Model) -> String {
    let arrow = if row.direction == "CRM_TO_FINANCE" {
        "CRM → finance"
    } else {
        "finance → CRM"
    };
    let name = row
        .source_data
        .as_ref()
        .and_then(|data| data.pointer("/values/name"))
        .and_then(|name| name.as_str());
    let name = name.map(|name| format!(" «{name}»")).unwrap_or_default();
    let changes = row
        .changes
        .as_ref()
        .map(|_| fields(row))
        .filter(|fields| !fields.is_empty());
    let changes = changes.map(|fields| format!(" [{fields}]")).unwrap_or_default();
    let message = row.error_message.as_deref().unwrap_or_default();
    format!(
        "{} {arrow}{name}: {message}{changes} ({} ms)",
        output::sign(row.status),
        row.duration_ms.unwrap_or_default()
    )
}

/// Which fields were written, with the loser where both sides had changed one.
fn fields(row: &log::Model) -> String {
    let changes = row
        .changes
        .clone()
        .and_then(|json| serde_json::from_value::<Vec<Change>>(json).ok());
    let told = |change: &Change| {
        let loser = match change.winner {
            Some(Side::Crm) => &change.finance,
            _ => &change.crm,
        };
        match change.reason {
            Reason::LaterWins | Reason::Tie | Reason::Priority | Reason::SettledByHand => {
                format!("{} (instead of «{loser}»)", change.field)
            }
            _ => change.field.to_string(),
        }
    };
    changes
        .unwrap_or_default()
        .iter()
        .map(told)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Both systems side by side.
pub(super) fn customers(pairs: &[Pair]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(150);
    table.set_header([
        "CRM number",
        "name in the CRM",
        "mobile",
        "finance code",
        "name in finance",
        "mobile",
        "agree?",
    ]);
    for pair in pairs {
        let [name, mobile, number] = pair.crm.clone();
        let [code, their_name, their_mobile] = pair.finance.clone();
        let agree = if pair.differences.is_empty() {
            "✅".to_owned()
        } else {
            format!("❌ {}", pair.differences.join(", "))
        };
        table.add_row([number, name, mobile, code, their_name, their_mobile, agree]);
    }
    table
}
