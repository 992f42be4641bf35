//! Finance as its last complete look saw it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::GROUP;
use crate::polls::{ContactSeen, ContactTimes};
use crate::store::StoreResult;
use crate::store::entities::record;
use crate::store::sql::SqlStore;

/// So many contacts stand in memory as rows at once.
const PAGE: u64 = 1000;

/// The state that a look saw, since when, and the look before.
type Times = (String, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// What is read of a contact: code, checksum of the last look, changes, whether it was missing, checksum in the index, since
/// when that takes it for gone, what was written over.
type Row = (
    String,
    String,
    i64,
    bool,
    Option<String>,
    Option<DateTime<Utc>>,
    Option<String>,
);

/// The company's contacts that a look has seen.
fn seen(store: &SqlStore) -> Select<record::Entity> {
    use record::Column as C;
    record::Entity::find()
        .select_only()
        .filter(C::Side.eq("FINANCE"))
        .filter(C::Company.eq(store.label()))
        .filter(C::EntityType.eq("CUSTOMER"))
        .filter(C::LookChecksum.is_not_null())
}

/// What [`seen_so`] reads.
fn columns(seen: Select<record::Entity>) -> Select<record::Entity> {
    use record::Column as C;
    seen.columns([C::Id, C::LookChecksum, C::Changes, C::LookGone, C::Checksum])
        .columns([C::GoneSince, C::Overwritten])
}

pub(super) async fn contacts(store: &SqlStore, codes: &[&str]) -> StoreResult<HashMap<String, ContactSeen>> {
    let mut all = HashMap::with_capacity(codes.len());
    for group in codes.chunks(GROUP) {
        let rows: Vec<Row> = columns(seen(store))
            .filter(record::Column::Id.is_in(group.iter().copied()))
            .into_tuple()
            .all(store.db())
            .await?;
        all.extend(rows.into_iter().map(seen_so));
    }
    Ok(all)
}

pub(super) async fn contacts_but(
    store: &SqlStore,
    codes: &HashSet<Box<str>>,
) -> StoreResult<HashMap<String, ContactSeen>> {
    use record::Column as C;
    let mut others = HashMap::new();
    let mut last = String::new();
    loop {
        let rows: Vec<Row> = columns(seen(store))
            .filter(C::Id.gt(last.as_str()))
            .order_by_asc(C::Id)
            .limit(PAGE)
            .into_tuple()
            .all(store.db())
            .await?;
        let Some((code, ..)) = rows.last() else {
            return Ok(others);
        };
        last.clone_from(code);
        let rows = rows
            .into_iter()
            .filter(|(code, ..)| !codes.contains(code.as_str()));
        others.extend(rows.map(seen_so));
    }
}

fn seen_so((code, checksum, changes, gone, indexed, gone_since, overwritten): Row) -> (String, ContactSeen) {
    let overwritten = overwritten.as_deref().unwrap_or_default();
    let seen = ContactSeen {
        indexed: indexed.as_ref() == Some(&checksum),
        checksum,
        changes,
        gone,
        gone_since,
        overwritten: overwritten.split_whitespace().map(str::to_owned).collect(),
    };
    (code, seen)
}

pub(super) async fn contact_times(store: &SqlStore, code: &str) -> StoreResult<Option<ContactTimes>> {
    use record::Column as C;
    let row: Option<Times> = seen(store)
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
