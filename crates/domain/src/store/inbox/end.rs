//! The lead row ends with the run's outcome, or waits on.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait, DbErr};

use super::rows::{self, Lead};
use super::said::Said;
use crate::store::sql::{Column, SqlStore, set};
use crate::store::{Commit, StoreResult, Work};

pub(in crate::store) async fn end(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    work: &Work,
    commit: &Commit,
    now: DateTime<Utc>,
) -> StoreResult<Lead> {
    let (set, mut values) = set(left(work, commit, now));
    values.push(work.lead.id.into());
    let sql = format!(
        r#"UPDATE "SyncLog" SET {set} WHERE "id" = ${} RETURNING {}"#,
        values.len(),
        rows::LEAD
    );
    let row = tx.query_one_raw(store.statement(&sql, values)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound(format!("SyncLog {}", work.lead.id)))?;
    rows::lead(&row)
}

/// What a run leaves in its lead row.
pub(in crate::store) fn left(work: &Work, commit: &Commit, now: DateTime<Utc>) -> Vec<Column> {
    let (outcome, link) = (&commit.outcome, commit.link.as_ref());
    let target = link.and_then(|link| link.id_on(work.lead.side.other()));
    let retries = commit.retry.map_or(work.lead.retry_count, |retry| retry.count);
    let said = Said::from(outcome.message.as_ref());
    let company = link.map_or(work.link.company, |link| link.company);
    vec![
        Column::new("status", "text", outcome.status.to_value()),
        Column::new("transactionId", "uuid", commit.transaction),
        Column::new("entityMappingId", "uuid", link.map(|link| link.id)),
        Column::new("targetEntityId", "text", target.map(str::to_owned)),
        Column::new("sourceData", "jsonb", outcome.source_data.clone()),
        Column::new("targetDataBefore", "jsonb", outcome.target_before.clone()),
        Column::new("targetDataAfter", "jsonb", outcome.target_after.clone()),
        Column::new("errorMessage", "text", said.text),
        Column::new("errorClass", "text", outcome.error_class),
        Column::new("changes", "jsonb", outcome.changes.clone()),
        Column::new("retryCount", "int", retries.cast_signed()),
        Column::new(
            "completedAt",
            "timestamptz",
            outcome.status.is_final().then_some(now),
        ),
        Column::new("durationMs", "int", Some(millis(commit.took))),
        Column::new("errorCode", "text", said.code),
        Column::new("errorArguments", "jsonb", said.arguments),
        Column::new("company", "text", company.to_string()),
    ]
}

pub(super) fn millis(took: std::time::Duration) -> i32 {
    i32::try_from(took.as_millis()).unwrap_or(i32::MAX)
}
