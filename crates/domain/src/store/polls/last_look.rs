//! The last complete look.

use sea_orm::EntityTrait;

use super::rows;
use crate::polls::Look;
use crate::store::StoreResult;
use crate::store::entities::cursor;
use crate::store::sql::SqlStore;

pub(super) async fn last_look(store: &SqlStore, poll: &str) -> StoreResult<Option<Look>> {
    let row = cursor::Entity::find_by_id(poll).one(store.db()).await?;
    Ok(row.as_ref().and_then(rows::look))
}
