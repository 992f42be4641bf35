//! The rows of an entity, for whoever has its lease.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait, QueryResult};

use super::rows;
use crate::company::Company;
use crate::store::sql::SqlStore;
use crate::store::{Claim, ClaimedRow, EntityRef, Link, Status, StoreResult};

/// The columns of a row `l` that was rung for, with its retry entry `r`.
pub(in crate::store) const RUNG: &str =
    r#"l."status", l."entityType", l."sourceSystem", l."sourceEntityId", l."company", r."nextRetryAt""#;

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

/// The statement that claims what is open of a link: its id, and the condition. Those that an earlier run left in progress are
/// orphans: its lease is ours now.
fn taking(id: &str, which: &str) -> String {
    format!(
        r#"UPDATE "SyncLog" SET "lapses" = "lapses" + (CASE WHEN "status" = 'IN_PROGRESS' THEN 1 ELSE 0 END),
                  "status" = 'IN_PROGRESS', "entityMappingId" = {id} {which}
           RETURNING {}, "entityMappingId" AS "claimedFor""#,
        rows::CLAIMED
    )
}

/// [`taking`] of all links of a table, as `"rows"`: PostgreSQL looks each up by itself, however many are open; one that someone
/// has closed while it was waited for is not taken.
pub(in crate::store) fn taking_of(links: &str) -> String {
    let open = r#"SELECT l."id" FROM "SyncLog" l WHERE l."status" IN ('PENDING', 'IN_PROGRESS') AND l."entityType" = m."entityType""#;
    let which = r#"FROM "open" o WHERE "SyncLog"."id" = o."id" AND "SyncLog"."id" = ANY(ARRAY(SELECT "id" FROM "open"))
        AND "status" IN ('PENDING', 'IN_PROGRESS')"#;
    format!(
        r#""open" AS (SELECT m."id" AS "of", o."id" FROM "{links}" m, LATERAL (
               {open} AND l."sourceSystem" = 'CRM' AND l."sourceEntityId" = m."crmId"
               UNION ALL {open} AND l."sourceSystem" = 'FINANCE' AND l."sourceEntityId" = m."financeId"
                   AND l."company" = m."company" OFFSET 0) o),
           "rows" AS ({})"#,
        taking(r#"o."of""#, which)
    )
}

/// [`taking`] of one link.
pub(in crate::store) async fn take(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    link: &Link,
) -> StoreResult<Vec<ClaimedRow>> {
    // Each side by itself: of both in one condition SQLite reads all open rows.
    let open =
        r#"SELECT "id" FROM "SyncLog" WHERE "status" IN ('PENDING', 'IN_PROGRESS') AND "entityType" = $2"#;
    let which = format!(
        r#"WHERE "id" IN ({open} AND "sourceSystem" = 'CRM' AND "sourceEntityId" = $3
            UNION ALL {open} AND "sourceSystem" = 'FINANCE' AND "sourceEntityId" = $4 AND "company" = $5)"#
    );
    let sql = taking("$1", &which);
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
pub(in crate::store) fn taken<'a>(
    rows: impl IntoIterator<Item = &'a QueryResult>,
) -> StoreResult<Vec<ClaimedRow>> {
    let mut open = Vec::new();
    for row in rows {
        open.extend(rows::claimed(row)?);
    }
    open.sort_by_key(|row| (row.heard_at, row.id));
    Ok(open)
}
