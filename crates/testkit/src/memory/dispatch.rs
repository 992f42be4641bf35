//! [`Store`] in memory: each operation as the statements and transactions that it is on a database.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::Ring;
use domain::store::{
    Backlog, Claim, Commit, Committed, EntityRef, Event, Holder, Intended, LastRun, Lease, Link, LinkState,
    Stats, Store, StoreResult, Work,
};
use uuid::Uuid;

use super::{MemoryStore, inbox, links, rows};

#[async_trait]
impl Store for MemoryStore {
    async fn enqueue(&self, events: &[Event]) -> StoreResult<Vec<bool>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.now();
        self.carry_out("enqueue", |tables| {
            let new = events
                .iter()
                .map(|event| tables.insert(rows::pending(&self.own, event, now)));
            Ok(new.collect())
        })
        .await
    }

    async fn claim(&self, row: Uuid, owner: &str, lease: Duration) -> StoreResult<Claim> {
        let now = self.now();
        let rung = self
            .carry_out("claim: look", |tables| {
                Ok(inbox::due(&self.own, tables, row, now))
            })
            .await?;
        let (entity, company) = match rung {
            Ok(rung) => rung,
            Err(answer) => return Ok(answer),
        };
        let id = self.clock.id();
        self.carry_out("claim: take", |tables| {
            let fresh = rows::half(id, &entity, company, now);
            inbox::claim(tables, row, fresh, &entity, owner, (now, lease))
        })
        .await
    }

    async fn intend(&self, lease: &Lease, intended: Intended<'_>, duration: Duration) -> StoreResult<()> {
        let now = self.now();
        self.carry_out("intend", |tables| {
            let mut row = tables.held(lease, now)?;
            row.in_flight = rows::in_flight(intended.in_flight)?;
            if let Some(base) = intended.base {
                row.base = Some(rows::json(base)?);
            }
            row.lease_until = Some(now + duration);
            // Where it is sent to, if it is finance.
            row.company = self.own.company.to_string();
            row.updated_at = now;
            tables.put_link(row)
        })
        .await
    }

    async fn find_link(&self, entity: &EntityRef) -> StoreResult<Option<Link>> {
        self.carry_out("link", |tables| {
            tables
                .link_of(entity, self.own.company)
                .map(rows::link)
                .transpose()
        })
        .await
    }

    async fn last_run(&self, link: Uuid) -> StoreResult<Option<LastRun>> {
        self.carry_out("last_run", |tables| Ok(inbox::last_run(tables, link)))
            .await
    }

    async fn lock(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>> {
        let now = self.now();
        self.carry_out("lock", |tables| links::lock(&self.own, tables, lease, keys, now))
            .await
    }

    async fn link(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        let now = self.now();
        self.carry_out("link", |tables| {
            links::link(&self.own, tables, lease, entity, &[LinkState::New], now)
        })
        .await
    }

    async fn take_over(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        let states = [LinkState::New, LinkState::Conflict, LinkState::Closed];
        let now = self.now();
        self.carry_out("link", |tables| {
            links::link(&self.own, tables, lease, entity, &states, now)
        })
        .await
    }

    async fn commit(&self, work: &Work, commit: &Commit) -> StoreResult<Committed> {
        let now = self.now();
        let clock = self.clock.clone();
        let woken = self
            .carry_out("commit", |tables| {
                inbox::commit(&self.own, tables, work, commit, now, &*clock)
            })
            .await?;
        // Rows that came in meanwhile found the lease taken and left it to us to look.
        let Some(link) = &commit.link else {
            return Ok(Committed { next: None, woken });
        };
        let next = self
            .carry_out("commit: waiting", |tables| Ok(inbox::waiting(tables, link, now)))
            .await?;
        Ok(Committed { next, woken })
    }

    async fn release(&self, work: &Work) -> StoreResult<()> {
        self.carry_out("release", |tables| inbox::release(tables, &work.lease))
            .await
    }

    async fn sweep(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>> {
        let now = self.now();
        self.carry_out("sweep", |tables| Ok(inbox::sweep(tables, limit, quiet_for, now)))
            .await
    }

    async fn retry(&self, row: Option<Uuid>) -> StoreResult<u64> {
        self.carry_out("retry", |tables| Ok(inbox::retry(tables, row)))
            .await
    }

    async fn prune(&self, older_than: Duration, limit: u64) -> StoreResult<u64> {
        let age = chrono::Duration::from_std(older_than).unwrap_or(chrono::Duration::MAX);
        let Some(before) = self.now().checked_sub_signed(age) else {
            return Ok(0);
        };
        self.carry_out("prune", |tables| Ok(inbox::prune(tables, before, limit)))
            .await
    }

    async fn stats(&self) -> StoreResult<Stats> {
        self.carry_out("stats", |tables| Ok(inbox::count(tables))).await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        let now = self.now();
        self.carry_out("backlog", |tables| Ok(inbox::backlog(tables, now)))
            .await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.carry_out("ping", |_| Ok(())).await
    }
}
