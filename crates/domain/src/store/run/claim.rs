//! Taking the lease of an entity and its open rows: one read, then one transaction of two statements.

use std::time::Duration;

use sea_orm::TransactionTrait;
use uuid::Uuid;

use crate::store::inbox::{self, Rung};
use crate::store::sql::SqlStore;
use crate::store::{Claim, StoreResult, Work, links};

pub(in crate::store) async fn claim(
    store: &SqlStore,
    row: Uuid,
    owner: &str,
    duration: Duration,
) -> StoreResult<Claim> {
    let now = store.now();
    let (entity, company) = match inbox::due(store, row, now).await? {
        Rung::Due(entity, company) => (entity, company),
        Rung::NotDue => return Ok(Claim::NotDue),
        Rung::Over => return Ok(Claim::Done),
    };
    let tx = store.db().begin().await?;
    let Some((lease, link)) = links::take(&store.of(company), &tx, &entity, owner, duration, now).await?
    else {
        tx.rollback().await?;
        return Ok(Claim::Busy);
    };
    let mut rows = inbox::take(store, &tx, &link).await?;
    if rows.is_empty() {
        // Someone closed the row between our look and the lease.
        tx.rollback().await?;
        return Ok(Claim::Done);
    }
    tx.commit().await?;
    let lead = rows.iter().position(|claimed| claimed.id == row).unwrap_or(0);
    let lead = rows.remove(lead);
    Ok(Claim::Taken(Box::new(Work {
        lease,
        link,
        lead,
        covered: rows,
    })))
}
