//! Finance as it was last seen: `"FinanceSnapshot"`.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::polls::{ContactSeen, ContactTimes};
use crate::store::StoreResult;
use crate::store::entities::snapshot;
use crate::store::sql::SqlStore;

/// So many contacts of the snapshot stand in memory as rows at once.
const PAGE: u64 = 1000;

pub(super) async fn contacts(store: &SqlStore) -> StoreResult<HashMap<String, ContactSeen>> {
    use snapshot::Column as C;
    let mut all = HashMap::new();
    let mut last = String::new();
    loop {
        let rows: Vec<(String, String, i64, bool)> = snapshot::Entity::find()
            .select_only()
            .columns([C::Code, C::Checksum, C::Changes, C::Gone])
            .filter(C::Code.gt(last.as_str()))
            .order_by_asc(C::Code)
            .limit(PAGE)
            .into_tuple()
            .all(store.db())
            .await?;
        let Some((code, ..)) = rows.last() else {
            return Ok(all);
        };
        last.clone_from(code);
        all.extend(rows.into_iter().map(|(code, checksum, changes, gone)| {
            (
                code,
                ContactSeen {
                    checksum,
                    changes,
                    gone,
                },
            )
        }));
    }
}

pub(super) async fn contact_times(store: &SqlStore, code: &str) -> StoreResult<Option<ContactTimes>> {
    let row = snapshot::Entity::find_by_id(code).one(store.db()).await?;
    Ok(row.map(|row| ContactTimes {
        checksum: row.checksum,
        seen_at: row.seen_at,
        look_before: row.look_before,
    }))
}
