//! The lead row ends with the run's outcome, or waits on.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};

use super::rows::{self, Lead};
use super::said::Said;
use crate::store::sql::SqlStore;
use crate::store::{Commit, StoreResult, Work};

pub(in crate::store) async fn end(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    work: &Work,
    commit: &Commit,
    now: DateTime<Utc>,
) -> StoreResult<Lead> {
    let (outcome, link) = (&commit.outcome, commit.link.as_ref());
    let target = link.and_then(|link| link.id_on(work.lead.side.other()));
    let retries = commit.retry.map_or(work.lead.retry_count, |retry| retry.count);
    let said = Said::from(outcome.message.as_ref());
    let sql = format!(
        r#"UPDATE "SyncLog" SET "status" = $1, "transactionId" = $2, "entityMappingId" = $3, "targetEntityId" = $4,
               "sourceData" = $5, "targetDataBefore" = $6, "targetDataAfter" = $7, "errorMessage" = $8,
               "errorClass" = $9, "changes" = $10, "retryCount" = $11, "completedAt" = $12, "durationMs" = $13,
               "errorCode" = $14, "errorArguments" = $15, "company" = $17
           WHERE "id" = $16 RETURNING {}"#,
        rows::LEAD
    );
    let values = [
        outcome.status.to_value().into(),
        commit.transaction.into(),
        link.map(|link| link.id).into(),
        target.map(str::to_owned).into(),
        outcome.source_data.clone().into(),
        outcome.target_before.clone().into(),
        outcome.target_after.clone().into(),
        said.text.into(),
        outcome.error_class.into(),
        outcome.changes.clone().into(),
        retries.cast_signed().into(),
        outcome.status.is_final().then_some(now).into(),
        Some(millis(commit.took)).into(),
        said.code.into(),
        said.arguments.into(),
        work.lead.id.into(),
        link.map_or(work.link.company, |link| link.company)
            .to_string()
            .into(),
    ];
    let row = tx.query_one_raw(store.statement(&sql, values)).await?;
    let row = row.ok_or_else(|| sea_orm::DbErr::RecordNotFound(format!("SyncLog {}", work.lead.id)))?;
    rows::lead(&row)
}

pub(super) fn millis(took: std::time::Duration) -> i32 {
    i32::try_from(took.as_millis()).unwrap_or(i32::MAX)
}
