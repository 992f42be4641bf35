//! What came in during a run found the lease taken, and left it to the holder to look.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};

use super::rows;
use crate::ports::Ring;
use crate::store::sql::SqlStore;
use crate::store::{Link, StoreResult};

/// A row of the entity that waits and is due.
pub(in crate::store) async fn waiting(
    store: &SqlStore,
    link: &Link,
    now: DateTime<Utc>,
) -> StoreResult<Option<Ring>> {
    let sql = r#"SELECT l."id", l."traceParent" FROM "SyncLog" l
                 LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id"
                 WHERE l."status" = 'PENDING' AND l."entityType" = $1
                   AND ((l."sourceSystem" = 'CRM' AND l."sourceEntityId" = $2)
                     OR (l."sourceSystem" = 'FINANCE' AND l."sourceEntityId" = $3 AND l."company" = $5))
                   AND (r."nextRetryAt" IS NULL OR r."nextRetryAt" <= $4)
                 LIMIT 1"#;
    let values = [
        link.entity_type.to_value().into(),
        link.crm_id.clone().into(),
        link.finance_id.clone().into(),
        now.into(),
        link.company.to_string().into(),
    ];
    let row = store.db().query_one_raw(store.statement(sql, values)).await?;
    row.as_ref().map(rows::ring).transpose()
}
