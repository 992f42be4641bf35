//! The other rows that a run has claimed are closed with it.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::said::Said;
use crate::message::{Code, Message};
use crate::store::sql::SqlStore;
use crate::store::{StoreResult, Work};

pub(in crate::store) async fn cover(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    work: &Work,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    if work.covered.is_empty() {
        return Ok(());
    }
    let said = Said::from(Some(&Message::new(Code::CoveredBy).with("row", work.lead.id)));
    let sql = r#"UPDATE "SyncLog" SET "status" = 'SKIPPED', "coveredBy" = $1, "errorCode" = $2, "errorArguments" = $3,
                        "errorMessage" = $4, "completedAt" = $5, "durationMs" = 0, "company" = $7
                 WHERE "entityMappingId" = $6 AND "status" = 'IN_PROGRESS' AND "id" <> $1"#;
    let values = [
        work.lead.id.into(),
        said.code.into(),
        said.arguments.into(),
        said.text.into(),
        now.into(),
        work.lease.link.into(),
        work.link.company.to_string().into(),
    ];
    tx.execute_raw(store.statement(sql, values)).await?;
    Ok(())
}
