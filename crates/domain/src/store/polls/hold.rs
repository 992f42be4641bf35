//! The changes of a look that the guard holds back: `"HeldChange"`.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait};

use super::{GROUP, rows};
use crate::polls::{Harvest, PollLease};
use crate::store::StoreResult;
use crate::store::entities::held;
use crate::store::sql::SqlStore;

pub(super) async fn hold(
    tx: &impl ConnectionTrait,
    store: &SqlStore,
    turn: &PollLease,
    harvest: &Harvest,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    use held::Column as C;
    for group in harvest.changes.chunks(GROUP) {
        let mut models = Vec::with_capacity(group.len());
        for change in group.iter().filter(|change| change.problem.is_none()) {
            models.push(rows::held(store.clock().id(), change, turn, harvest, now));
        }
        if models.is_empty() {
            continue;
        }
        held::Entity::insert_many(models)
            .on_conflict(OnConflict::columns([C::Poll, C::EventId]).do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}
