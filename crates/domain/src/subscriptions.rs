//! `"WebhookSubscription"`: which address the CRM was told to call, and whether it does.
//!
//! A note for people and for the next start; what counts is what the CRM itself lists.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    TransactionTrait, prelude::Expr,
};

use crate::store::entities::webhook;
use crate::store::sql::SqlStore;
use crate::store::{EntityType, StoreResult};

/// What the events of an address are about.
pub const ENTITY_TYPES: [&str; 3] = ["CUSTOMER", "PREINVOICE", "INVOICE"];

/// All that were ever noted, the latest first.
///
/// # Errors
/// The database's own.
pub async fn list(store: &SqlStore) -> StoreResult<Vec<webhook::Model>> {
    let all = webhook::Entity::find().order_by_desc(webhook::Column::UpdatedAt);
    Ok(all.all(store.db()).await?)
}

/// Notes whether `url` is registered now; any other address of ours is not wanted any more. A failure is counted.
///
/// # Errors
/// The database's own.
pub async fn note(store: &SqlStore, url: &str, registered: bool) -> StoreResult<()> {
    use webhook::Column as C;
    let now = store.clock().now();
    let tx = store.db().begin().await?;
    webhook::Entity::update_many()
        .col_expr(C::IsActive, Expr::value(false))
        .col_expr(C::UpdatedAt, Expr::value(now))
        .filter(C::WebhookUrl.ne(url))
        .filter(C::IsActive.eq(true))
        .exec(&tx)
        .await?;
    for entity_type in ENTITY_TYPES {
        let known = webhook::Entity::find()
            .filter(C::WebhookUrl.eq(url))
            .filter(C::EntityType.eq(entity_type))
            .one(&tx)
            .await?;
        let failures = known.as_ref().map_or(0, |row| row.failure_count);
        let row = webhook::ActiveModel {
            id: Set(known.as_ref().map_or_else(|| store.clock().id(), |row| row.id)),
            entity_type: Set(entity_type.to_owned()),
            webhook_url: Set(url.to_owned()),
            is_active: Set(registered),
            failure_count: Set(if registered { 0 } else { failures.saturating_add(1) }),
            updated_at: Set(now),
            ..Default::default()
        };
        if known.is_some() {
            webhook::Entity::update(row).exec(&tx).await?;
        } else {
            let row = webhook::ActiveModel {
                created_at: Set(now),
                ..row
            };
            webhook::Entity::insert(row).exec_without_returning(&tx).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Notes that an event about `entity_type` came in under `url` at `at`; an earlier one changes nothing, nor does one under
/// an address that was never noted.
///
/// # Errors
/// The database's own.
pub async fn heard_of(
    store: &SqlStore,
    url: &str,
    entity_type: EntityType,
    at: DateTime<Utc>,
) -> StoreResult<()> {
    use webhook::Column as C;
    webhook::Entity::update_many()
        .col_expr(C::LastEventAt, Expr::value(at))
        .filter(C::WebhookUrl.eq(url))
        .filter(C::EntityType.eq(entity_type.to_value()))
        .filter(C::LastEventAt.is_null().or(C::LastEventAt.lt(at)))
        .exec(store.db())
        .await?;
    Ok(())
}
