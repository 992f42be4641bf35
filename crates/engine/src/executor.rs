//! The one executor of all runs: it looks and acts as the decisions ask, and remembers nothing that a kill would lose.
//!
//! It decides nothing itself. For a plan it notes what would be written instead of sending it, and touches no row.

use std::pin::pin;
use std::time::Duration;

use domain::base::Base;
use domain::change::Change;
use domain::company::Company;
use domain::customer::Customer;
use domain::document::DocumentKind;
use domain::in_flight::InFlight;
use domain::index::Sighting;
use domain::ports::Ring;
use domain::side::Side;
use domain::store::{Intended, StoreError, StoreResult, Trigger, Work};
use futures::future::{Either, select};

use crate::seen::{Known, Seen};
use crate::step::{Ending, Step};
use crate::{Engine, Rules, customer, document};

/// Why a run ends without an ending that could be committed.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The store failed, or the lease was lost.
    Store(StoreError),
    /// Another company's engine goes on.
    OfCompany(Company),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One run.
pub(crate) struct Executor<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) work: &'a Work,
    pub(crate) seen: Seen,
    pub(crate) known: Known,
    /// The first look at each side: the "before" of the audit rows.
    pub(crate) before: [Option<Customer>; 2],
    /// What the store holds as on its way.
    pub(crate) stored: InFlight,
    /// What it holds as known, as the last intent left it.
    pub(crate) stored_base: Option<Base>,
    pub(crate) started: Duration,
    pub(crate) lease_ends: Duration,
    /// Something has left the house.
    pub(crate) sent: bool,
    /// Rows of other entities that were written down, to be rung for.
    pub(crate) also: Vec<Ring>,
    /// What was read of both systems, for the index.
    pub(crate) sightings: Vec<Sighting>,
    /// A plan: what would be written.
    pub(crate) noted: Option<Vec<Change>>,
}

impl<'a> Executor<'a> {
    pub(crate) fn new(engine: &'a Engine, work: &'a Work, started: Duration) -> Self {
        let now = engine.clock.now();
        let since = engine.clock.monotonic().saturating_sub(started);
        let mut seen = Seen::nothing(work.lead.side, work.link.clone(), now);
        seen.claimed_at = now - chrono::Duration::from_std(since).unwrap_or_default();
        seen.ruling.clone_from(&work.lead.ruling);
        let rows = std::iter::once(&work.lead).chain(&work.covered);
        for row in rows.clone().filter(|row| row.gone) {
            seen.gone_heard[row.side as usize] = true;
        }
        let of_finance = rows.filter(|row| {
            row.side == Side::Finance && matches!(row.trigger, Trigger::Poll | Trigger::Webhook)
        });
        seen.finance_heard_at = of_finance.map(|row| row.heard_at).min();
        Self {
            engine,
            work,
            seen,
            known: Known::of(work.link.clone()),
            before: [None, None],
            stored: work.link.in_flight.clone(),
            stored_base: work.link.base.clone(),
            started,
            lease_ends: started + engine.config.lease,
            sent: false,
            also: Vec::new(),
            sightings: Vec::new(),
            noted: None,
        }
    }

    /// Observes, decides and acts, until a decision ends the run.
    pub(crate) async fn run(&mut self) -> Result<Ending, Stop> {
        loop {
            self.seen.now = self.engine.clock.now();
            let ended = match self.decide() {
                Step::End(ending) => Some(ending),
                Step::Write(sending) if self.noted.is_some() => self.note(*sending),
                Step::Write(sending) => self.act(*sending).await?,
                look => self.look(look).await?,
            };
            if let Some(ending) = ended {
                return Ok(ending);
            }
        }
    }

    fn decide(&mut self) -> Step {
        let engine = self.engine;
        let (known, step) = engine.with_rules(|rules| {
            let known = self.known.clone();
            match DocumentKind::of(self.work.link.entity_type) {
                None => {
                    let (known, step) = customer::decide(known, &self.seen, rules);
                    (known, customer::unreadable::not_beside(step, &self.seen))
                }
                Some(kind) => document::decide(known, &self.seen, kind, rules),
            }
        });
        self.known = known;
        step
    }

    /// Waits for a read, and renews the lease meanwhile: where finance ignores filters, it reads its whole set.
    pub(crate) async fn renewing<T>(&self, read: impl Future<Output = T>) -> Result<T, Stop> {
        let mut read = pin!(read);
        loop {
            let pause = self.engine.clock.pause(self.engine.config.lease / 3);
            match select(read.as_mut(), pause).await {
                Either::Left((read, _)) => return Ok(read),
                // A plan has no lease.
                Either::Right(_) if self.noted.is_some() => {}
                Either::Right(_) => {
                    // Whatever else is wrong with the database, the next statement says so.
                    if let Err(StoreError::Fenced) = self.renew().await {
                        return Err(StoreError::Fenced.into());
                    }
                }
            }
        }
    }

    /// Renews the lease, and writes down again what is on its way.
    async fn renew(&self) -> StoreResult<()> {
        let intended = Intended {
            in_flight: &self.stored,
            base: None,
        };
        self.engine
            .store
            .intend(&self.work.lease, intended, self.engine.config.lease)
            .await
    }
}

impl Engine {
    /// Calls with the rules that decisions go by.
    pub(crate) fn with_rules<T>(&self, call: impl FnOnce(&Rules<'_>) -> T) -> T {
        let project = |side: Side, field, value: &str| self.port(side).project(field, value);
        call(&Rules {
            config: &self.config,
            documents: &self.documents,
            served: &self.served,
            project: &project,
        })
    }
}
