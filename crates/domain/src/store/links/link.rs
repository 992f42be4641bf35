//! Making an id part of a link, before anything is written to it.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait, TransactionTrait};

use super::absorb::absorb;
use super::lease::hold;
use super::rows::{elsewhere, has_no_other, id_column, names};
use crate::store::sql::SqlStore;
use crate::store::{EntityRef, Lease, LinkState, StoreError, StoreResult};

/// A half in one of `states` that has the id is absorbed; where a closed link may be, what it has outlived is taken.
pub(in crate::store) async fn link(
    store: &SqlStore,
    lease: &Lease,
    entity: &EntityRef,
    states: &[LinkState],
) -> StoreResult<()> {
    let now = store.now();
    // Hardly ever has another link the id: it is looked for where ours could not get it.
    if name(store, store.db(), lease, entity, now).await? {
        return Ok(());
    }
    let tx = store.db().begin().await?;
    absorb(store, &tx, lease.link, entity, states, now).await?;
    if states.contains(&LinkState::Closed) {
        outlive(store, &tx, lease, entity, now).await?;
    }
    if !name(store, &tx, lease, entity, now).await? {
        hold(store, &tx, lease, now).await?;
        return Err(StoreError::LinkedElsewhere {
            side: entity.side,
            id: entity.id.clone(),
        });
    }
    tx.commit().await?;
    Ok(())
}

/// Whether it has the id now: not where another link has it, nor where the lease was lost.
async fn name(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lease: &Lease,
    entity: &EntityRef,
    now: DateTime<Utc>,
) -> StoreResult<bool> {
    let column = id_column(entity.side);
    let sql = format!(
        r#"UPDATE "EntityMapping" SET "{column}" = $1, "company" = $5, "updatedAt" = $2,
               "state" = CASE WHEN "state" = 'NEW' THEN 'ACTIVE' ELSE "state" END
           WHERE "id" = $3 AND "leaseToken" = $4 AND "leaseUntil" > $2 AND {}"#,
        has_no_other(entity.side, 3, 6, 1, 5)
    );
    let values = [
        entity.id.clone().into(),
        now.into(),
        lease.link.into(),
        lease.token.into(),
        store.label(),
        entity.entity_type.to_value().into(),
    ];
    let done = tx
        .execute_raw(store.statement(&sql, values))
        .await
        .map_err(|e| elsewhere(e, entity.side, &entity.id))?;
    Ok(done.rows_affected() == 1)
}

/// What is left of a closed link names the record that is gone.
async fn outlive(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lease: &Lease,
    entity: &EntityRef,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let column = id_column(entity.side);
    let sql = format!(
        r#"UPDATE "EntityMapping" SET "{column}" = NULL, "updatedAt" = $1
           WHERE "entityType" = $2 AND {} AND "id" <> $4 AND "state" = 'CLOSED'
             AND ("leaseUntil" IS NULL OR "leaseUntil" <= $1)"#,
        names(entity.side, 3, 5)
    );
    let values = [
        now.into(),
        entity.entity_type.to_value().into(),
        entity.id.clone().into(),
        lease.link.into(),
        store.label(),
    ];
    tx.execute_raw(store.statement(&sql, values)).await?;
    Ok(())
}
