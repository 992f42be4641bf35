//! A fresh row for what a run saw and did not carry over.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use super::rows::{self, Lead};
use crate::store::entities::log;
use crate::store::sql::SqlStore;
use crate::store::{Event, StoreResult, Trigger};

pub(in crate::store) async fn look_again(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lead: &Lead,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let event = Event {
        row: Uuid::now_v7(),
        entity: lead.entity.clone(),
        company: None,
        trigger: Trigger::Poll,
        event_id: None,
        payload: serde_json::json!({ "lookAgainAfter": lead.id }),
        traceparent: lead.traceparent.clone(),
        rung: false,
    };
    log::Entity::insert(rows::pending(store, &event, now))
        .exec_without_returning(tx)
        .await?;
    Ok(())
}
