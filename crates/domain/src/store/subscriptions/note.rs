//! Whether an address is registered.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, TransactionTrait, prelude::Expr};

use super::ENTITY_TYPES;
use crate::store::StoreResult;
use crate::store::entities::webhook;
use crate::store::sql::SqlStore;

/// Notes whether `url` is registered now; any other address of ours is not wanted any more. A failure is counted.
///
/// # Errors
/// The database's own.
pub async fn note(store: &SqlStore, url: &str, registered: bool) -> StoreResult<()> {
    use webhook::Column as C;
    let now = store.now();
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
