//! When a row is tried again: `"SyncRetryQueue"`.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::store::sql::{SqlStore, micros};
use crate::store::{Awaited, Retry, StoreResult, Work};

pub(in crate::store) async fn schedule(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    row: Uuid,
    retry: Retry,
    awaits: Option<&Awaited>,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let sql = r#"INSERT INTO "SyncRetryQueue" ("id", "syncLogId", "nextRetryAt", "retryCount", "maxRetries", "createdAt",
                                                    "waitsFor")
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT ("syncLogId") DO UPDATE SET "nextRetryAt" = excluded."nextRetryAt",
                     "retryCount" = excluded."retryCount", "maxRetries" = excluded."maxRetries",
                     "waitsFor" = excluded."waitsFor""#;
    let values = [
        Uuid::now_v7().into(),
        row.into(),
        micros(retry.at).into(),
        retry.count.cast_signed().into(),
        retry.max.cast_signed().into(),
        now.into(),
        awaits.map(|awaited| awaited.customer.clone()).into(),
    ];
    tx.execute_raw(store.statement(sql, values)).await?;
    Ok(())
}

/// Takes the entries of the rows that this run closes: the covered ones, and the lead row if it `ends`.
pub(in crate::store) async fn unschedule(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    work: &Work,
    ends: bool,
) -> StoreResult<()> {
    let lead = ends.then_some(&work.lead);
    for row in lead.into_iter().chain(&work.covered).filter(|row| row.scheduled) {
        let sql = r#"DELETE FROM "SyncRetryQueue" WHERE "syncLogId" = $1"#;
        tx.execute_raw(store.statement(sql, [row.id.into()])).await?;
    }
    Ok(())
}
