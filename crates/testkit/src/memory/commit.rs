//! Ending a run: everything it found out at once, fenced by the lease's token.

use chrono::{DateTime, Utc};
use domain::ports::Ring;
use domain::store::entities::{log, retry};
use domain::store::{
    Commit, EntityRef, Event, Link, LinkState, Retry, Status, StoreError, StoreResult, Trigger, Work,
};
use uuid::Uuid;

use super::{MemoryStore, SIDES, Tables, claim, rows};

impl MemoryStore {
    pub(super) async fn commit_run(&self, work: &Work, commit: &Commit) -> StoreResult<Option<Ring>> {
        let now = self.clock.now();
        let id = || self.clock.id();
        self.carry_out("commit", |tables| {
            // What can fail comes first: all or nothing.
            match &commit.link {
                Some(link) => save_mapping(tables, work, link, commit, now)?,
                None => drop_half(tables, work)?,
            }
            if (work.link.base.is_none() || work.link.in_flight.is_making())
                && !commit.link.as_ref().is_some_and(Link::keeps_its_locks)
            {
                tables.locks.retain(|_, holder| *holder != work.lease.link);
            }
            let Some(lead) = end_lead(tables, work, commit, now) else {
                return Ok(());
            };
            cover(tables, work, commit.outcome.status, now);
            unschedule(tables, work, commit.retry.is_none());
            if let Some(retry) = commit.retry {
                schedule(tables, id(), work.lead.id, retry, now);
            }
            if let Some(link) = &commit.link {
                for (side, outcome) in &commit.audits {
                    let row = rows::audit(id(), &lead, link, *side, outcome, lead.duration_ms, now);
                    tables.insert(row);
                }
            }
            if commit.look_again {
                tables.insert(look_again(id(), &lead, now));
            }
            Ok(())
        })
        .await?;
        // Rows that came in meanwhile found the lease taken and left it to us to look.
        let Some(link) = &commit.link else {
            return Ok(None);
        };
        self.carry_out("commit: waiting", |tables| Ok(waiting(tables, link, now)))
            .await
    }

    pub(super) async fn release_run(&self, work: &Work) -> StoreResult<()> {
        self.carry_out("release", |tables| {
            if tables.leased(&work.lease).is_none() {
                return Ok(());
            }
            for id in &tables.open {
                let Some(row) = tables.log.get_mut(id) else {
                    continue;
                };
                if row.status == Status::InProgress && row.entity_mapping_id == Some(work.lease.link) {
                    row.status = Status::Pending;
                    row.rung_at = None;
                }
            }
            claim::free(tables, &work.lease);
            Ok(())
        })
        .await
    }
}

fn save_mapping(
    tables: &mut Tables,
    work: &Work,
    link: &Link,
    commit: &Commit,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    if tables.leased(&work.lease).is_none() {
        return Err(StoreError::Fenced);
    }
    for side in SIDES {
        if let (None, Some(id)) = (work.link.id_on(side), link.id_on(side)) {
            let entity = EntityRef {
                entity_type: link.entity_type,
                side,
                id: id.to_owned(),
            };
            super::linking::gain(tables, link.id, &entity, &[LinkState::New], now)?;
        }
    }
    let row = tables.leased(&work.lease).ok_or(StoreError::Fenced)?;
    row.in_flight = Some(link.in_flight.clone()).filter(|sent| !sent.is_empty());
    row.link = link.clone();
    row.version += 1;
    row.updated_at = now;
    row.lease_owner = None;
    row.lease_until = None;
    if let Some(side) = commit.synced_from {
        row.last_sync_at = Some(now);
        row.last_sync_source = Some(rows::system(side).to_owned());
        row.last_sync_transaction_id = Some(commit.transaction);
    }
    Ok(())
}

fn drop_half(tables: &mut Tables, work: &Work) -> StoreResult<()> {
    let half = tables
        .leased(&work.lease)
        .filter(|row| row.link.state == LinkState::New);
    half.ok_or(StoreError::Fenced)?;
    tables.links.remove(&work.lease.link);
    Ok(())
}

