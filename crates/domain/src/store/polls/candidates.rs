//! Contacts that had one of the keys of a first meeting.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::customer::Field;
use crate::ports::MatchKeys;
use crate::store::StoreResult;
use crate::store::entities::snapshot;
use crate::store::sql::SqlStore;
use crate::text::normal;

/// So many candidates at most: keys that more contacts share identify no one.
const CANDIDATES: u64 = 100;

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
