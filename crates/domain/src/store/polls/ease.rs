//! What the guard holds and was done meanwhile is held no more: somebody has heard of the record since, or a run has brought
//! it in step.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{held as of_guard, settle};
use crate::polls::Verdict;
use crate::store::StoreResult;
use crate::store::entities::held;
use crate::store::sql::SqlStore;

const DONE: &str = r#"DELETE FROM "HeldChange" AS h WHERE h."poll" = $1 AND (
    EXISTS (SELECT 1 FROM "SyncLog" l WHERE l."sourceEntityId" = h."sourceEntityId" AND l."entityType" = h."entityType"
        AND l."sourceSystem" = h."sourceSystem" AND (h."sourceSystem" = 'CRM' OR l."company" = $2)
        AND (l."status" IN ('PENDING', 'IN_PROGRESS') OR l."completedAt" > h."heldAt"))
    OR EXISTS (SELECT 1 FROM "EntityMapping" m, "SyncLog" l WHERE m."entityType" = h."entityType"
        AND (m."crmId" = h."sourceEntityId" AND h."sourceSystem" = 'CRM'
             OR m."financeId" = h."sourceEntityId" AND m."company" = $2 AND h."sourceSystem" = 'FINANCE')
        AND l."entityMappingId" = m."id" AND l."status" IN ('SUCCESS', 'SKIPPED') AND l."completedAt" > h."heldAt"))"#;

/// Whether nothing is left to be held: then the hold has ended.
pub(super) async fn ease(store: &SqlStore, poll: &str) -> StoreResult<bool> {
    store
        .db()
        .execute_raw(store.statement(DONE, [poll.into(), store.label()]))
        .await?;
    let left = held::Entity::find().filter(held::Column::Poll.eq(poll));
    if left.count(store.db()).await? > 0 {
        return Ok(false);
    }
    for held in of_guard::list(store, Some(poll)).await? {
        settle::settle(store, &held, Verdict::Done).await?;
    }
    Ok(true)
}
