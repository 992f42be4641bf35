//! Ending a run: everything it found out in one transaction, fenced by the lease's token.

use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::store::inbox::{self, By};
use crate::store::sql::SqlStore;
use crate::store::{Commit, Committed, Link, LinkState, StoreResult, Work, index, links, locks, taken};

pub(in crate::store) async fn commit(
    store: &SqlStore,
    work: &Work,
    commit: &Commit,
) -> StoreResult<Committed> {
    let now = store.now();
    let tx = store.db().begin().await?;
    let awaits = match &commit.awaits {
        Some(awaited) => inbox::still_awaited(store, &tx, awaited)
            .await?
            .then_some(awaited),
        None => None,
    };
    match &commit.link {
        Some(link) => links::save(store, &tx, work, link, commit, now).await?,
        None => links::drop_half(store, &tx, &work.lease).await?,
    }
    give_back_locks(store, &tx, work, commit).await?;
    let lead = inbox::end(store, &tx, work, commit, now).await?;
    inbox::cover(store, &tx, work, now).await?;
    // A run that ends has looked at the entity's earlier conflicts again.
    if commit.outcome.status.is_final() && work.link.state == LinkState::Conflict {
        inbox::settle(store, &tx, work.lease.link, By::Run(work.lead.id)).await?;
    }
    inbox::unschedule(store, &tx, work, commit.retry.is_none()).await?;
    if let Some(mut retry) = commit.retry {
        if commit.awaits.is_some() && awaits.is_none() {
            retry.at = now;
        }
        inbox::schedule(store, &tx, work.lead.id, retry, awaits, now).await?;
    }
    if let Some(link) = &commit.link {
        inbox::audit(store, &tx, &lead, link, commit, now).await?;
    }
    if commit.look_again {
        inbox::look_again(store, &tx, &lead, now).await?;
    }
    let woken = match commit.settles(&work.link) {
        Some(customer) => inbox::wake(store, &tx, customer, now).await?,
        None => Vec::new(),
    };
    if !commit.outcome.withheld.is_empty() {
        taken::hold(store, &tx, &commit.seen).await?;
    }
    // Last, so that nobody waits long for a record that several runs have seen.
    index::note(store, &tx, &commit.seen).await?;
    taken::wait(store, &tx, work.lead.id, &commit.outcome.withheld).await?;
    tx.commit().await?;
    let next = match &commit.link {
        Some(link) => inbox::waiting(store, link, now).await?,
        None => None,
    };
    Ok(Committed { next, woken })
}

/// Only an entity that is being met may have any (also one whose counterpart is another's by now), or one whose meeting a killed
/// run has left with a write on its way.
async fn give_back_locks(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    work: &Work,
    commit: &Commit,
) -> StoreResult<()> {
    let link = &work.link;
    let may_have = link.base.is_none() || !link.is_whole() || !link.in_flight.is_empty();
    let keeps = commit.link.as_ref().is_some_and(Link::keeps_its_locks);
    if may_have && !keeps {
        locks::unlock(store, tx, work.lease.link).await?;
    }
    Ok(())
}
