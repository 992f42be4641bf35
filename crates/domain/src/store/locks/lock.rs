//! Reserving keys, all or none.

use sea_orm::{ConnectionTrait, TransactionTrait, Value};

use super::rows;
use crate::store::sql::SqlStore;
use crate::store::{EntityType, Holder, Lease, StoreResult, links};

pub(in crate::store) async fn lock(
    store: &SqlStore,
    lease: &Lease,
    keys: &[String],
) -> StoreResult<Option<Holder>> {
    let own = |key: &String| store.served().own_key(store.company(), key);
    // One person may be a customer of two companies, and one code stands in both.
    let mut sorted: Vec<String> = keys.iter().map(own).collect();
    // Always in one order, so that two that want the same keys wait for each other and don't block each other.
    sorted.sort_unstable();
    sorted.dedup();
    let tx = store.db().begin().await?;
    // Or they would stay reserved: whoever has the entity now may have given them back already.
    links::hold(store, &tx, lease, store.now()).await?;
    if reserve(store, &tx, lease, &sorted).await? {
        tx.commit().await?;
        return Ok(None);
    }
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

/// `$1` is the link, the keys follow.
fn values<'a>(lease: &Lease, keys: &'a [String]) -> impl Iterator<Item = Value> + use<'a> {
    std::iter::once(lease.link.into()).chain(keys.iter().map(|key| key.clone().into()))
}

/// Whether all of them are its own now.
async fn reserve(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lease: &Lease,
    keys: &[String],
) -> StoreResult<bool> {
    if keys.is_empty() {
        return Ok(true);
    }
    let places: Vec<_> = (2..keys.len() + 2).map(|n| format!("(${n}, $1)")).collect();
    let sql = format!(
        r#"INSERT INTO "MatchLock" ("key", "entityMappingId") VALUES {}
           ON CONFLICT ("key") DO UPDATE SET "entityMappingId" = excluded."entityMappingId"
           WHERE "MatchLock"."entityMappingId" = excluded."entityMappingId""#,
        places.join(", ")
    );
    let done = tx.execute_raw(store.statement(&sql, values(lease, keys))).await?;
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
    let row = tx
        .query_one_raw(store.statement(&sql, values(lease, keys)))
        .await?;
    row.as_ref().map(rows::holder).transpose()
}
