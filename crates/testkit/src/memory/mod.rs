//! The store in memory, with exactly the semantics of `SqlStore`: the contract suite runs on both.
//!
//! Written anew from the contract rather than shared with `SqlStore`, so that each checks the other. It persists
//! nothing and serves tests only. Between its statements it asks a [`Wire`], where the simulation lets other
//! workers in, takes the database down or loses answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::ports::{Ring, Side};
use domain::store::entities::{link, log, retry};
use domain::store::{
    Backlog, Claim, Commit, EntityRef, Event, Holder, InFlight, Intended, LastRun, Lease, Link, LinkState,
    Stats, Status, Store, StoreError, StoreResult, Work,
};
use uuid::Uuid;

mod claim;
mod commit;
mod guard;
mod linking;
mod outside;
mod polls;
mod prune;
mod rows;
mod sweep;

pub use outside::MemoryOutside;

/// What lies between the store's client and its statements.
#[async_trait]
pub trait Wire: Send + Sync {
    /// Before a statement or transaction reaches the database. An error: it never does.
    async fn before(&self, statement: &'static str) -> StoreResult<()>;

    /// After it was carried out. An error: the answer is lost.
    async fn after(&self, statement: &'static str) -> StoreResult<()>;
}

/// A wire that never breaks.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoodWire;

#[async_trait]
impl Wire for GoodWire {
    async fn before(&self, _: &'static str) -> StoreResult<()> {
        Ok(())
    }

    async fn after(&self, _: &'static str) -> StoreResult<()> {
        Ok(())
    }
}

/// A row of `"EntityMapping"`.
#[derive(Debug, Clone)]
pub(crate) struct MappingRow {
    pub(crate) link: Link,
    pub(crate) last_sync_at: Option<DateTime<Utc>>,
    pub(crate) last_sync_source: Option<String>,
    pub(crate) last_sync_transaction_id: Option<Uuid>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    /// SQL's `NULL` is not the same as an empty map.
    pub(crate) in_flight: Option<InFlight>,
    pub(crate) version: i64,
    pub(crate) lease_owner: Option<String>,
    pub(crate) lease_token: i64,
    pub(crate) lease_until: Option<DateTime<Utc>>,
}

impl MappingRow {
    fn free_at(&self, now: DateTime<Utc>) -> bool {
        self.lease_until.is_none_or(|until| until <= now)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) log: BTreeMap<Uuid, log::Model>,
    /// Rows that are not final.
    pub(crate) open: BTreeSet<Uuid>,
    pub(crate) event_ids: BTreeSet<(String, String)>,
    pub(crate) links: BTreeMap<Uuid, MappingRow>,
    pub(crate) retries: BTreeMap<Uuid, retry::Model>,
    /// `"MatchLock"`: which link has reserved a key.
    pub(crate) locks: BTreeMap<String, Uuid>,
    /// What pollers keep.
    pub(crate) polls: polls::Polls,
}

impl Tables {
    pub(crate) fn link_of(&self, entity: &EntityRef) -> Option<&MappingRow> {
        let mut rows = self.links.values();
        rows.find(|row| {
            row.link.entity_type == entity.entity_type
                && row.link.id_on(entity.side) == Some(entity.id.as_str())
        })
    }

    /// The link under that lease, if the lease is still the last that was given.
    pub(crate) fn leased(&mut self, lease: &Lease) -> Option<&mut MappingRow> {
        let row = self.links.get_mut(&lease.link);
        row.filter(|row| row.lease_token == lease.token)
    }

    /// Whether a row is about the entity of `link`.
    pub(crate) fn is_of(row: &log::Model, link: &Link) -> bool {
        row.entity_type == link.entity_type
            && link.id_on(rows::side_of(&row.source_system)) == Some(row.source_entity_id.as_str())
    }

    pub(crate) fn set_status(&mut self, id: Uuid, status: Status) {
        if let Some(row) = self.log.get_mut(&id) {
            row.status = status;
            if status.is_final() {
                self.open.remove(&id);
            } else {
                self.open.insert(id);
            }
        }
    }

    /// Whether neither the row nor its event is known.
    pub(crate) fn is_new(&self, row: &log::Model) -> bool {
        let event = row.event_id.clone();
        let heard = event.is_some_and(|id| self.event_ids.contains(&(row.source_system.clone(), id)));
        !self.log.contains_key(&row.id) && !heard
    }

    /// Whether that event stands in a row, or is held.
    pub(crate) fn has_heard(&self, side: Side, event: &str) -> bool {
        let system = rows::system(side);
        let mut held = self.polls.held.iter();
        self.event_ids.contains(&(system.to_owned(), event.to_owned()))
            || held.any(|held| held.source_system == system && held.event_id == event)
    }

    pub(crate) fn insert(&mut self, row: log::Model) {
        if !row.status.is_final() {
            self.open.insert(row.id);
        }
        if let Some(event) = &row.event_id {
            self.event_ids.insert((row.source_system.clone(), event.clone()));
        }
        self.log.insert(row.id, row);
    }
}

/// The store in memory. Clones share the tables.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    made_at: DateTime<Utc>,
    clock: Arc<dyn Clock>,
    wire: Arc<dyn Wire>,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl MemoryStore {
    /// Empty tables; leases are measured by `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            tables: Arc::default(),
            made_at: clock.now(),
            clock,
            wire: Arc::new(GoodWire),
        }
    }

