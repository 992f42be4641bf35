//! First meetings: reserving keys, and making an id part of a link.

use chrono::{DateTime, Utc};
use domain::ports::Side;
use domain::store::{EntityRef, EntityType, Holder, Lease, LinkState, Status, StoreError, StoreResult};
use uuid::Uuid;

use super::{MemoryStore, Tables};

impl MemoryStore {
    pub(super) async fn lock_keys(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>> {
        let now = self.clock.now();
        self.carry_out("lock", |tables| {
            if tables.leased(lease).is_none_or(|row| row.free_at(now)) {
                return Err(StoreError::Fenced);
            }
            for key in keys {
                let holder = tables.locks.get(key).filter(|id| **id != lease.link);
                if let Some(link) = holder.filter(|id| tables.links.contains_key(id)).copied() {
                    let mut open = tables.open.iter().filter_map(|id| tables.log.get(id));
                    let waits = open.any(|row| row.entity_mapping_id == Some(link));
                    let theirs = tables.links.get(&link).map(|row| &row.link);
                    return Ok(Some(Holder {
                        link,
                        waits,
                        entity_type: theirs.map_or(EntityType::Customer, |theirs| theirs.entity_type),
                        known: theirs.is_some_and(|theirs| theirs.base.is_some() || theirs.issued.is_some()),
                    }));
                }
            }
            for key in keys {
                tables.locks.insert(key.clone(), lease.link);
            }
            Ok(None)
        })
        .await
    }

    pub(super) async fn link_entity(
        &self,
        lease: &Lease,
        entity: &EntityRef,
        states: &[LinkState],
    ) -> StoreResult<()> {
        let now = self.clock.now();
        self.carry_out("link", |tables| {
            if tables.leased(lease).is_none_or(|row| row.free_at(now)) {
                return Err(StoreError::Fenced);
            }
            gain(tables, lease.link, entity, states, now)?;
            if let Some(row) = tables.leased(lease) {
                row.link.set_id(entity.side, entity.id.clone());
                if row.link.state == LinkState::New {
                    row.link.state = LinkState::Active;
                }
                row.updated_at = now;
            }
            Ok(())
        })
        .await
    }
}

/// A half link that the other side's event made of the same record becomes ours, with its rows, unless it waits
/// for something that it sent; anything else that has the id keeps it.
pub(super) fn gain(
    tables: &mut Tables,
    ours: Uuid,
    entity: &EntityRef,
    states: &[LinkState],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let Some(theirs) = tables.link_of(entity).filter(|row| row.link.id != ours) else {
        return Ok(());
    };
    let taken = states.contains(&theirs.link.state);
    if taken && theirs.free_at(now) && theirs.link.state == LinkState::Closed {
        // What is left of it names the record that is gone.
        let theirs = theirs.link.id;
        if let Some(row) = tables.links.get_mut(&theirs) {
            match entity.side {
                Side::Crm => row.link.crm_id = None,
                Side::Finance => row.link.finance_id = None,
            }
            row.updated_at = now;
        }
        return Ok(());
    }
    let half = theirs.link.id_on(entity.side.other()).is_none() && taken;
    if !half || !theirs.free_at(now) || theirs.in_flight.is_some() {
        return Err(StoreError::LinkedElsewhere {
            side: entity.side,
            id: entity.id.clone(),
        });
    }
    let theirs = theirs.link.id;
    tables.links.remove(&theirs);
    for row in tables
        .log
        .values_mut()
        .filter(|row| row.entity_mapping_id == Some(theirs))
    {
        row.entity_mapping_id = Some(ours);
        match row.status {
            // A run of theirs left it so: it is covered by ours, and to be tried again no more.
            Status::InProgress => {
                tables.retries.remove(&row.id);
            }
            Status::Conflict => {
                let was = row.error_message.take().unwrap_or_default();
                row.error_message = Some(settled_by_link(entity) + &was);
                row.status = Status::Skipped;
            }
            _ => {}
        }
    }
    Ok(())
}

/// How the message of a conflict begins that a link has settled.
fn settled_by_link(entity: &EntityRef) -> String {
    format!("settled when {} {} was linked: ", entity.side, entity.id)
}
