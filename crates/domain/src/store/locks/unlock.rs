//! Giving all keys of a link back.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::store::sql::SqlStore;
use crate::store::{Commit, Link, StoreResult, Work};

/// Only an entity that is being met may have any (also one whose counterpart is another's by now), or one whose meeting a killed
/// run has left with a write on its way.
pub(in crate::store) fn gives_back(work: &Work, commit: &Commit) -> bool {
    let link = &work.link;
    let may_have = link.base.is_none() || !link.is_whole() || !link.in_flight.is_empty();
    may_have && !commit.link.as_ref().is_some_and(Link::keeps_its_locks)
}

pub(in crate::store) async fn unlock(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    link: Uuid,
) -> StoreResult<()> {
    let sql = r#"DELETE FROM "MatchLock" WHERE "entityMappingId" = $1"#;
    tx.execute_raw(store.statement(sql, [link.into()])).await?;
    Ok(())
}
