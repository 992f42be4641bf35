//! The sync engine: state-based, one entity at a time, under its lease.
//!
//! An event only says "look". A run claims the entity's rows, reads both sides, merges, writes each side only
//! where it differs, reads back, and commits everything it found out in one transaction. It never looks at what
//! kind of queue rang, and never sleeps.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::clock::Clock;
use crate::document::DocumentKind;
use crate::merge::Policy;
use crate::polls::PollStore;
use crate::ports::{Crm, Customers, Finance, Ring, Side};
use crate::store::{
    Claim, Commit, EntityRef, Event, InFlight, LinkState, Outcome, Retry, Status, Store, StoreError,
    StoreResult, Trigger, Work,
};

pub mod backoff;
pub mod document;
mod finish;
mod first;
mod late;
pub mod meet;
pub mod plan;
pub mod resolve;
mod run;
mod write;

use document::{DocumentRules, DocumentRun};
use run::Run;

/// A row whose lease has lapsed so often is given up: it kills whoever takes it.
const POISON_LAPSES: u32 = 10;

/// What the engine may take and how it settles things. Durations as in the settings of the same names.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How conflicts are settled.
    pub policy: Policy,
    /// `LEASE_SECONDS`.
    pub lease: Duration,
    /// `HTTP_TIMEOUT_SECONDS`: a write is sent only if the lease outlives it.
    pub http_timeout: Duration,
    /// `CREATE_SETTLE_SECONDS`: no second create before.
    pub create_settle: Duration,
    /// `MAX_RETRY_ATTEMPTS`, the first try not counted.
    pub max_retries: u32,
    /// `RETRY_BASE_SECONDS`.
    pub retry_base: Duration,
    /// How finance codes are read as customer numbers.
    pub numbering: meet::Numbering,
    /// `DELETE_POLICY=deactivate`: a customer deleted in the CRM is set inactive in finance.
    pub deactivate: bool,
}

impl Config {
    /// `create_settle`, to be added to an instant.
    fn settle(&self) -> chrono::Duration {
        chrono::Duration::from_std(self.create_settle).unwrap_or(chrono::Duration::MAX)
    }
}

