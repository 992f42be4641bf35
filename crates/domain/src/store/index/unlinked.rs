//! What stands on one side only.

use sea_orm::ConnectionTrait;

use super::holding::linked;
use super::{CUSTOMER, rows};
use crate::index::Indexed;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::{SqlStore, system};

pub(super) async fn unlinked(
    store: &SqlStore,
    side: Side,
    after: &str,
    limit: u64,
) -> StoreResult<Vec<Indexed>> {
    let sql = format!(
        r#"SELECT i."id", i."profile", 0 AS "linked" FROM "RecordIndex" i
           WHERE i."side" = $1 AND i."company" = $2 AND i."entityType" = $3 AND i."id" > $4 AND i."goneSince" IS NULL
               AND NOT {}
           ORDER BY i."id" LIMIT {limit}"#,
        linked(side)
    );
    let values = [system(side).into(), store.label(), CUSTOMER.into(), after.into()];
    let found = store.db().query_all_raw(store.statement(&sql, values)).await?;
    found.iter().map(rows::indexed).collect()
}
