//! Emptying old audit rows of what they hold of people.

use std::time::Duration;

use uuid::Uuid;

use domain::store::entities::log;
use domain::store::{Status, StoreResult, Trigger};

use super::MemoryStore;

impl MemoryStore {
    pub(super) async fn prune_rows(&self, older_than: Duration, limit: u64) -> StoreResult<u64> {
        let age = chrono::Duration::from_std(older_than).unwrap_or(chrono::Duration::MAX);
        let Some(before) = self.clock.now().checked_sub_signed(age) else {
            return Ok(0);
        };
        self.carry_out("prune", |tables| {
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
            Ok(found.len() as u64)
        })
        .await
    }
}

fn holds_something(row: &log::Model) -> bool {
    [
        &row.trigger_payload,
        &row.source_data,
        &row.target_data_before,
        &row.target_data_after,
        &row.changes,
    ]
    .into_iter()
    .any(Option::is_some)
        || row.error_stack.is_some()
}

fn empty(row: &mut log::Model) {
    row.trigger_payload = None;
    row.source_data = None;
    row.target_data_before = None;
    row.target_data_after = None;
    row.changes = None;
    row.error_stack = None;
}
