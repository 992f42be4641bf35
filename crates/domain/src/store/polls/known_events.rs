//! Which events are there already, as rows or held.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::GROUP;
use crate::polls::contacts_of;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::entities::{held, log};

use crate::store::sql::{SqlStore, system};

pub(super) async fn known_events(
    store: &SqlStore,
    side: Side,
    event_ids: &[&str],
) -> StoreResult<HashSet<String>> {
    let mut all = HashSet::new();
    let keys: HashMap<String, &str> = event_ids
        .iter()
        .map(|id| (store.event_key(side, id), *id))
        .collect();
    let stored: Vec<&str> = keys.keys().map(String::as_str).collect();
    for group in stored.chunks(GROUP) {
        let rows: Vec<Option<String>> = log::Entity::find()
            .select_only()
            .column(log::Column::EventId)
            .filter(log::Column::SourceSystem.eq(system(side)))
            .filter(log::Column::EventId.is_in(group.iter().copied()))
            .into_tuple()
            .all(store.db())
            .await?;
        all.extend(
            rows.iter()
                .flatten()
                .filter_map(|key| Some((*keys.get(key)?).to_owned())),
        );
    }
    // Held under the poll's name: what another company's poll holds says nothing.
    let poll = contacts_of(store.company(), store.served().first());
    for group in event_ids.chunks(GROUP) {
        let of_poll = match side {
            Side::Crm => held::Column::SourceSystem.eq(system(side)),
            Side::Finance => held::Column::Poll.eq(poll.as_str()),
        };
        let rows: Vec<String> = held::Entity::find()
            .select_only()
            .column(held::Column::EventId)
            .filter(of_poll)
            .filter(held::Column::EventId.is_in(group.iter().copied()))
            .into_tuple()
            .all(store.db())
            .await?;
        all.extend(rows);
    }
    Ok(all)
}
