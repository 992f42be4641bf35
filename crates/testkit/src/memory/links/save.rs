//! A link as a run leaves it, and the end of its lease.

use chrono::{DateTime, Utc};
use domain::ports::Side;
use domain::store::{Commit, Link, LinkState, StoreResult, Work};

use super::link::{apply, elsewhere, gain};
use crate::memory::own::Own;
use crate::memory::rows;
use crate::memory::tables::Tables;

pub(in crate::memory) fn save(
    own: &Own,
    tables: &mut Tables,
    work: &Work,
    link: &Link,
    commit: &Commit,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let mut row = tables.leased(&work.lease)?;
    rows::save(&mut row, link)?;
    row.version += 1;
    row.updated_at = now;
    row.lease_owner = None;
    row.lease_until = None;
    if let Some(side) = commit.synced_from {
        row.last_sync_at = Some(now);
        row.last_sync_source = Some(rows::system(side).to_owned());
        row.last_sync_transaction_id = Some(commit.transaction);
    }
    let gained = Side::BOTH
        .into_iter()
        .filter(|side| work.link.id_on(*side).is_none());
    let gained: Vec<_> = gained.filter_map(|side| link.entity_on(side)).collect();
    let mut gains = Vec::with_capacity(gained.len());
    for entity in &gained {
        gains.push(gain(own, tables, link.id, entity, &[LinkState::New], now)?);
    }
    for (gain, entity) in gains.into_iter().zip(&gained) {
        apply(tables, gain, link.id, entity, now)?;
    }
    let put = tables.put_link(row);
    put.map_err(|error| gained.last().map_or(error, elsewhere))
}
