//! Taking the lease of an entity and its open rows: one read, then one transaction.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::store::{Claim, EntityRef, Lease, Link, Status, StoreResult, Work};
use uuid::Uuid;

use super::{MappingRow, MemoryStore, Tables, rows};

impl MemoryStore {
    pub(super) async fn claim_row(&self, row: Uuid, owner: &str, lease: Duration) -> StoreResult<Claim> {
        let now = self.clock.now();
        let rung = self
            .carry_out("claim: look", |tables| {
                let retry = tables.retries.get(&row).map(|retry| retry.next_retry_at);
                let rung = tables.log.get(&row).filter(|rung| !rung.status.is_final());
                Ok(rung.map(|rung| {
                    let entity = EntityRef {
                        entity_type: rung.entity_type,
                        side: rows::side_of(&rung.source_system),
                        id: rung.source_entity_id.clone(),
                    };
                    (entity, retry.is_none_or(|at| at <= now))
                }))
            })
            .await?;
        let (entity, due) = match rung {
            None => return Ok(Claim::Done),
            Some(rung) => rung,
        };
        if !due {
            return Ok(Claim::NotDue);
        }
        let id = self.clock.id();
        let taken = self
            .carry_out("claim: take", |tables| {
                let before = tables.link_of(&entity).cloned();
                let Some(link) = take_lease(tables, id, &entity, owner, now, lease) else {
                    return Ok(Claim::Busy);
                };
                let taken = link.link.id;
                if let Some(work) = take_rows(tables, link, row) {
                    return Ok(Claim::Taken(Box::new(work)));
                }
                // Someone closed the row between our look and the lease.
                match before {
                    Some(before) => tables.links.insert(taken, before),
                    None => tables.links.remove(&taken),
                };
                Ok(Claim::Done)
            })
            .await?;
        Ok(taken)
    }
}

fn take_lease(
    tables: &mut Tables,
    id: Uuid,
    entity: &EntityRef,
    owner: &str,
    now: DateTime<Utc>,
    lease: Duration,
) -> Option<MappingRow> {
    let known = tables.link_of(entity).map(|row| row.link.id);
    let row = match known {
        Some(known) => tables.links.get_mut(&known)?,
        None => tables.links.entry(id).or_insert_with(|| half(id, entity, now)),
    };
    if !row.free_at(now) {
        return None;
    }
    row.lease_owner = Some(owner.to_owned());
    row.lease_token += 1;
    row.lease_until = Some(now + lease);
    Some(row.clone())
}

fn half(id: Uuid, entity: &EntityRef, now: DateTime<Utc>) -> MappingRow {
    let mut link = Link {
        id,
        ..Link::unmet(entity.entity_type)
    };
    link.set_id(entity.side, entity.id.clone());
    MappingRow {
        link,
        last_sync_at: None,
        last_sync_source: None,
        last_sync_transaction_id: None,
        created_at: now,
        updated_at: now,
        in_flight: None,
        version: 0,
        lease_owner: None,
        lease_token: 0,
        lease_until: None,
    }
}

/// All open rows of the entity; rows that an earlier run left in progress are orphans, its lease is ours now.
fn take_rows(tables: &mut Tables, taken: MappingRow, lead: Uuid) -> Option<Work> {
    let lease = Lease {
        link: taken.link.id,
        token: taken.lease_token,
    };
    let mut claimed = Vec::new();
    for id in &tables.open {
        let Some(row) = tables
            .log
            .get_mut(id)
            .filter(|row| Tables::is_of(row, &taken.link))
        else {
            continue;
        };
        row.lapses += i32::from(row.status == Status::InProgress);
        row.status = Status::InProgress;
        row.entity_mapping_id = Some(taken.link.id);
        claimed.push(rows::claimed(row));
    }
    claimed.sort_by_key(|row| (row.heard_at, row.id));
    if claimed.is_empty() {
        return None;
    }
    let lead = claimed.iter().position(|row| row.id == lead).unwrap_or(0);
    let lead = claimed.remove(lead);
    let link = Link {
        in_flight: taken.in_flight.unwrap_or_default(),
        ..taken.link
    };
    Some(Work {
        lease,
        link,
        lead,
        covered: claimed,
    })
}

pub(super) fn free(tables: &mut Tables, lease: &Lease) {
    if let Some(row) = tables.leased(lease) {
        row.lease_owner = None;
        row.lease_until = None;
    }
}
