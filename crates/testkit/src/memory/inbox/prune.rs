//! Emptying old audit rows of what they hold of people.

use chrono::{DateTime, Utc};
use domain::store::entities::log;
use domain::store::{Status, Trigger};
use uuid::Uuid;

use crate::memory::tables::Tables;

pub(in crate::memory) fn prune(tables: &mut Tables, before: DateTime<Utc>, limit: u64) -> u64 {
    let old = |row: &&log::Model| {
        let done = match row.status {
            Status::Success | Status::Skipped => true,
            Status::Failed => row.trigger_type != Trigger::Manual,
            _ => false,
        };
        done && row.completed_at.is_some_and(|at| at <= before) && holds_something(row)
    };
    let mut found: Vec<_> = tables.log.values().filter(old).collect();
    found.sort_by_key(|row| row.completed_at);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let found: Vec<Uuid> = found.into_iter().map(|row| row.id).collect();
    for id in &found {
        if let Some(row) = tables.log.get_mut(id) {
            empty(row);
        }
    }
    tables.index.forget(before);
    let ended =
        |row: &&log::Model| row.status == Status::Failed && row.completed_at.is_some_and(|at| at <= before);
    let ended: Vec<Uuid> = tables.log.values().filter(ended).map(|row| row.id).collect();
    for row in ended {
        tables.taken.forget(row);
    }
    found.len() as u64
}

fn holds_something(row: &log::Model) -> bool {
    let json = [
        &row.trigger_payload,
        &row.source_data,
        &row.target_data_before,
        &row.target_data_after,
        &row.changes,
        &row.error_arguments,
    ];
    let text = [&row.error_stack, &row.error_message];
    json.into_iter().any(Option::is_some) || text.into_iter().any(Option::is_some)
}

fn empty(row: &mut log::Model) {
    row.trigger_payload = None;
    row.source_data = None;
    row.target_data_before = None;
    row.target_data_after = None;
    row.changes = None;
    row.error_stack = None;
    row.error_message = None;
    row.error_arguments = None;
}
