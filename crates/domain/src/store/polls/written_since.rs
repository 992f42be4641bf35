//! Customers that a run has written of late.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::store::entities::link;
use crate::store::sql::SqlStore;
use crate::store::{EntityType, StoreResult};

pub(super) async fn written_since(
    store: &SqlStore,
    since: DateTime<Utc>,
    look: DateTime<Utc>,
) -> StoreResult<HashSet<String>> {
    use sea_orm::sea_query::{Expr, ExprTrait};
    // Seen at the end of a look at the latest: what was written during the last one may have come after its read.
    let later = Expr::cust(
        r#"NOT EXISTS (SELECT 1 FROM "RecordIndex" s WHERE s."side" = 'FINANCE' AND s."company" = "EntityMapping"."company"
                       AND s."entityType" = 'CUSTOMER' AND s."id" = "EntityMapping"."financeId"
                       AND s."seenAt" >= "EntityMapping"."lastSyncAt")"#,
    );
    let codes: Vec<Option<String>> = link::Entity::find()
        .select_only()
        .column(link::Column::FinanceId)
        .filter(link::Column::EntityType.eq(EntityType::Customer))
        .filter(link::Column::Company.eq(store.label()))
        .filter(link::Column::FinanceId.is_not_null())
        .filter(link::Column::LastSyncAt.gte(since))
        .filter(ExprTrait::or(link::Column::LastSyncAt.gte(look), later))
        .into_tuple()
        .all(store.db())
        .await?;
    Ok(codes.into_iter().flatten().collect())
}
