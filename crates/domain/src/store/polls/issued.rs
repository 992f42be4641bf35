//! What stands in finance of documents.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::GROUP;
use crate::document::DocumentKind;
use crate::store::entities::link;
use crate::store::sql::SqlStore;
use crate::store::{IssuedDocument, StoreResult};

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
