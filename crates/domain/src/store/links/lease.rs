//! Who works on an entity.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};
use uuid::Uuid;

use super::rows::{self, id_column};
use crate::side::Side;
use crate::store::sql::{SqlStore, fenced};
use crate::store::{EntityRef, Lease, Link, StoreResult};

/// Creates the half link, or takes the lease of the link unless someone holds it.
pub(in crate::store) async fn take(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    entity: &EntityRef,
    owner: &str,
    duration: Duration,
    now: DateTime<Utc>,
) -> StoreResult<Option<(Lease, Link)>> {
    let column = id_column(entity.side);
    let key = match entity.side {
        Side::Crm => r#""entityType", "crmId""#,
        Side::Finance => r#""entityType", "company", "financeId""#,
    };
    let sql = format!(
        r#"INSERT INTO "EntityMapping" ("id", "entityType", "{column}", "state", "version", "leaseOwner", "leaseToken",
                                        "leaseUntil", "createdAt", "updatedAt", "company")
           VALUES ($1, $2, $3, 'NEW', 0, $4, 1, $5, $6, $6, $7)
           ON CONFLICT ({key}) DO UPDATE
           SET "leaseOwner" = excluded."leaseOwner", "leaseToken" = "EntityMapping"."leaseToken" + 1,
               "leaseUntil" = excluded."leaseUntil"
           WHERE "EntityMapping"."leaseUntil" IS NULL OR "EntityMapping"."leaseUntil" <= $6
           RETURNING {}"#,
        rows::COLUMNS
    );
    let values = [
        Uuid::now_v7().into(),
        entity.entity_type.to_value().into(),
        entity.id.clone().into(),
        owner.into(),
        (now + duration).into(),
        now.into(),
        store.label(),
    ];
    let Some(row) = tx.query_one_raw(store.statement(&sql, values)).await? else {
        return Ok(None);
    };
    let link = rows::read(&row)?;
    let token = row.try_get("", "leaseToken")?;
    Ok(Some((Lease { link: link.id, token }, link)))
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
