//! Rows of their own for writes that the lead row is not about.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait};

use super::end::millis;
use super::rows::{self, Lead};
use crate::store::entities::log;
use crate::store::sql::SqlStore;
use crate::store::{Commit, Link, StoreResult};

pub(in crate::store) async fn audit(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    lead: &Lead,
    link: &Link,
    commit: &Commit,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    if commit.audits.is_empty() {
        return Ok(());
    }
    let rows = commit
        .audits
        .iter()
        .map(|(side, outcome)| rows::audit(store, lead, link, *side, outcome, millis(commit.took), now));
    log::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}
