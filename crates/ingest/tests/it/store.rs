//! A store that counts its inserts, and fails for one record if told to.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    ports::Ring,
    store::{
        Backlog, Claim, Commit, Committed, EntityRef, Event, Holder, Intended, LastRun, Lease, Link, Stats,
        Store, StoreError, StoreResult, Work, sql::SqlStore,
    },
};

#[derive(Clone)]
pub struct Watched {
    pub inner: SqlStore,
    pub inserts: Arc<AtomicUsize>,
    /// The id of a record whose events can't be stored.
    pub poison: Arc<Mutex<Option<String>>>,
    /// How long each insert takes in addition.
    pub delay: Arc<Mutex<Duration>>,
}

impl Watched {
    pub fn new(inner: SqlStore) -> Self {
        Self {
            inner,
            inserts: Arc::default(),
            poison: Arc::default(),
            delay: Arc::default(),
        }
    }

    pub fn inserts(&self) -> usize {
        self.inserts.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Store for Watched {
    async fn enqueue(&self, events: &[Event]) -> StoreResult<Vec<bool>> {
        self.inserts.fetch_add(1, Ordering::SeqCst);
        let delay = *self.delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        let poison = self.poison.lock().unwrap().clone();
        if events
            .iter()
            .any(|event| Some(&event.entity.id) == poison.as_ref())
        {
            return Err(StoreError::Database(sea_orm::DbErr::Custom(
                "poisoned".to_owned(),
            )));
        }
        self.inner.enqueue(events).await
    }

    async fn claim(&self, row: uuid::Uuid, owner: &str, lease: Duration) -> StoreResult<Claim> {
        self.inner.claim(row, owner, lease).await
    }

    async fn intend(&self, lease: &Lease, intended: Intended<'_>, duration: Duration) -> StoreResult<()> {
        self.inner.intend(lease, intended, duration).await
    }

    async fn find_link(&self, entity: &EntityRef) -> StoreResult<Option<Link>> {
        self.inner.find_link(entity).await
    }

    async fn last_run(&self, link: uuid::Uuid) -> StoreResult<Option<LastRun>> {
        self.inner.last_run(link).await
    }

    async fn lock(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>> {
        self.inner.lock(lease, keys).await
    }

    async fn link(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        self.inner.link(lease, entity).await
    }

    async fn take_over(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        self.inner.take_over(lease, entity).await
    }

    async fn commit(&self, work: &Work, commit: &Commit) -> StoreResult<Committed> {
        self.inner.commit(work, commit).await
    }

    async fn release(&self, work: &Work) -> StoreResult<()> {
        self.inner.release(work).await
    }

    async fn sweep(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>> {
        self.inner.sweep(limit, quiet_for).await
    }

    async fn retry(&self, row: Option<uuid::Uuid>) -> StoreResult<u64> {
        self.inner.retry(row).await
    }

    async fn prune(&self, older_than: Duration, limit: u64) -> StoreResult<u64> {
        self.inner.prune(older_than, limit).await
    }

    async fn stats(&self) -> StoreResult<Stats> {
        self.inner.stats().await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        self.inner.backlog().await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.inner.ping().await
    }
}
