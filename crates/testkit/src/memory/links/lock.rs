//! Reserving keys, all or none.

use chrono::{DateTime, Utc};
use domain::store::{EntityType, Holder, Lease, StoreResult};

use crate::memory::own::Own;
use crate::memory::tables::Tables;

pub(in crate::memory) fn lock(
    own: &Own,
    tables: &mut Tables,
    lease: &Lease,
    keys: &[String],
    now: DateTime<Utc>,
) -> StoreResult<Option<Holder>> {
    tables.held(lease, now)?;
    // One person may be a customer of two companies, and one code stands in both.
    let own_keys = |key: &String| own.served.reserved(own.company, key);
    let keys: Vec<String> = keys.iter().flat_map(own_keys).collect();
    let taken = keys.iter().filter_map(|key| tables.holder(key));
    if let Some(link) = taken.into_iter().find(|holder| *holder != lease.link) {
        let mut open = tables.open.iter().filter_map(|id| tables.log.get(id));
        let theirs = tables.link(link);
        return Ok(Some(Holder {
            link,
            waits: open.any(|row| row.entity_mapping_id == Some(link)),
            entity_type: theirs.map_or(EntityType::Customer, |theirs| theirs.entity_type),
            known: theirs.is_some_and(|theirs| theirs.base.is_some()),
        }));
    }
    for key in &keys {
        tables.lock(key, lease.link)?;
    }
    Ok(None)
}
