//! Who is to be rung for after a run: what came in during it found the lease taken, and left it to the holder to look.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};

use super::rows;
use crate::ports::Ring;
use crate::store::sql::SqlStore;
use crate::store::{Link, StoreResult};

/// A row of the entity that waits and is due; and whether anything waits for that customer. Asked once the link is saved and
/// its rows have ended: whoever wants the lease from then on waits for this transaction.
pub(in crate::store) async fn waiting(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    link: &Link,
    customer: Option<&str>,
    now: DateTime<Utc>,
) -> StoreResult<(Option<Ring>, bool)> {
    let sql = r#"SELECT * FROM (SELECT l."id", l."traceParent", 0 AS "others" FROM "SyncLog" l
                     LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id"
                     WHERE l."status" = 'PENDING' AND l."entityType" = $1
                       AND ((l."sourceSystem" = 'CRM' AND l."sourceEntityId" = $2)
                         OR (l."sourceSystem" = 'FINANCE' AND l."sourceEntityId" = $3 AND l."company" = $5))
                       AND (r."nextRetryAt" IS NULL OR r."nextRetryAt" <= $4)
                     LIMIT 1) n
                 UNION ALL SELECT * FROM (SELECT "syncLogId", NULL, 1 FROM "SyncRetryQueue" WHERE "waitsFor" = $6 LIMIT 1) o"#;
    let values = [
        link.entity_type.to_value().into(),
        link.crm_id.clone().into(),
        link.finance_id.clone().into(),
        now.into(),
        link.company.to_string().into(),
        customer.map(str::to_owned).into(),
    ];
    let (mut next, mut others) = (None, false);
    for row in tx.query_all_raw(store.statement(sql, values)).await? {
        match row.try_get::<i32>("", "others")? {
            0 => next = Some(rows::ring(&row)?),
            _ => others = true,
        }
    }
    Ok((next, others))
}
