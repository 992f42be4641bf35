//! A link as a run leaves it, and the end of its lease.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};

use super::absorb::absorb;
use super::rows::{self, elsewhere};
use crate::side::Side;
use crate::store::sql::{SqlStore, fenced, micros, system};
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
    let sql = r#"UPDATE "EntityMapping" SET "crmId" = $1, "financeId" = $2, "state" = $3, "base" = $4, "inFlight" = $5,
            "crmUpdatedAt" = $6, "financeUpdatedAt" = $7, "crmChecksum" = $8, "financeChecksum" = $9,
            "lastSyncAt" = CASE WHEN $10 IS NULL THEN "lastSyncAt" ELSE $11 END,
            "lastSyncSource" = COALESCE($10, "lastSyncSource"),
            "lastSyncTransactionId" = CASE WHEN $10 IS NULL THEN "lastSyncTransactionId" ELSE $12 END,
            "version" = "version" + 1, "updatedAt" = $11, "company" = $15, "leaseOwner" = NULL, "leaseUntil" = NULL
        WHERE "id" = $13 AND "leaseToken" = $14"#;
    let base = link.base.as_ref();
    let values = [
        link.crm_id.clone().into(),
        link.finance_id.clone().into(),
        link.state.to_value().into(),
        rows::known(link)?.into(),
        rows::in_flight(&link.in_flight)?.into(),
        link.crm_updated_at.map(micros).into(),
        link.finance_updated_at.map(micros).into(),
        base.map(|base| rows::checksum(&base.crm)).into(),
        base.map(|base| rows::checksum(&base.finance)).into(),
        commit.synced_from.map(system).into(),
        now.into(),
        commit.transaction.into(),
        link.id.into(),
        work.lease.token.into(),
        link.company.to_string().into(),
    ];
    let done = tx
        .execute_raw(store.statement(sql, values))
        .await
        .map_err(|error| match &gained {
            Some(entity) => elsewhere(error, entity.side, &entity.id),
            None => error.into(),
        })?;
    fenced(&done)
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
