//! What the guard holds.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::GROUP;
use crate::message::{Code, Message};
use crate::polls::{Held, HeldChange};
use crate::store::entities::{cursor, held, log};
use crate::store::sql::SqlStore;
use crate::store::{StoreResult, message_of};

/// So many ids are shown.
const EXAMPLES: u64 = 10;

pub(super) async fn list(store: &SqlStore, poll: Option<&str>) -> StoreResult<Vec<Held>> {
    let mut query = cursor::Entity::find()
        .filter(cursor::Column::HeldBy.is_not_null())
        .order_by_asc(cursor::Column::Name);
    if let Some(poll) = poll {
        query = query.filter(cursor::Column::Name.eq(poll));
    }
    let mut all = Vec::new();
    for model in query.all(store.db()).await? {
        let Some(row) = model.held_by else { continue };
        let said = log::Entity::find_by_id(row).one(store.db()).await?;
        let of_poll = held::Entity::find().filter(held::Column::Poll.eq(model.name.as_str()));
        let examples: Vec<String> = of_poll
            .clone()
            .select_only()
            .column(held::Column::SourceEntityId)
            .order_by_asc(held::Column::Id)
            .limit(EXAMPLES)
            .into_tuple()
            .all(store.db())
            .await?;
        let why = said.as_ref().and_then(message_of);
        all.push(Held {
            row,
            since: said.map_or(model.updated_at, |row| row.started_at),
            why: why.unwrap_or_else(|| Message::new(Code::Words).with("words", "")),
            changes: of_poll.count(store.db()).await?,
            examples,
            poll: model.name,
        });
    }
    Ok(all)
}

pub(super) async fn changes(store: &SqlStore, poll: &str) -> StoreResult<Vec<HeldChange>> {
    let of_poll = held::Entity::find().filter(held::Column::Poll.eq(poll));
    let rows = of_poll.order_by_asc(held::Column::Id).all(store.db()).await?;
    Ok(rows.into_iter().map(HeldChange::from).collect())
}

pub(super) async fn let_go(store: &SqlStore, poll: &str, event_ids: &[&str]) -> StoreResult<()> {
    for group in event_ids.chunks(GROUP) {
        held::Entity::delete_many()
            .filter(held::Column::Poll.eq(poll))
            .filter(held::Column::EventId.is_in(group.iter().copied()))
            .exec(store.db())
            .await?;
    }
    Ok(())
}
