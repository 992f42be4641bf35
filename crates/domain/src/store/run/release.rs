//! Giving a claim back: nothing was sent, someone else will take it.

use sea_orm::TransactionTrait;

use crate::store::sql::SqlStore;
use crate::store::{Lease, StoreResult, Work, inbox, links};

pub(in crate::store) async fn release(store: &SqlStore, work: &Work) -> StoreResult<()> {
    give_back(store, &work.lease).await
}

pub(super) async fn give_back(store: &SqlStore, lease: &Lease) -> StoreResult<()> {
    let tx = store.db().begin().await?;
    inbox::give_back(store, &tx, lease).await?;
    links::free(store, &tx, lease).await?;
    tx.commit().await?;
    Ok(())
}
