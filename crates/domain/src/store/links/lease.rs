//! Who works on an entity.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait, QueryResult};
use uuid::Uuid;

use super::rows::{self, id_column};
use super::save::drop_half;
use crate::side::Side;
use crate::store::sql::{Claiming, SqlStore, fenced};
use crate::store::{EntityRef, Lease, Link, LinkState, StoreResult};

/// The statement that creates the half link of these values, or takes the lease of the link unless someone holds it.
pub(in crate::store) fn taking(side: Side, values: &str) -> String {
    let key = match side {
        Side::Crm => r#""entityType", "crmId""#,
        Side::Finance => r#""entityType", "company", "financeId""#,
    };
    format!(
        r#"INSERT INTO "EntityMapping" ("id", "entityType", "{}", "state", "version", "leaseOwner", "leaseToken",
                                        "leaseUntil", "createdAt", "updatedAt", "company")
           {values}
           ON CONFLICT ({key}) DO UPDATE
           SET "leaseOwner" = excluded."leaseOwner", "leaseToken" = "EntityMapping"."leaseToken" + 1,
               "leaseUntil" = excluded."leaseUntil"
           WHERE "EntityMapping"."leaseUntil" IS NULL OR "EntityMapping"."leaseUntil" <= excluded."updatedAt"
           RETURNING {}"#,
        id_column(side),
        rows::COLUMNS
    )
}

/// [`taking`] by itself.
pub(in crate::store) async fn take(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    entity: &EntityRef,
    asked: &Claiming,
    now: DateTime<Utc>,
) -> StoreResult<Option<(Lease, Link)>> {
    let sql = taking(
        entity.side,
        "VALUES ($1, $2, $3, 'NEW', 0, $4, 1, $5, $6, $6, $7)",
    );
    let values = [
        Uuid::now_v7().into(),
        entity.entity_type.to_value().into(),
        entity.id.clone().into(),
        asked.owner.clone().into(),
        asked.until.into(),
        now.into(),
        store.label(),
    ];
    let Some(row) = tx.query_one_raw(store.statement(&sql, values)).await? else {
        return Ok(None);
    };
    Ok(lease_of(&row)?.zip(Some(rows::read(&row)?)))
}

/// The lease that [`taking`] has taken; a row that shows none is none.
pub(in crate::store) fn lease_of(row: &QueryResult) -> StoreResult<Option<Lease>> {
    let (link, token) = (row.try_get("", "id")?, row.try_get("", "leaseToken")?);
    let lease = |(link, token)| Lease { link, token };
    Ok(Option::zip(link, token).map(lease))
}

/// Gives back what was taken for nothing; a half link that was made for it goes.
pub(in crate::store) async fn let_go(
    store: &SqlStore,
    db: &impl ConnectionTrait,
    lease: &Lease,
    link: &Link,
) -> StoreResult<()> {
    match (link.state, lease.token) {
        (LinkState::New, 1) => drop_half(store, db, lease).await,
        _ => free(store, db, lease).await,
    }
}

/// Fails unless the lease holds, and goes on holding until this transaction ends. A write, for SQLite takes no lock for
/// writing once a transaction has begun with reading.
pub(in crate::store) async fn hold(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lease: &Lease,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let sql = r#"UPDATE "EntityMapping" SET "leaseToken" = "leaseToken"
                 WHERE "id" = $1 AND "leaseToken" = $2 AND "leaseUntil" > $3"#;
    let values = [lease.link.into(), lease.token.into(), now.into()];
    fenced(&tx.execute_raw(store.statement(sql, values)).await?)
}

/// Gives the lease back, if it is still the last that was given.
pub(in crate::store) async fn free(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lease: &Lease,
) -> StoreResult<()> {
    let sql = r#"UPDATE "EntityMapping" SET "leaseOwner" = NULL, "leaseUntil" = NULL
                 WHERE "id" = $1 AND "leaseToken" = $2"#;
    tx.execute_raw(store.statement(sql, [lease.link.into(), lease.token.into()]))
        .await?;
    Ok(())
}
