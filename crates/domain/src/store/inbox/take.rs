//! The rows of an entity, for whoever has its lease.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};
use uuid::Uuid;

use super::rows;
use crate::company::Company;
use crate::store::sql::SqlStore;
use crate::store::{ClaimedRow, EntityRef, Link, Status, StoreResult};

/// What a row that was rung for is about.
pub(in crate::store) enum Rung {
    /// It waits, and may be run.
    Due(EntityRef, Company),
    /// Its retry time has not come.
    NotDue,
    /// It is final, or there is no such row.
    Over,
}

pub(in crate::store) async fn due(store: &SqlStore, row: Uuid, now: DateTime<Utc>) -> StoreResult<Rung> {
    let sql = r#"SELECT l."status", l."entityType", l."sourceSystem", l."sourceEntityId", l."company", r."nextRetryAt"
                 FROM "SyncLog" l LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id" WHERE l."id" = $1"#;
    let Some(row) = store
        .db()
        .query_one_raw(store.statement(sql, [row.into()]))
        .await?
    else {
        return Ok(Rung::Over);
    };
    if row.try_get::<Status>("", "status")?.is_final() {
        return Ok(Rung::Over);
    }
    let retry_at: Option<DateTime<Utc>> = row.try_get("", "nextRetryAt")?;
    if retry_at.is_some_and(|at| at > now) {
        return Ok(Rung::NotDue);
    }
    let company: String = row.try_get("", "company")?;
    let company = company.parse().unwrap_or_else(|_| store.served().first());
    Ok(Rung::Due(rows::entity(&row)?, company))
}

/// All open rows of the entity, in the order of their coming. Those that an earlier run left in progress are orphans:
/// its lease is ours now.
pub(in crate::store) async fn take(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    link: &Link,
) -> StoreResult<Vec<ClaimedRow>> {
    let sql = format!(
        r#"UPDATE "SyncLog" SET "lapses" = "lapses" + (CASE WHEN "status" = 'IN_PROGRESS' THEN 1 ELSE 0 END),
                  "status" = 'IN_PROGRESS', "entityMappingId" = $1
           WHERE "status" IN ('PENDING', 'IN_PROGRESS') AND "entityType" = $2
             AND (("sourceSystem" = 'CRM' AND "sourceEntityId" = $3)
               OR ("sourceSystem" = 'FINANCE' AND "sourceEntityId" = $4 AND "company" = $5))
           RETURNING {}"#,
        rows::CLAIMED
    );
    let values = [
        link.id.into(),
        link.entity_type.to_value().into(),
        link.crm_id.clone().into(),
        link.finance_id.clone().into(),
        link.company.to_string().into(),
    ];
    let open = tx.query_all_raw(store.statement(&sql, values)).await?;
    let mut open = open.iter().map(rows::claimed).collect::<StoreResult<Vec<_>>>()?;
    open.sort_by_key(|row| (row.heard_at, row.id));
    Ok(open)
}
