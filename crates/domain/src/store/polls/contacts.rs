//! Finance as its last complete look saw it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::index::COMPANY;
use crate::polls::{ContactSeen, ContactTimes};
use crate::store::StoreResult;
use crate::store::entities::record;
use crate::store::sql::SqlStore;

/// So many contacts stand in memory as rows at once.
const PAGE: u64 = 1000;

/// The state that a look saw, since when, and the look before.
type Times = (String, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The contacts that a look has seen.
fn seen() -> Select<record::Entity> {
    use record::Column as C;
    record::Entity::find()
        .select_only()
        .filter(C::Side.eq("FINANCE"))
        .filter(C::Company.eq(COMPANY))
        .filter(C::EntityType.eq("CUSTOMER"))
        .filter(C::LookChecksum.is_not_null())
}

pub(super) async fn contacts(store: &SqlStore) -> StoreResult<HashMap<String, ContactSeen>> {
    use record::Column as C;
    let mut all = HashMap::new();
    let mut last = String::new();
    loop {
        let rows: Vec<(String, String, i64, bool, Option<String>)> = seen()
            .columns([C::Id, C::LookChecksum, C::Changes, C::LookGone, C::Checksum])
            .filter(C::Id.gt(last.as_str()))
            .order_by_asc(C::Id)
            .limit(PAGE)
            .into_tuple()
            .all(store.db())
            .await?;
        let Some((code, ..)) = rows.last() else {
            return Ok(all);
        };
        last.clone_from(code);
        all.extend(rows.into_iter().map(|(code, checksum, changes, gone, indexed)| {
            let indexed = indexed.as_ref() == Some(&checksum);
            let seen = ContactSeen {
                checksum,
                changes,
                gone,
                indexed,
            };
            (code, seen)
        }));
    }
}

pub(super) async fn contact_times(store: &SqlStore, code: &str) -> StoreResult<Option<ContactTimes>> {
    use record::Column as C;
    let row: Option<Times> = seen()
        .columns([C::LookChecksum, C::SeenAt, C::LookBefore])
        .filter(C::Id.eq(code))
        .into_tuple()
        .one(store.db())
        .await?;
    Ok(row.and_then(|(checksum, seen_at, look_before)| {
        Some(ContactTimes {
            checksum,
            seen_at: seen_at?,
            look_before,
        })
    }))
}
