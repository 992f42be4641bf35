//! The rows of an entity, for whoever has its lease.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait, QueryResult};

use super::rows;
use crate::company::Company;
use crate::store::sql::SqlStore;
use crate::store::{Claim, ClaimedRow, EntityRef, Link, Status, StoreResult};

/// The row that was rung for.
pub(in crate::store) const RUNG: &str = r#"SELECT l."status", l."entityType", l."sourceSystem", l."sourceEntityId", l."company", r."nextRetryAt"
    FROM "SyncLog" l LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id" WHERE l."id" = $1"#;

/// Why [`RUNG`] is not run now: it is final, or its retry time has not come.
pub(in crate::store) fn not_due(rung: &QueryResult, now: DateTime<Utc>) -> StoreResult<Option<Claim>> {
    if rung.try_get::<Status>("", "status")?.is_final() {
        return Ok(Some(Claim::Done));
    }
    let retry_at: Option<DateTime<Utc>> = rung.try_get("", "nextRetryAt")?;
    Ok(retry_at.filter(|at| *at > now).map(|_| Claim::NotDue))
}

/// What [`RUNG`] is about.
pub(in crate::store) fn rung(store: &SqlStore, rung: &QueryResult) -> StoreResult<(EntityRef, Company)> {
    let company: String = rung.try_get("", "company")?;
    let company = company.parse().unwrap_or_else(|_| store.served().first());
    Ok((rows::entity(rung)?, company))
}

/// The statement that claims all open rows of a link, given by its id, type, both ids and company. Those that an earlier run
/// left in progress are orphans: its lease is ours now.
pub(in crate::store) fn taking(from: &str, [id, entity_type, crm, finance, company]: [&str; 5]) -> String {
    format!(
        r#"UPDATE "SyncLog" SET "lapses" = "lapses" + (CASE WHEN "status" = 'IN_PROGRESS' THEN 1 ELSE 0 END),
                  "status" = 'IN_PROGRESS', "entityMappingId" = {id} {from}
           WHERE "status" IN ('PENDING', 'IN_PROGRESS') AND "SyncLog"."entityType" = {entity_type}
             AND (("sourceSystem" = 'CRM' AND "sourceEntityId" = {crm})
               OR ("sourceSystem" = 'FINANCE' AND "sourceEntityId" = {finance} AND "SyncLog"."company" = {company}))
           RETURNING {}"#,
        rows::CLAIMED
    )
}

/// [`taking`] by itself.
pub(in crate::store) async fn take(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    link: &Link,
) -> StoreResult<Vec<ClaimedRow>> {
    let sql = taking("", ["$1", "$2", "$3", "$4", "$5"]);
    let values = [
        link.id.into(),
        link.entity_type.to_value().into(),
        link.crm_id.clone().into(),
        link.finance_id.clone().into(),
        link.company.to_string().into(),
    ];
    taken(&tx.query_all_raw(store.statement(&sql, values)).await?)
}

/// What [`taking`] has claimed, in the order of its coming; a row that shows none is none.
pub(in crate::store) fn taken(rows: &[QueryResult]) -> StoreResult<Vec<ClaimedRow>> {
    let mut open = Vec::with_capacity(rows.len());
    for row in rows {
        open.extend(rows::claimed(row)?);
    }
    open.sort_by_key(|row| (row.heard_at, row.id));
    Ok(open)
}
