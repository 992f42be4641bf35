//! How a record is brought in step: observe, decide, act.
//!
//! Level-triggered: an event only says "look". One loop for every kind of entity, and no memory of its own: whatever the
//! next step depends on stands in the database or in the two systems, so that a run that is killed anywhere is simply
//! begun again. [`customer::decide`] and [`document::decide`] are pure; the executor takes their steps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use domain::company::{Companies, Company};
use domain::index::{IndexStore, Reading};
use domain::matching::Numbering;
use domain::merge::{Policy, Project};
use domain::polls::PollStore;
use domain::ports::{Crm, Customers, Finance, Ring};
use domain::side::Side;
use domain::store::{Outcome, Store};
use uuid::Uuid;

mod act;
pub mod backoff;
pub mod customer;
pub mod document;
mod ending;
mod executor;
mod gather;
mod holders;
mod observe;
pub mod plan;
pub mod ruling;
mod run;
pub mod seen;
pub mod step;

use document::DocumentRules;

/// What the engine may take and how it settles things. Durations as in the settings of the same names.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How conflicts are settled.
    pub policy: Policy,
    /// `LEASE_SECONDS`.
    pub lease: Duration,
    /// `HTTP_TIMEOUT_SECONDS`: a write is sent only if the lease outlives it.
    pub http_timeout: Duration,
    /// `CREATE_SETTLE_SECONDS`: no second create before; nothing that was sent lands later.
    pub create_settle: Duration,
    /// `MAX_RETRY_ATTEMPTS`, the first try not counted.
    pub max_retries: u32,
    /// `RETRY_BASE_SECONDS`.
    pub retry_base: Duration,
    /// Of whose finance system it is, and how its codes are read as customer numbers.
    pub numbering: Numbering,
    /// `DELETE_POLICY=deactivate`: a customer deleted in the CRM is set inactive in finance.
    pub deactivate: bool,
}

impl Config {
    /// `create_settle`, to be added to an instant.
    #[must_use]
    pub fn settle(&self) -> chrono::Duration {
        chrono::Duration::from_std(self.create_settle).unwrap_or(chrono::Duration::MAX)
    }
}

/// What decisions go by, besides what was seen.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The settings.
    pub config: &'a Config,
    /// Those for documents.
    pub documents: &'a DocumentRules,
    /// The companies that are served.
    pub served: &'a Companies,
    /// "This value as that system would hold it."
    pub project: Project<'a>,
}

impl<'a> Rules<'a> {
    /// How records are read for matching.
    #[must_use]
    pub fn reading(&self) -> Reading<'a> {
        Reading {
            numbering: self.config.numbering,
            project: self.project,
        }
    }
}

/// The engine of one company's finance system and the CRM, with everything it needs of the world.
#[derive(Clone)]
pub struct Engine {
    /// The CRM.
    pub crm: Arc<dyn Crm>,
    /// Finance.
    pub finance: Arc<dyn Finance>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// What both systems are known to hold.
    pub index: Arc<dyn IndexStore>,
    /// What the pollers have seen; `None` where nobody polls.
    pub polls: Option<Arc<dyn PollStore>>,
    /// The clock that the store's leases are measured by.
    pub clock: Arc<dyn Clock>,
    /// Its rules.
    pub config: Config,
    /// Its rules for documents.
    pub documents: DocumentRules,
    /// All companies that the deployment serves.
    pub served: Companies,
    /// The engines of the other companies, by their codes.
    pub others: BTreeMap<Company, Engine>,
    /// The worker's name, as it stands in `leaseOwner`.
    pub owner: String,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("config", &self.config)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Whose finance system it brings in step with the CRM.
    #[must_use]
    pub fn company(&self) -> Company {
        self.config.numbering.company
    }

    /// The engine of that company, from this one; `None`: it is not served.
    #[must_use]
    pub fn of(&self, company: Company) -> Option<&Self> {
        match company == self.company() {
            true => Some(self),
            false => self.others.get(&company),
        }
    }

    /// Every company's finance system.
    #[must_use]
    pub fn finances(&self) -> Vec<(Company, &dyn Customers)> {
        let all = std::iter::once(self).chain(self.others.values());
        all.map(|engine| (engine.company(), &*engine.finance as &dyn Customers))
            .collect()
    }

    /// The port of that side.
    #[must_use]
    pub fn port(&self, side: Side) -> &dyn Customers {
        match side {
            Side::Crm => &*self.crm,
            Side::Finance => &*self.finance,
        }
    }
}

/// What became of a rung row.
#[derive(Debug, Clone, PartialEq)]
pub enum Ran {
    /// A run took place and ended with this outcome.
    Ended {
        /// The lead row.
        row: Uuid,
        /// Whose it was.
        company: Company,
        /// The side that was heard.
        heard: Side,
        /// How it ended.
        outcome: Box<Outcome>,
        /// How long it took.
        took: Duration,
        /// When a row of the entity is to be rung for again: now, or at its retry time.
        next: Option<(Ring, Duration)>,
        /// Rows of other entities that are to be rung for: a document's customer, or documents that waited for this one.
        also: Vec<Ring>,
    },
    /// The row is final already.
    Done,
    /// Another worker has the entity, and will look for the row on release.
    Busy,
    /// Its retry time has not come.
    NotDue,
    /// That system is down, and nothing can be done without it. The row waits as it is; no statement was spent on it.
    Unavailable(Side),
    /// The lease was lost on the way; whoever has it now will see to the row.
    Fenced,
}
