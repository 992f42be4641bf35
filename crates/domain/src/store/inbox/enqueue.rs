//! Writing events down, in one statement.

use std::collections::HashSet;
use std::sync::LazyLock;

use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IdenStatic, Iterable, QueryTrait};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::rows;
use crate::store::entities::log;
use crate::store::sql::{SqlStore, plain};
use crate::store::{Event, StoreResult};

pub(in crate::store) async fn enqueue(store: &SqlStore, events: &[Event]) -> StoreResult<Vec<bool>> {
    let now = store.now();
    let rows = events.iter().map(|event| rows::pending(store, event, now));
    let written = insert(store, store.db(), rows.collect()).await?;
    Ok(events.iter().map(|event| written.contains(&event.row)).collect())
}

/// Inserts them, and says which are new: whatever is there already keeps its row, be it the event's key or, when only
/// the answer to an earlier try was lost, the row itself.
pub(in crate::store) async fn insert(
    store: &SqlStore,
    db: &impl ConnectionTrait,
    rows: Vec<log::ActiveModel>,
) -> StoreResult<HashSet<Uuid>> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let written = match store.is_postgres() {
        true => {
            let rows = Value::Array(rows.into_iter().map(as_json).collect()).to_string();
            db.query_all_raw(store.statement(&INSERT, [rows.into()])).await?
        }
        false => {
            let mut insert = log::Entity::insert_many(rows);
            let insert = insert
                .query()
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .returning(Query::returning().column(log::Column::Id));
            db.query_all(insert).await?
        }
    };
    Ok(written
        .iter()
        .map(|row| row.try_get("", "id"))
        .collect::<Result<_, _>>()?)
}

/// One text for however many rows, so that PostgreSQL parts and plans it once.
static INSERT: LazyLock<String> = LazyLock::new(|| {
    let columns: Vec<_> = log::Column::iter()
        .map(|column| format!(r#""{}""#, column.as_str()))
        .collect();
    let columns = columns.join(", ");
    format!(
        r#"INSERT INTO "SyncLog" ({columns})
           SELECT {columns} FROM jsonb_populate_recordset(CAST(NULL AS "SyncLog"), CAST($1 AS jsonb))
           ON CONFLICT DO NOTHING RETURNING "id""#
    )
});

/// What is not there is `NULL`.
fn as_json(mut row: log::ActiveModel) -> Value {
    let values = log::Column::iter().filter_map(|column| {
        let value = plain(row.take(column).into_value()?);
        (!value.is_null()).then(|| (column.as_str().to_owned(), value))
    });
    Value::Object(Map::from_iter(values))
}
