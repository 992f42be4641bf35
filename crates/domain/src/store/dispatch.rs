//! [`Store`] on a database: each operation with the time that it has, and its span.

use std::time::Duration;

use async_trait::async_trait;
use tracing::Instrument as _;
use uuid::Uuid;

use super::sql::{LONG, QUICK, SqlStore, in_time};
use super::{
    Backlog, Claim, Commit, Committed, EntityRef, Event, Holder, Intended, LastRun, Lease, Link, LinkState,
    Stats, Store, StoreResult, Work, inbox, links, locks, run,
};
use crate::ports::Ring;

#[async_trait]
impl Store for SqlStore {
    async fn enqueue(&self, events: &[Event]) -> StoreResult<Vec<bool>> {
        in_time(QUICK, || {
            inbox::enqueue(self, events).instrument(self.span("enqueue"))
        })
        .await
    }

    async fn claim(&self, row: Uuid, owner: &str, lease: Duration) -> StoreResult<Claim> {
        in_time(QUICK, || {
            run::claim(self, row, owner, lease).instrument(self.span("claim"))
        })
        .await
    }

    async fn intend(&self, lease: &Lease, intended: Intended<'_>, duration: Duration) -> StoreResult<()> {
        in_time(QUICK, || {
            links::intend(self, lease, intended, duration).instrument(self.span("intend"))
        })
        .await
    }

    async fn find_link(&self, entity: &EntityRef) -> StoreResult<Option<Link>> {
        in_time(QUICK, || links::find(self, entity)).await
    }

    async fn last_run(&self, link: Uuid) -> StoreResult<Option<LastRun>> {
        in_time(QUICK, || inbox::last_run(self, link)).await
    }

    async fn lock(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>> {
        in_time(QUICK, || locks::lock(self, lease, keys)).await
    }

    async fn link(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        in_time(QUICK, || links::link(self, lease, entity, &[LinkState::New])).await
    }

    async fn take_over(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        let states = [LinkState::New, LinkState::Conflict, LinkState::Closed];
        in_time(QUICK, || links::link(self, lease, entity, &states)).await
    }

    async fn commit(&self, work: &Work, commit: &Commit) -> StoreResult<Committed> {
        in_time(QUICK, || {
            run::commit(self, work, commit).instrument(self.span("commit"))
        })
        .await
    }

    async fn release(&self, work: &Work) -> StoreResult<()> {
        in_time(QUICK, || run::release(self, work)).await
    }

    async fn sweep(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>> {
        in_time(QUICK, || self.align()).await?;
        in_time(QUICK, || inbox::sweep(self, limit, quiet_for)).await
    }

    async fn retry(&self, row: Option<Uuid>) -> StoreResult<u64> {
        in_time(LONG, || inbox::retry(self, row)).await
    }

    async fn prune(&self, older_than: Duration, limit: u64) -> StoreResult<u64> {
        in_time(LONG, || inbox::prune(self, older_than, limit)).await
    }

    async fn stats(&self) -> StoreResult<Stats> {
        in_time(LONG, || inbox::stats(self)).await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        in_time(LONG, || inbox::backlog(self)).await
    }

    async fn ping(&self) -> StoreResult<()> {
        in_time(QUICK, || self.answers()).await
    }
}
