//! The store in memory, with exactly the semantics of `SqlStore`: the contract suite runs on both.
//!
//! Written anew from the contract rather than shared with `SqlStore`, so that each checks the other; what the tables
//! refuse, cut off or write as text, it refuses, cuts off and writes as text. It persists nothing and serves tests only.
//! Between its statements it asks a [`Wire`], where the simulation lets other workers in, takes the database down or
//! loses answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::company::{Companies, Company};
use domain::store::entities::{link, log, retry};
use domain::store::{Stats, StoreResult};
use uuid::Uuid;

mod dispatch;
mod inbox;
mod index;
mod links;
mod outside;
mod own;
mod polls;
mod rows;
mod tables;
mod taken;
mod wire;

pub use outside::MemoryOutside;
pub use wire::{GoodWire, Wire};

use own::Own;
use tables::Tables;

/// The store in memory, as one company's finance system is kept in it. Clones share the tables.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    made_at: DateTime<Utc>,
    clock: Arc<dyn Clock>,
    wire: Arc<dyn Wire>,
    own: Own,
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
            own: Own::default(),
        }
    }

    /// The same of a deployment that serves these: as the first of them.
    #[must_use]
    pub fn serving(mut self, served: Companies) -> Self {
        self.own = Own::first_of(served);
        self
    }

    /// The same tables as that company.
    #[must_use]
    pub fn of(&self, company: Company) -> Self {
        Self {
            own: self.own.of(company),
            ..self.clone()
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
        self.tables().links().cloned().collect()
    }

    /// All rows of `"SyncRetryQueue"`, by the row that is to be tried again.
    #[must_use]
    pub fn retries(&self) -> Vec<retry::Model> {
        self.tables().retries.values().cloned().collect()
    }

    /// All rows of `"MatchLock"`: who has reserved which key.
    #[must_use]
    pub fn locks(&self) -> BTreeMap<String, Uuid> {
        self.tables().locks().clone()
    }

    /// Writes a row of `"EntityMapping"` as it is, past everyone.
    ///
    /// # Errors
    /// When its record is another link's.
    pub fn put_link(&self, row: link::Model) -> StoreResult<()> {
        self.tables().put_link(row)
    }

    /// How many rows of `"SyncLog"` there are of each status.
    #[must_use]
    pub fn counts(&self) -> Stats {
        inbox::count(&self.tables())
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

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present instant, as a column keeps it.
    fn now(&self) -> DateTime<Utc> {
        tables::micros(self.clock.now())
    }

    /// Carries out one statement or transaction. What can fail in it comes first: all or nothing.
    async fn carry_out<T: Send>(
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
