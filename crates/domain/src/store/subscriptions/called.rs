//! Whether the CRM calls.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, prelude::Expr};

use crate::store::entities::webhook;
use crate::store::sql::{SqlStore, micros};
use crate::store::{EntityType, StoreResult};

/// Notes that an event about `entity_type` came in under `url` at `at`; an earlier one changes nothing, nor does one under
/// an address that was never noted.
///
/// # Errors
/// The database's own.
pub async fn called(
    store: &SqlStore,
    url: &str,
    entity_type: EntityType,
    at: DateTime<Utc>,
) -> StoreResult<()> {
    use webhook::Column as C;
    let at = micros(at);
    webhook::Entity::update_many()
        .col_expr(C::LastEventAt, Expr::value(at))
        .filter(C::WebhookUrl.eq(url))
        .filter(C::EntityType.eq(entity_type.to_value()))
        .filter(C::LastEventAt.is_null().or(C::LastEventAt.lt(at)))
        .exec(store.db())
        .await?;
    Ok(())
}
