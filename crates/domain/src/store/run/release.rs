//! Giving a claim back: nothing was sent, someone else will take it.

use sea_orm::TransactionTrait;

use crate::store::sql::SqlStore;
use crate::store::{StoreResult, Work, inbox, links};

pub(in crate::store) async fn release(store: &SqlStore, work: &Work) -> StoreResult<()> {
    let tx = store.db().begin().await?;
    inbox::give_back(store, &tx, &work.lease).await?;
    links::free(store, &tx, &work.lease).await?;
    tx.commit().await?;
    Ok(())
}
