//! Taking the lease of an entity and its open rows, and giving them back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::company::Company;
use domain::store::entities::link;
use domain::store::{Claim, EntityRef, Lease, Status, StoreResult, Work};
use uuid::Uuid;

use crate::memory::own::Own;
use crate::memory::rows;
use crate::memory::tables::{Tables, is_free};

/// What a row that was rung for is about, and whose that is; else the answer to its claim.
pub(in crate::memory) fn due(
    own: &Own,
    tables: &Tables,
    row: Uuid,
    now: DateTime<Utc>,
) -> Result<(EntityRef, Company), Claim> {
    let Some(rung) = tables.log.get(&row).filter(|rung| !rung.status.is_final()) else {
        return Err(Claim::Done);
    };
    if tables
        .retries
        .get(&row)
        .is_some_and(|retry| retry.next_retry_at > now)
    {
        return Err(Claim::NotDue);
    }
    let entity = EntityRef {
        entity_type: rung.entity_type,
        side: rows::side_of(&rung.source_system),
        id: rung.source_entity_id.clone(),
    };
    let company = rung.company.parse().unwrap_or(own.served.first());
    Ok((entity, company))
}

pub(in crate::memory) fn claim(
    tables: &mut Tables,
    lead: Uuid,
    fresh: link::Model,
    entity: &EntityRef,
    owner: &str,
    (now, duration): (DateTime<Utc>, Duration),
) -> StoreResult<Claim> {
    let company = fresh.company.parse().unwrap_or_default();
    let known = tables.link_of(entity, company).cloned();
    let mut taken = known.unwrap_or(fresh);
    if !is_free(&taken, now) {
        return Ok(Claim::Busy);
    }
    let open = tables.open_of(&taken);
    if open.is_empty() {
        // Someone closed the row between our look and the lease.
        return Ok(Claim::Done);
    }
    let link = rows::link(&taken)?;
    taken.lease_owner = Some(owner.to_owned());
    taken.lease_token += 1;
    taken.lease_until = Some(now + duration);
    let lease = Lease {
        link: taken.id,
        token: taken.lease_token,
    };
    tables.put_link(taken)?;
    let mut claimed = Vec::with_capacity(open.len());
    for id in open {
        let Some(row) = tables.log.get_mut(&id) else {
            continue;
        };
        // One that an earlier run left in progress is an orphan: its lease is ours now.
        row.lapses += i32::from(row.status == Status::InProgress);
        row.status = Status::InProgress;
        row.entity_mapping_id = Some(lease.link);
        claimed.push(rows::claimed(row));
    }
    claimed.sort_by_key(|row| (row.heard_at, row.id));
    let lead = claimed.iter().position(|row| row.id == lead).unwrap_or(0);
    let lead = claimed.remove(lead);
    Ok(Claim::Taken(Box::new(Work {
        lease,
        link,
        lead,
        covered: claimed,
    })))
}

pub(in crate::memory) fn release(tables: &mut Tables, lease: &Lease) -> StoreResult<()> {
    let Ok(mut link) = tables.leased(lease) else {
        return Ok(());
    };
    for id in tables.claimed_by(lease.link) {
        if let Some(row) = tables.log.get_mut(&id) {
            row.status = Status::Pending;
            row.rung_at = None;
        }
    }
    link.lease_owner = None;
    link.lease_until = None;
    tables.put_link(link)
}
