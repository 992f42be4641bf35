//! An audit row, as commands look for it, run it and print it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::ports::{Ring, Side};
use domain::store::entities::log;
use domain::store::sql::SqlStore;
use domain::store::{Change, EntityRef, EntityType, Status, Trigger, message_of};
use engine::{Engine, Ran};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use uuid::Uuid;

use super::output::{self, say};

/// How long a command waits for a worker that has the customer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A row as `--json` prints it, everywhere.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    row: Uuid,
    entity_type: EntityType,
    company: String,
    direction: String,
    status: Status,
    trigger: Trigger,
    source: String,
    target: Option<String>,
    event_id: Option<String>,
    heard_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    duration_ms: Option<i32>,
    retries: i32,
    error_class: Option<String>,
    error_code: Option<String>,
    error_arguments: Option<serde_json::Value>,
    message: Option<String>,
    covered_by: Option<Uuid>,
    changes: serde_json::Value,
    transaction: Uuid,
    trace_id: Option<String>,
}

impl From<&log::Model> for Row {
    fn from(row: &log::Model) -> Self {
        Self {
            row: row.id,
            entity_type: row.entity_type,
            company: row.company.clone(),
            direction: row.direction.clone(),
            status: row.status,
            trigger: row.trigger_type,
            source: row.source_entity_id.clone(),
            target: row.target_entity_id.clone(),
            event_id: row.event_id.clone(),
            heard_at: row.started_at,
            completed_at: row.completed_at,
            duration_ms: row.duration_ms,
            retries: row.retry_count,
            error_class: row.error_class.clone(),
            error_code: row.error_code.clone(),
            error_arguments: row.error_arguments.clone(),
            message: message(row),
            covered_by: row.covered_by,
            changes: row.changes.clone().unwrap_or_else(|| serde_json::json!([])),
            transaction: row.transaction_id,
            trace_id: row.trace_id.clone(),
        }
    }
}

/// What was done, field by field.
pub(crate) fn changes(row: &log::Model) -> Vec<Change> {
    let json = row.changes.clone();
    json.and_then(|json| serde_json::from_value(json).ok())
        .unwrap_or_default()
}

/// What an operator has typed to name something.
pub(crate) enum Named {
    /// An audit row.
    Row(Box<log::Model>),
    /// A customer, by its id in one of the systems.
    Customer(EntityRef),
}

/// Reads a customer's CRM id, a finance code, a row's id, or the beginning of one.
///
/// # Errors
/// When it names nothing, or more than one row.
pub(crate) async fn named(store: &SqlStore, text: &str) -> anyhow::Result<Named> {
    let text = text.trim().to_lowercase();
    if let Ok(id) = text.parse::<Uuid>() {
        if let Some(row) = log::Entity::find_by_id(id).one(store.db()).await? {
            return Ok(Named::Row(Box::new(row)));
        }
        return Ok(Named::Customer(super::typed::customer(&text)?));
    }
    // A finance code has at most ten digits; the beginning of an id that is all digits is longer, or none.
    let code = text.len() < 11 && text.parse::<u64>().is_ok();
    if code {
        return Ok(Named::Customer(super::typed::customer(&text)?));
    }
    let (from, to) = beginning(&text).with_context(|| {
        format!("{text:?} is no CRM id (a guid), no finance code (a number) and no row's id; `siaghsync log` shows them")
    })?;
    let rows = log::Entity::find()
        .filter(log::Column::Id.between(from, to))
        .order_by_desc(log::Column::Id)
        .limit(2);
    let mut rows = rows.all(store.db()).await?;
    match (rows.len(), rows.pop()) {
        (1, Some(row)) => Ok(Named::Row(Box::new(row))),
        (0, _) => anyhow::bail!("no row's id begins with {text:?}; `siaghsync log` shows the latest"),
        _ => anyhow::bail!("several rows' ids begin with {text:?}: type more of it"),
    }
}

/// The first and the last id that begin with that text.
fn beginning(text: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let fine = (6..32).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
    let filled = |with: &str| format!("{digits}{}", with.repeat(32 - digits.len())).parse().ok();
    fine.then(|| Some((filled("0")?, filled("f")?)))?
}

/// The latest row of a customer, whichever side it was heard on; one that says something before one that only was
/// covered by another.
pub(crate) async fn latest(store: &SqlStore, entity: &EntityRef) -> anyhow::Result<Option<log::Model>> {
    let rows = log::Entity::find()
        .filter(of(store, entity))
        .order_by_desc(log::Column::StartedAt)
        .order_by_desc(log::Column::Id)
        .limit(50);
    let rows = rows.all(store.db()).await?;
    // What was written in the run of another row explains less than that.
    let heard = |row: &&log::Model| row.trigger_payload.is_some();
    let explains = rows
        .iter()
        .filter(heard)
        .find(|row| row.status != Status::Skipped);
    Ok(explains.or(rows.iter().find(heard)).or(rows.first()).cloned())
}

