//! What the guard holds, and how an operator ends it.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};

use super::{GROUP, rows, statement};
use crate::polls::entities::{cursor, held};
use crate::polls::{Held, Verdict};
use crate::store::StoreResult;
use crate::store::entities::log;
use crate::store::sql::SqlStore;

/// So many ids are shown.
const EXAMPLES: u64 = 10;

pub(super) async fn list(store: &SqlStore, poll: Option<&str>) -> StoreResult<Vec<Held>> {
    let mut query = cursor::Entity::find()
        .filter(cursor::Column::HeldBy.is_not_null())
        .order_by_asc(cursor::Column::Name);
    if let Some(poll) = poll {
        query = query.filter(cursor::Column::Name.eq(poll));
    }
    let mut all = Vec::new();
    for model in query.all(store.db()).await? {
        let Some(row) = model.held_by else { continue };
        let said = log::Entity::find_by_id(row).one(store.db()).await?;
        let of_poll = held::Entity::find().filter(held::Column::Poll.eq(model.name.as_str()));
        let examples = of_poll
            .clone()
            .order_by_asc(held::Column::Id)
            .limit(EXAMPLES)
            .all(store.db())
            .await?;
        all.push(Held {
            row,
            since: said.as_ref().map_or(model.updated_at, |row| row.started_at),
            why: said.and_then(|row| row.error_message).unwrap_or_default(),
            changes: of_poll.count(store.db()).await?,
            examples: examples
                .into_iter()
                .map(|change| change.source_entity_id)
                .collect(),
            poll: model.name,
        });
    }
    Ok(all)
}

pub(super) async fn settle(store: &SqlStore, held: &Held, verdict: Verdict) -> StoreResult<u64> {
    let now = store.clock().now();
    let tx = store.db().begin().await?;
    // First of all: two operators at once settle it once.
    let sql =
        r#"UPDATE "PollCursor" SET "heldBy" = NULL, "updatedAt" = $1 WHERE "name" = $2 AND "heldBy" = $3"#;
    let values = [now.into(), held.poll.clone().into(), held.row.into()];
    if tx
        .execute_raw(statement(store, sql, values))
        .await?
        .rows_affected()
        != 1
    {
        return Ok(0);
    }
    let dropped = verdict == Verdict::Drop;
    let mut made = 0_u64;
    loop {
        let group = held::Entity::find()
            .filter(held::Column::Poll.eq(held.poll.as_str()))
            .order_by_asc(held::Column::Id)
            .limit(GROUP as u64)
            .all(&tx)
            .await?;
        let Some(last) = group.last().map(|change| change.id) else {
            break;
        };
        let mut models = Vec::with_capacity(group.len());
        for change in &group {
            models.push(rows::released(change, dropped, now));
        }
        made += rows::insert(&tx, models).await?.len() as u64;
        held::Entity::delete_many()
            .filter(held::Column::Poll.eq(held.poll.as_str()))
            .filter(held::Column::Id.lte(last))
            .exec(&tx)
            .await?;
    }
    let (status, how) = if dropped {
        ("SKIPPED", "dropped with `siaghsync guard drop`")
    } else {
        ("SUCCESS", "released with `siaghsync resume`")
    };
    let sql = r#"UPDATE "SyncLog" SET "status" = $1, "errorMessage" = COALESCE("errorMessage", '') || $2, "completedAt" = $3
                 WHERE "id" = $4 AND "status" = 'CONFLICT'"#;
    let values = [
        status.into(),
        format!(" [{how}: {made} rows]").into(),
        now.into(),
        held.row.into(),
    ];
    tx.execute_raw(statement(store, sql, values)).await?;
    tx.commit().await?;
    Ok(made)
}
