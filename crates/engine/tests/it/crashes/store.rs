//! A store before and after each statement of which a run may be killed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::in_flight::{InFlight, Write};
use domain::ports::Ring;
use domain::store::{
    Backlog, Claim, Commit, Committed, EntityRef, Event, Holder, Intended, LastRun, Lease, Link, Stats,
    Store, StoreResult, Work,
};
use uuid::Uuid;

use super::fate::{Fate, Flaw};

/// The store as a run sees it.
pub struct Mortal {
    pub store: Arc<dyn Store>,
    pub fate: Arc<Fate>,
}

impl Mortal {
    async fn around<T>(&self, what: &str, statement: impl Future<Output = T>) -> T {
        self.fate.point("before", what).await;
        let done = statement.await;
        self.fate.point("after", what).await;
        done
    }

    fn kept(&self, in_flight: &InFlight) -> InFlight {
        let mut kept = in_flight.clone();
        match self.fate.plot.flaw {
            Some(Flaw::ForgetsInFlight) => kept.0.clear(),
            Some(Flaw::ForgetsDecisions) => {
                for write in &mut kept.0 {
                    match write {
                        Write::Create(create) => create.decided.clear(),
                        Write::Update(update) => update.decided.clear(),
                        Write::Issue(_) => {}
                    }
                }
            }
            None => {}
        }
        kept
    }
}

#[async_trait]
impl Store for Mortal {
    async fn enqueue(&self, events: &[Event]) -> StoreResult<Vec<bool>> {
        self.around("enqueue", self.store.enqueue(events)).await
    }

    async fn claim(&self, row: Uuid, owner: &str, lease: Duration) -> StoreResult<Claim> {
        self.around("claim", self.store.claim(row, owner, lease)).await
    }

    async fn intend(&self, lease: &Lease, intended: Intended<'_>, duration: Duration) -> StoreResult<()> {
        let in_flight = self.kept(intended.in_flight);
        let intended = Intended {
            in_flight: &in_flight,
            ..intended
        };
        self.around("intend", self.store.intend(lease, intended, duration))
            .await
    }

    async fn find_link(&self, entity: &EntityRef) -> StoreResult<Option<Link>> {
        self.around("find_link", self.store.find_link(entity)).await
    }

    async fn last_run(&self, link: Uuid) -> StoreResult<Option<LastRun>> {
        self.around("last_run", self.store.last_run(link)).await
    }

    async fn lock(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>> {
        self.around("lock", self.store.lock(lease, keys)).await
    }

    async fn link(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        self.around("link", self.store.link(lease, entity)).await
    }

    async fn take_over(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        self.around("take_over", self.store.take_over(lease, entity))
            .await
    }

    async fn commit(&self, work: &Work, commit: &Commit) -> StoreResult<Committed> {
        self.around("commit", self.store.commit(work, commit)).await
    }

    async fn release(&self, work: &Work) -> StoreResult<()> {
        self.around("release", self.store.release(work)).await
    }

    async fn sweep(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>> {
        self.store.sweep(limit, quiet_for).await
    }

    async fn retry(&self, row: Option<Uuid>) -> StoreResult<u64> {
        self.store.retry(row).await
    }

    async fn prune(&self, older_than: Duration, limit: u64) -> StoreResult<u64> {
        self.store.prune(older_than, limit).await
    }

    async fn stats(&self) -> StoreResult<Stats> {
        self.store.stats().await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        self.store.backlog().await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.store.ping().await
    }
}
