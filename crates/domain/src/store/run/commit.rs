//! Ending a run: everything it found out in one transaction, fenced by the lease's token, together with others that end at the
//! same time: on PostgreSQL those that end as nearly all do, on SQLite any.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, TransactionTrait};

use super::together;
use crate::store::inbox::{self, By};
use crate::store::sql::{SqlStore, one_by_one};
use crate::store::{Commit, Committed, LinkState, StoreResult, Work, index, links, locks, taken};

pub(in crate::store) async fn commit(
    store: &SqlStore,
    work: &Work,
    commit: &Commit,
) -> StoreResult<Committed> {
    let run = || (work.clone(), commit.clone());
    let commits = &store.groups().commits;
    let done = match (store.is_postgres(), together::is_plain(work, commit)) {
        (true, true) => commits.run(run(), |runs| together::commit(store, runs)).await,
        (true, false) => None,
        (false, _) => {
            let together = |runs| {
                one_by_one(store, runs, |store, tx, (work, commit)| {
                    Box::pin(alone(store, tx, work, commit))
                })
            };
            commits.run(run(), together).await
        }
    };
    if let Some(done) = done {
        return done;
    }
    let tx = store.db().begin().await?;
    let committed = alone(store, &tx, work, commit).await?;
    tx.commit().await?;
    Ok(committed)
}

async fn alone(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    work: &Work,
    commit: &Commit,
) -> StoreResult<Committed> {
    let now = store.now();
    let awaits = match &commit.awaits {
        Some(awaited) => inbox::still_awaited(store, tx, awaited).await?.then_some(awaited),
        None => None,
    };
    match &commit.link {
        Some(link) => links::save(store, tx, work, link, commit, now).await?,
        None => links::drop_half(store, tx, &work.lease).await?,
    }
    if locks::gives_back(work, commit) {
        locks::unlock(store, tx, work.lease.link).await?;
    }
    let lead = inbox::end(store, tx, work, commit, now).await?;
    inbox::cover(store, tx, work, now).await?;
    // A run that ends has looked at the entity's earlier conflicts again.
    if commit.outcome.status.is_final() && work.link.state == LinkState::Conflict {
        inbox::settle(store, tx, work.lease.link, By::Run(work.lead.id)).await?;
    }
    inbox::unschedule(store, tx, work, commit.retry.is_none()).await?;
    if let Some(mut retry) = commit.retry {
        if commit.awaits.is_some() && awaits.is_none() {
            retry.at = now;
        }
        inbox::schedule(store, tx, work.lead.id, retry, awaits, now).await?;
    }
    if let Some(link) = &commit.link {
        inbox::audit(store, tx, [(&lead, link, commit)], now).await?;
    }
    if commit.look_again {
        inbox::look_again(store, tx, &lead, now).await?;
    }
    if !commit.outcome.withheld.is_empty() {
        taken::hold(store, tx, &commit.seen).await?;
    }
    // Late, so that nobody waits long for a record that several runs have seen.
    index::note(store, tx, &commit.seen).await?;
    taken::wait(store, tx, work.lead.id, &commit.outcome.withheld).await?;
    to_be_rung_for(store, tx, work, commit, now).await
}

/// What waits, for this entity or for its end: one look, and hardly ever more. Whoever comes after it finds the lease free.
async fn to_be_rung_for(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    work: &Work,
    commit: &Commit,
    now: DateTime<Utc>,
) -> StoreResult<Committed> {
    let (link, customer) = (
        commit.link.as_ref().unwrap_or(&work.link),
        commit.settles(&work.link),
    );
    let (next, others) = inbox::waiting(store, tx, link, customer, now).await?;
    let next = next.filter(|_| commit.link.is_some());
    inbox::to_be_rung_for(store, tx, next, customer.filter(|_| others), now).await
}