    /// The same tables behind another wire: another worker's connection.
    #[must_use]
    pub fn behind(&self, wire: Arc<dyn Wire>) -> Self {
        Self { wire, ..self.clone() }
    }

    /// All rows of `"SyncLog"`, by id.
    #[must_use]
    pub fn rows(&self) -> Vec<log::Model> {
        self.tables().log.values().cloned().collect()
    }

    /// All rows of `"EntityMapping"`, by id.
    #[must_use]
    pub fn links(&self) -> Vec<link::Model> {
        self.tables().links.values().map(rows::model).collect()
    }

    /// All rows of `"SyncRetryQueue"`, by the row that is to be tried again.
    #[must_use]
    pub fn retries(&self) -> Vec<retry::Model> {
        self.tables().retries.values().cloned().collect()
    }

    /// How many rows of `"SyncLog"` there are of each status.
    #[must_use]
    pub fn counts(&self) -> Stats {
        sweep::count(&self.tables())
    }

    /// The rows that are not final.
    #[must_use]
    pub fn open_rows(&self) -> Vec<log::Model> {
        let tables = self.tables();
        let open = tables.open.iter().filter_map(|id| tables.log.get(id));
        open.cloned().collect()
    }

    /// How many rows are not final.
    #[must_use]
    pub fn open(&self) -> usize {
        self.tables().open.len()
    }

    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out one statement or transaction.
    pub(crate) async fn carry_out<T: Send>(
        &self,
        statement: &'static str,
        work: impl FnOnce(&mut Tables) -> StoreResult<T> + Send,
    ) -> StoreResult<T> {
        self.wire.before(statement).await?;
        let result = work(&mut self.tables())?;
        self.wire.after(statement).await?;
        Ok(result)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn enqueue(&self, events: &[Event]) -> StoreResult<Vec<bool>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        self.carry_out("hear", |tables| {
            let mut new = Vec::with_capacity(events.len());
            for event in events {
                let row = rows::pending(event, now);
                let is_new = tables.is_new(&row);
                if is_new {
                    tables.insert(row);
                }
                new.push(is_new);
            }
            Ok(new)
        })
        .await
    }

    async fn claim(&self, row: Uuid, owner: &str, lease: Duration) -> StoreResult<Claim> {
        self.claim_row(row, owner, lease).await
    }

    async fn intend(&self, lease: &Lease, intended: Intended<'_>, duration: Duration) -> StoreResult<()> {
        let now = self.clock.now();
        self.carry_out("intend", |tables| {
            let row = tables.leased(lease).filter(|row| !row.free_at(now));
            let row = row.ok_or(StoreError::Fenced)?;
            row.in_flight = (!intended.in_flight.is_empty()).then(|| intended.in_flight.clone());
            if let Some(base) = intended.base {
                row.link.base = Some(base.clone());
            }
            row.lease_until = Some(now + duration);
            row.updated_at = now;
            Ok(())
        })
        .await
    }

    async fn find_link(&self, entity: &EntityRef) -> StoreResult<Option<Link>> {
        self.carry_out("link", |tables| {
            let row = tables.link_of(entity);
            Ok(row.map(|row| Link {
                in_flight: row.in_flight.clone().unwrap_or_default(),
                ..row.link.clone()
            }))
        })
        .await
    }

    async fn last_run(&self, link: Uuid) -> StoreResult<Option<LastRun>> {
        self.carry_out("last_run", |tables| Ok(rows::last_run(tables, link)))
            .await
    }

    async fn lock(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>> {
        self.lock_keys(lease, keys).await
    }

    async fn link(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        self.link_entity(lease, entity, &[LinkState::New]).await
    }

    async fn take_over(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        let states = [LinkState::New, LinkState::Conflict, LinkState::Closed];
        self.link_entity(lease, entity, &states).await
    }

    async fn commit(&self, work: &Work, commit: &Commit) -> StoreResult<Option<Ring>> {
        self.commit_run(work, commit).await
    }

    async fn release(&self, work: &Work) -> StoreResult<()> {
        self.release_run(work).await
    }

    async fn sweep(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>> {
        self.sweep_rows(limit, quiet_for).await
    }

    async fn retry(&self, row: Option<Uuid>) -> StoreResult<u64> {
        self.retry_rows(row).await
    }

    async fn prune(&self, older_than: Duration, limit: u64) -> StoreResult<u64> {
        self.prune_rows(older_than, limit).await
    }

    async fn stats(&self) -> StoreResult<Stats> {
        self.carry_out("stats", |tables| Ok(sweep::count(tables))).await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        let now = self.clock.now();
        self.carry_out("backlog", |tables| Ok(sweep::backlog(tables, now)))
            .await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.carry_out("ping", |_| Ok(())).await
    }
}

/// Both sides, for loops.
pub(crate) const SIDES: [Side; 2] = [Side::Crm, Side::Finance];
