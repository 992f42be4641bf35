//! A link as a run leaves it, and the end of its lease.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};

use super::absorb::absorb;
use super::rows::{self, elsewhere};
use crate::side::Side;
use crate::store::sql::{Column, SqlStore, fenced, micros, set, system};
use crate::store::{Commit, Lease, Link, LinkState, StoreResult, Work};

pub(in crate::store) async fn save(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    work: &Work,
    link: &Link,
    commit: &Commit,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let mut gained = None;
    for side in Side::BOTH {
        if let (None, Some(entity)) = (work.link.id_on(side), link.entity_on(side)) {
            absorb(store, tx, link.id, &entity, &[LinkState::New], now).await?;
            gained = Some(entity);
        }
    }
    let (set, mut values) = set(left(link, commit, now)?);
    let (id, token) = (values.len() + 1, values.len() + 2);
    let sql = format!(
        r#"UPDATE "EntityMapping" SET {set}, {FREED} WHERE "id" = ${id} AND "leaseToken" = ${token}"#
    );
    values.extend([link.id.into(), work.lease.token.into()]);
    let done = tx
        .execute_raw(store.statement(&sql, values))
        .await
        .map_err(|error| match &gained {
            Some(entity) => elsewhere(error, entity.side, &entity.id),
            None => error.into(),
        })?;
    fenced(&done)
}

/// The end of a lease.
pub(in crate::store) const FREED: &str =
    r#""version" = "version" + 1, "leaseOwner" = NULL, "leaseUntil" = NULL"#;

/// What a run leaves in its link's row.
pub(in crate::store) fn left(link: &Link, commit: &Commit, now: DateTime<Utc>) -> StoreResult<Vec<Column>> {
    let base = link.base.as_ref();
    let synced = commit.synced_from.is_some();
    Ok(vec![
        Column::new("crmId", "text", link.crm_id.clone()),
        Column::new("financeId", "text", link.finance_id.clone()),
        Column::new("state", "text", link.state.to_value()),
        Column::new("base", "jsonb", rows::known(link)?),
        Column::new("inFlight", "jsonb", rows::in_flight(&link.in_flight)?),
        Column::new("crmUpdatedAt", "timestamptz", link.crm_updated_at.map(micros)),
        Column::new(
            "financeUpdatedAt",
            "timestamptz",
            link.finance_updated_at.map(micros),
        ),
        Column::new("crmChecksum", "text", base.map(|base| rows::checksum(&base.crm))),
        Column::new(
            "financeChecksum",
            "text",
            base.map(|base| rows::checksum(&base.finance)),
        ),
        Column::new("lastSyncAt", "timestamptz", synced.then_some(now)).keeping(),
        Column::new("lastSyncSource", "text", commit.synced_from.map(system)).keeping(),
        Column::new(
            "lastSyncTransactionId",
            "uuid",
            synced.then_some(commit.transaction),
        )
        .keeping(),
        Column::new("updatedAt", "timestamptz", now),
        Column::new("company", "text", link.company.to_string()),
    ])
}

/// There is no such record: the half link goes, with its locks.
pub(in crate::store) async fn drop_half(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lease: &Lease,
) -> StoreResult<()> {
    let sql = r#"DELETE FROM "EntityMapping" WHERE "id" = $1 AND "leaseToken" = $2 AND "state" = 'NEW'"#;
    let values = [lease.link.into(), lease.token.into()];
    fenced(&tx.execute_raw(store.statement(sql, values)).await?)
}
