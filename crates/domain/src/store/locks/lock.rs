//! Reserving keys, all or none.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, TransactionTrait};

use super::rows;
use crate::store::sql::SqlStore;
use crate::store::{EntityType, Holder, Lease, StoreResult, links};

pub(in crate::store) async fn lock(
    store: &SqlStore,
    lease: &Lease,
    keys: &[String],
) -> StoreResult<Option<Holder>> {
    let own = |key: &String| store.served().reserved(store.company(), key);
    // One person may be a customer of two companies, and one code stands in both.
    let mut sorted: Vec<String> = keys.iter().flat_map(own).collect();
    // Always in one order, so that two that want the same keys wait for each other and don't block each other.
    sorted.sort_unstable();
    sorted.dedup();
    let (tx, now) = (store.db().begin().await?, store.now());
    if reserve(store, &tx, lease, &sorted, now).await? {
        tx.commit().await?;
        return Ok(None);
    }
    links::hold(store, &tx, lease, now).await?;
    let holder = holder(store, &tx, lease, &sorted).await?;
    tx.rollback().await?;
    // Given back between the two statements: to be tried again soon.
    Ok(Some(holder.unwrap_or(Holder {
        link: lease.link,
        waits: true,
        entity_type: EntityType::Customer,
        known: false,
    })))
}

/// Whether all of them are its own now. The lease holds until the transaction ends, or they would stay reserved: whoever has
/// the entity then may have given them back already.
async fn reserve(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lease: &Lease,
    keys: &[String],
    now: DateTime<Utc>,
) -> StoreResult<bool> {
    if keys.is_empty() {
        links::hold(store, tx, lease, now).await?;
        return Ok(true);
    }
    // SQLite has one writer at a time anyway.
    let held = match store.is_postgres() {
        true => "FOR UPDATE",
        false => "",
    };
    let places: Vec<_> = (4..keys.len() + 4).map(|n| format!("(${n})")).collect();
    let sql = format!(
        r#"INSERT INTO "MatchLock" ("key", "entityMappingId")
           SELECT k.column1, m."id" FROM (VALUES {}) k, (SELECT "id" FROM "EntityMapping"
               WHERE "id" = $1 AND "leaseToken" = $2 AND "leaseUntil" > $3 {held}) m WHERE true ORDER BY 1
           ON CONFLICT ("key") DO UPDATE SET "entityMappingId" = excluded."entityMappingId"
           WHERE "MatchLock"."entityMappingId" = excluded."entityMappingId""#,
        places.join(", ")
    );
    let fixed = [lease.link.into(), lease.token.into(), now.into()];
    let values = fixed.into_iter().chain(keys.iter().map(|key| key.clone().into()));
    let done = tx.execute_raw(store.statement(&sql, values)).await?;
    Ok(done.rows_affected() == keys.len() as u64)
}

async fn holder(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lease: &Lease,
    keys: &[String],
) -> StoreResult<Option<Holder>> {
    let places: Vec<_> = (2..keys.len() + 2).map(|n| format!("${n}")).collect();
    let sql = format!(
        r#"SELECT k."entityMappingId", (SELECT COUNT(*) FROM "SyncLog" l
               WHERE l."entityMappingId" = k."entityMappingId" AND l."status" IN ('PENDING', 'IN_PROGRESS')) AS "open",
               m."entityType", CASE WHEN m."base" IS NULL THEN 0 ELSE 1 END AS "known"
           FROM "MatchLock" k JOIN "EntityMapping" m ON m."id" = k."entityMappingId"
           WHERE k."entityMappingId" <> $1 AND k."key" IN ({}) LIMIT 1"#,
        places.join(", ")
    );
    let values = std::iter::once(lease.link.into()).chain(keys.iter().map(|key| key.clone().into()));
    let row = tx.query_one_raw(store.statement(&sql, values)).await?;
    row.as_ref().map(rows::holder).transpose()
}