/// Rows of that customer; a code of finance is the company's whose the store is.
pub(crate) fn of(store: &SqlStore, entity: &EntityRef) -> Condition {
    let (here, there) = match entity.side {
        Side::Crm => ("CRM", "FINANCE"),
        Side::Finance => ("FINANCE", "CRM"),
    };
    let heard = Condition::all()
        .add(log::Column::SourceSystem.eq(here))
        .add(log::Column::SourceEntityId.eq(&entity.id));
    let met = Condition::all()
        .add(log::Column::SourceSystem.eq(there))
        .add(log::Column::TargetEntityId.eq(&entity.id));
    let either = Condition::any().add(heard).add(met);
    match entity.side {
        Side::Crm => either,
        Side::Finance => Condition::all()
            .add(either)
            .add(log::Column::Company.eq(store.company().to_string())),
    }
}

/// The side whose event it is.
pub(crate) fn source(row: &log::Model) -> Side {
    if row.source_system == "CRM" {
        Side::Crm
    } else {
        Side::Finance
    }
}

/// The customer of a row.
pub(crate) fn customer_of(row: &log::Model) -> EntityRef {
    EntityRef {
        entity_type: row.entity_type,
        side: source(row),
        id: row.source_entity_id.clone(),
    }
}

/// Runs a row that was just heard, and what comes in of the same customer meanwhile; waits for a worker that has it.
///
/// # Errors
/// The database's own.
pub(crate) async fn run(engine: &Engine, store: &SqlStore, ring: Ring) -> anyhow::Result<log::Model> {
    let row = ring.row;
    let (mut ring, started) = (ring, Instant::now());
    let mut first = None;
    loop {
        match engine.run(&ring).await? {
            // A document's customer goes first, and wakes it.
            Ran::Ended { next, also, .. } if !also.is_empty() => {
                for other in also {
                    Box::pin(run(engine, store, other)).await?;
                }
                let Some((next, _)) = next else { break };
                first = Some(Instant::now());
                ring = next;
            }
            Ran::Ended {
                next: Some((next, wait)),
                ..
            } if wait.is_zero() => ring = next,
            Ran::Ended {
                next: Some((next, wait)),
                ..
            } if first.is_some_and(|first: Instant| first.elapsed() + wait < PATIENCE) => {
                tokio::time::sleep(wait).await;
                ring = next;
            }
            Ran::Busy | Ran::Fenced | Ran::Unavailable(_) if started.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            _ => break,
        }
    }
    log::Entity::find_by_id(row)
        .one(store.db())
        .await?
        .context("the row is not there any more")
}

/// Prints how a row that a command has run has ended.
pub(crate) fn print_end(row: &log::Model, as_json: bool) -> anyhow::Result<ExitCode> {
    let untouched = row.error_message.is_none() && !row.status.is_final();
    if as_json {
        output::json(&Row::from(row))?;
    } else if untouched {
        say!(
            "A worker has this customer at the moment, and sees to row {} next; `siaghsync show {}` tells.",
            row.id,
            row.id
        );
    } else {
        say!("{}: {}", output::status(row.status), what(row));
        say!("{}", output::faint(&format!("siaghsync show {}", row.id)));
    }
    let good = matches!(row.status, Status::Success | Status::Skipped) || untouched;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What a row says; of one that was emptied for its age, what is left of that.
pub(crate) fn message(row: &log::Model) -> Option<String> {
    let said = row.error_message.clone().filter(|message| !message.is_empty());
    said.or_else(|| message_of(row).map(|message| message.english()))
}

/// What happened, in a few words: the message, else which fields were written.
pub(crate) fn what(row: &log::Model) -> String {
    if let Some(message) = message(row) {
        return message;
    }
    let changes = changes(row);
    let fields = changes.iter().map(|change| change.field.name());
    fields.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_id_names_a_range() {
        let (from, to) = beginning("0193a0de-1").unwrap();
        assert_eq!(from.to_string(), "0193a0de-1000-0000-0000-000000000000");
        assert_eq!(to.to_string(), "0193a0de-1fff-ffff-ffff-ffffffffffff");
        for none in ["0193a", "ali karimi", "", "0193a0de-zz"] {
            assert_eq!(beginning(none), None, "{none}");
        }
    }
}