/// The engine with everything it needs of the world.
#[derive(Clone)]
pub struct Engine {
    /// The CRM.
    pub crm: Arc<dyn Crm>,
    /// Finance.
    pub finance: Arc<dyn Finance>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// What the pollers have seen; `None` where nobody polls.
    pub polls: Option<Arc<dyn PollStore>>,
    /// The clock that the store's leases are measured by.
    pub clock: Arc<dyn Clock>,
    /// Its rules.
    pub config: Config,
    /// Its rules for documents.
    pub documents: DocumentRules,
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

/// What became of a rung row.
#[derive(Debug, Clone, PartialEq)]
pub enum Ran {
    /// A run took place and ended with this outcome.
    Ended {
        /// The lead row.
        row: Uuid,
        /// The side that was heard.
        heard: Side,
        /// How it ended.
        outcome: Box<Outcome>,
        /// How long it took.
        took: Duration,
        /// When a row of the entity is to be rung for again: now, or at its retry time.
        next: Option<(Ring, Duration)>,
        /// Rows of other entities that the run has heard, to be rung for: a document's customer.
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

impl Engine {
    /// The port of that side.
    #[must_use]
    pub fn port(&self, side: Side) -> &dyn Customers {
        match side {
            Side::Crm => &*self.crm,
            Side::Finance => &*self.finance,
        }
    }

    /// Runs the sync that a rung row asks for.
    ///
    /// # Errors
    /// The store's own. The row is then left as it is: its lease lapses and the sweeper finds it.
    pub async fn run(&self, ring: &Ring) -> StoreResult<Ran> {
        if let Some(side) = [Side::Crm, Side::Finance]
            .into_iter()
            .find(|side| self.port(*side).refuses())
        {
            return Ok(Ran::Unavailable(side));
        }
        let started = self.clock.monotonic();
        let work = match self.store.claim(ring.row, &self.owner, self.config.lease).await? {
            Claim::Taken(work) => resolve::led_by_ruling(*work),
            Claim::Done => return Ok(Ran::Done),
            Claim::Busy => return Ok(Ran::Busy),
            Claim::NotDue => return Ok(Ran::NotDue),
        };
        if let Some(commit) = self.not_to_be_run(&work) {
            return self.commit(&work, commit, InFlight::new(), None).await;
        }
        if let Some(kind) = DocumentKind::of(work.link.entity_type) {
            return self.run_document(&work, kind, started).await;
        }
        let mut run = Run::new(self, &work, started);
        match run.sync().await {
            Err(run::Stop::Store(StoreError::Fenced)) => self.fenced(&work, run.sent()).await,
            Err(run::Stop::LeaseTooShort) => {
                self.store.release(&work).await?;
                Ok(Ran::Fenced)
            }
            Err(run::Stop::Store(error @ StoreError::Database(_))) => Err(error),
            result => {
                let (sent, intended) = (run.sent(), run.intended.clone());
                let commit = run.finish(result, self.clock.jitter());
                self.commit(&work, commit, intended, sent).await
            }
        }
    }

    async fn run_document(&self, work: &Work, kind: DocumentKind, started: Duration) -> StoreResult<Ran> {
        let mut run = DocumentRun::new(self, work, kind, started);
        let result = run.sync().await;
        let (sent, also) = (run.sent(), std::mem::take(&mut run.also));
        let ran = match result {
            Err(document::Stop::Store(StoreError::Fenced)) => self.fenced(work, sent).await?,
            Err(document::Stop::Store(error @ StoreError::Database(_))) => return Err(error),
            result => {
                let intended = run.intended.clone();
                let commit = run.finish(result, self.clock.jitter());
                self.commit(work, commit, intended, sent).await?
            }
        };
        Ok(match ran {
            Ran::Ended {
                row,
                heard,
                outcome,
                took,
                next,
                ..
            } => Ran::Ended {
                row,
                heard,
                outcome,
                took,
                next,
                also,
            },
            other => other,
        })
    }

    /// Rows that end without a look at the outside systems.
    fn not_to_be_run(&self, work: &Work) -> Option<Commit> {
        let outcome = if work.lead.lapses >= POISON_LAPSES {
            let message = format!(
                "given up: {} runs of this row ended without a word (killed, or too slow for LEASE_SECONDS); \
                 look at the worker's log, then `siaghsync retry {}`",
                work.lead.lapses, work.lead.id
            );
            Outcome {
                error_class: Some("poison"),
                ..Outcome::new(Status::Failed, message)
            }
        } else {
            return None;
        };
        let nothing = work.link.base.is_none() && work.link.issued.is_none();
        let half = nothing && work.link.in_flight.is_empty() && work.link.state == LinkState::New;
        let mut link = work.link.clone();
        link.end_conflict();
        Some(Commit {
            link: (!half).then_some(link),
            transaction: work.lead.id,
            synced_from: None,
            outcome,
            retry: None,
            audits: Vec::new(),
            look_again: false,
            took: Duration::ZERO,
        })
    }

    async fn commit(
        &self,
        work: &Work,
        mut commit: Commit,
        intended: InFlight,
        sent: Option<Value>,
    ) -> StoreResult<Ran> {
        let next = match self.store.commit(work, &commit).await {
            Err(StoreError::Fenced) => return self.fenced(work, sent).await,
            Err(StoreError::LinkedElsewhere { side, id }) => {
                let entity = EntityRef {
                    entity_type: work.link.entity_type,
                    side,
                    id,
                };
                // Someone has met the record from its other end: he finds our half link taken and lets go.
                let theirs = self.store.find_link(&entity).await?;
                let busy = theirs.is_none_or(|theirs| theirs.state == LinkState::New);
                let at = self.clock.now() + chrono::Duration::seconds(1);
                let wait = busy.then_some(Retry {
                    at,
                    count: work.lead.retry_count,
                    max: self.config.max_retries,
                });
                let why = format!(
                    "{side} {} belongs to another link{}",
                    entity.id,
                    if busy { " at the moment" } else { "" }
                );
                commit = finish::linked_elsewhere(work, commit, intended, &why, wait);
                self.store.commit(work, &commit).await?
            }
            other => other?,
        };
        let later = commit
            .retry
            .map(|retry| (retry.at - self.clock.now()).to_std().unwrap_or_default());
        let next = match (next, later) {
            (Some(ring), _) => Some((ring, Duration::ZERO)),
            (None, Some(wait)) => Some((
                Ring {
                    row: work.lead.id,
                    traceparent: None,
                },
                wait,
            )),
            (None, None) => None,
        };
        Ok(Ran::Ended {
            row: work.lead.id,
            heard: work.lead.side,
            outcome: Box::new(commit.outcome),
            took: commit.took,
            next,
            also: Vec::new(),
        })
    }

    /// Someone else has the entity now. If we have sent something, it may land after their look: a row makes sure
    /// that it is seen.
    async fn fenced(&self, work: &Work, sent: Option<Value>) -> StoreResult<Ran> {
        if let Some(payload) = sent {
            let side = work.lead.side;
            let id = work.link.id_on(side).unwrap_or_default().to_owned();
            let event = Event {
                row: self.clock.id(),
                entity: EntityRef {
                    entity_type: work.link.entity_type,
                    side,
                    id,
                },
                trigger: Trigger::Poll,
                event_id: None,
                payload,
                traceparent: None,
                rung: false,
            };
            self.store.enqueue(&[event]).await?;
        }
        Ok(Ran::Fenced)
    }
}