fn end_lead(tables: &mut Tables, work: &Work, commit: &Commit, now: DateTime<Utc>) -> Option<log::Model> {
    let outcome = &commit.outcome;
    let link = commit.link.as_ref();
    let lead = tables.log.get_mut(&work.lead.id)?;
    lead.transaction_id = commit.transaction;
    lead.entity_mapping_id = link.map(|m| m.id);
    lead.target_entity_id = link
        .and_then(|m| m.id_on(work.lead.side.other()))
        .map(str::to_owned);
    lead.source_data.clone_from(&outcome.source_data);
    lead.target_data_before.clone_from(&outcome.target_before);
    lead.target_data_after.clone_from(&outcome.target_after);
    lead.error_message = outcome.text();
    lead.error_class = outcome.error_class.map(str::to_owned);
    lead.changes.clone_from(&outcome.changes);
    lead.retry_count = commit
        .retry
        .map_or(work.lead.retry_count, |r| r.count)
        .cast_signed();
    lead.completed_at = outcome.status.is_final().then_some(now);
    lead.duration_ms = i32::try_from(commit.took.as_millis()).ok();
    tables.set_status(work.lead.id, outcome.status);
    tables.log.get(&work.lead.id).cloned()
}

/// Closes the rows that this run covers; with a final outcome also the entity's earlier conflicts.
fn cover(tables: &mut Tables, work: &Work, status: Status, now: DateTime<Utc>) {
    let message = format!("covered by {}", work.lead.id);
    for covered in &work.covered {
        if let Some(row) = tables.log.get_mut(&covered.id) {
            row.error_message = Some(message.clone());
            row.completed_at = Some(now);
            row.duration_ms = Some(0);
        }
        tables.set_status(covered.id, Status::Skipped);
    }
    if status.is_final() && work.link.state == LinkState::Conflict {
        for row in tables.log.values_mut() {
            let earlier = row.status == Status::Conflict
                && row.entity_mapping_id == Some(work.lease.link)
                && row.id != work.lead.id;
            if earlier {
                row.status = Status::Skipped;
                let was = row.error_message.take().unwrap_or_default();
                row.error_message = Some(format!("{message}: {was}"));
            }
        }
    }
}

fn schedule(tables: &mut Tables, id: Uuid, row: Uuid, again: Retry, now: DateTime<Utc>) {
    let entry = tables.retries.entry(row).or_insert(retry::Model {
        id,
        sync_log_id: row,
        next_retry_at: again.at,
        retry_count: 0,
        max_retries: 0,
        created_at: now,
    });
    entry.next_retry_at = again.at;
    entry.retry_count = again.count.cast_signed();
    entry.max_retries = again.max.cast_signed();
}

fn unschedule(tables: &mut Tables, work: &Work, ends: bool) {
    for row in ends.then_some(&work.lead).into_iter().chain(&work.covered) {
        tables.retries.remove(&row.id);
    }
}

fn look_again(id: Uuid, lead: &log::Model, now: DateTime<Utc>) -> log::Model {
    let event = Event {
        row: id,
        entity: EntityRef {
            entity_type: lead.entity_type,
            side: rows::side_of(&lead.source_system),
            id: lead.source_entity_id.clone(),
        },
        trigger: Trigger::Poll,
        event_id: None,
        payload: serde_json::json!({ "lookAgainAfter": lead.id }),
        traceparent: lead.trace_parent.clone(),
        rung: false,
    };
    rows::pending(&event, now)
}

/// A row of the entity that waits and is due.
fn waiting(tables: &Tables, link: &Link, now: DateTime<Utc>) -> Option<Ring> {
    let due = |row: &&log::Model| {
        let retry = tables.retries.get(&row.id);
        retry.is_none_or(|retry| retry.next_retry_at <= now)
    };
    let mut rows = tables.open.iter().filter_map(|id| tables.log.get(id));
    rows.find(|row| row.status == Status::Pending && Tables::is_of(row, link) && due(row))
        .map(|row| Ring {
            row: row.id,
            traceparent: row.trace_parent.clone(),
        })
}
