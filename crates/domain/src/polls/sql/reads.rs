//! What pollers, and the engine at a first meeting, ask of the tables.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::{GROUP, lease, statement};
use crate::customer::Field;
use crate::document::DocumentKind;
use crate::polls::entities::{cursor, held, snapshot};
use crate::polls::{ContactSeen, ContactTimes, Linked, Look};
use crate::ports::{MatchKeys, Side};
use crate::store::entities::{link, log};
use crate::store::sql::{SqlStore, system};
use crate::store::{EntityType, IssuedDocument, LinkState, StoreResult};
use crate::text::normal;

/// So many contacts of the snapshot stand in memory as rows at once.
const PAGE: u64 = 1000;
/// So many candidates at most: keys that more contacts share identify no one.
const CANDIDATES: u64 = 100;

#[derive(FromQueryResult)]
struct MappedRow {
    id: Option<String>,
    base: Option<serde_json::Value>,
    state: LinkState,
}

pub(super) async fn linked(
    store: &SqlStore,
    side: Side,
    ids: &[&str],
) -> StoreResult<HashMap<String, Linked>> {
    let column = match side {
        Side::Crm => link::Column::CrmId,
        Side::Finance => link::Column::FinanceId,
    };
    let mut all = HashMap::with_capacity(ids.len());
    for group in ids.chunks(GROUP) {
        let rows = link::Entity::find()
            .select_only()
            .column_as(column, "id")
            .columns([link::Column::Base, link::Column::State])
            .filter(link::Column::EntityType.eq(EntityType::Customer))
            .filter(column.is_in(group.iter().copied()))
            .into_model::<MappedRow>()
            .all(store.db())
            .await?;
        for row in rows {
            // One that can't be read stops nobody: the record makes a row, and its run says what is wrong.
            let base = row.base.and_then(|base| serde_json::from_value(base).ok());
            let mapped = Linked {
                base,
                state: row.state,
            };
            all.extend(row.id.map(|id| (id, mapped)));
        }
    }
    Ok(all)
}

pub(super) async fn known_events(
    store: &SqlStore,
    side: Side,
    event_ids: &[&str],
) -> StoreResult<HashSet<String>> {
    let mut all = HashSet::new();
    for group in event_ids.chunks(GROUP) {
        let rows: Vec<Option<String>> = log::Entity::find()
            .select_only()
            .column(log::Column::EventId)
            .filter(log::Column::SourceSystem.eq(system(side)))
            .filter(log::Column::EventId.is_in(group.iter().copied()))
            .into_tuple()
            .all(store.db())
            .await?;
        all.extend(rows.into_iter().flatten());
        let rows: Vec<String> = held::Entity::find()
            .select_only()
            .column(held::Column::EventId)
            .filter(held::Column::SourceSystem.eq(system(side)))
            .filter(held::Column::EventId.is_in(group.iter().copied()))
            .into_tuple()
            .all(store.db())
            .await?;
        all.extend(rows);
    }
    Ok(all)
}

pub(super) async fn written_since(store: &SqlStore, since: DateTime<Utc>) -> StoreResult<HashSet<String>> {
    let codes: Vec<Option<String>> = link::Entity::find()
        .select_only()
        .column(link::Column::FinanceId)
        .filter(link::Column::EntityType.eq(EntityType::Customer))
        .filter(link::Column::FinanceId.is_not_null())
        .filter(link::Column::LastSyncAt.gte(since))
        .filter(sea_orm::sea_query::Expr::cust(
            r#"NOT EXISTS (SELECT 1 FROM "FinanceSnapshot" s WHERE s."code" = "EntityMapping"."financeId"
                           AND s."seenAt" >= "EntityMapping"."lastSyncAt")"#,
        ))
        .into_tuple()
        .all(store.db())
        .await?;
    Ok(codes.into_iter().flatten().collect())
}

pub(super) async fn issued(
    store: &SqlStore,
    kind: DocumentKind,
    ids: &[&str],
) -> StoreResult<HashMap<String, IssuedDocument>> {
    use link::Column as C;
    let mut all = HashMap::new();
    for group in ids.chunks(GROUP) {
        let rows: Vec<(Option<String>, Option<serde_json::Value>)> = link::Entity::find()
            .select_only()
            .columns([C::CrmId, C::Base])
            .filter(C::EntityType.eq(kind.entity_type()))
            .filter(C::CrmId.is_in(group.iter().copied()))
            .into_tuple()
            .all(store.db())
            .await?;
        // One that can't be read stops nobody: the document makes a row, and its run says what is wrong.
        all.extend(rows.into_iter().filter_map(|(id, base)| {
            let issued = serde_json::from_value(base?).ok()?;
            Some((id?, issued))
        }));
    }
    Ok(all)
}

pub(super) async fn linked_count(store: &SqlStore, entity_type: EntityType) -> StoreResult<u64> {
    let sql = r#"SELECT COUNT(*) AS "n" FROM "EntityMapping" WHERE "entityType" = $1 AND "crmId" IS NOT NULL
                 AND "financeId" IS NOT NULL AND "state" IN ('ACTIVE', 'CONFLICT')"#;
    let values = [entity_type.to_value().into()];
    let row = store.db().query_one_raw(statement(store, sql, values)).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The first migration's time; sea-orm-migration keeps whole seconds.
pub(super) async fn installed_at(store: &SqlStore) -> StoreResult<DateTime<Utc>> {
    let sql = r#"SELECT MIN("applied_at") AS "at" FROM "seaql_migrations""#;
    let row = store.db().query_one_raw(statement(store, sql, [])).await?;
    let at: Option<i64> = row.map_or(Ok(None), |row| row.try_get("", "at"))?;
    // Tables without migrations are nobody's: nothing before now is taken.
    Ok(at
        .and_then(|at| DateTime::from_timestamp(at, 0))
        .unwrap_or_else(|| store.clock().now()))
}

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

pub(super) async fn last_look(store: &SqlStore, poll: &str) -> StoreResult<Option<Look>> {
    let row = cursor::Entity::find_by_id(poll).one(store.db()).await?;
    Ok(row.as_ref().and_then(lease::look))
}

pub(super) async fn contact_times(store: &SqlStore, code: &str) -> StoreResult<Option<ContactTimes>> {
    let row = snapshot::Entity::find_by_id(code).one(store.db()).await?;
    Ok(row.map(|row| ContactTimes {
        checksum: row.checksum,
        seen_at: row.seen_at,
        look_before: row.look_before,
    }))
}

pub(super) async fn candidates(store: &SqlStore, keys: &MatchKeys) -> StoreResult<Vec<String>> {
    use snapshot::Column as C;
    let keys = [
        (C::Code, Field::FinanceCode, &keys.id),
        (C::Mobile, Field::Mobile, &keys.mobile),
        (C::NationalId, Field::NationalId, &keys.national_id),
        (C::Email, Field::Email, &keys.email),
        (C::CustomerNumber, Field::CustomerNumber, &keys.customer_number),
    ];
    let mut any = Condition::any();
    for (column, field, key) in keys {
        let key = key
            .as_deref()
            .map(|key| normal(field, key))
            .filter(|key| !key.is_empty());
        if let Some(key) = key {
            any = any.add(column.eq(key));
        }
    }
    if any.is_empty() {
        return Ok(Vec::new());
    }
    Ok(snapshot::Entity::find()
        .select_only()
        .column(C::Code)
        .filter(C::Gone.eq(false))
        .filter(any)
        .order_by_asc(C::Code)
        .limit(CANDIDATES)
        .into_tuple()
        .all(store.db())
        .await?)
}
