//! One run from its ring to its commit.

use std::time::Duration;

use domain::base::Base;
use domain::company::Company;
use domain::document::DocumentKind;
use domain::entity::EntityRef;
use domain::in_flight::InFlight;
use domain::link::{Link, LinkState};
use domain::message::{Code, Message};
use domain::ports::Ring;
use domain::side::Side;
use domain::store::{Claim, Commit, Event, Retry, StoreError, StoreResult, Trigger, Work};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ending::{self, Facts};
use crate::executor::{Executor, Stop};
use crate::ruling::led_by_ruling;
use crate::step::Ending;
use crate::{Engine, Ran};

/// A row whose lease has lapsed so often is given up: it kills whoever takes it.
const POISON_LAPSES: u32 = 10;

/// So often a run may find that it belongs to another company.
const HOPS: usize = 3;

/// What became of claimed work.
enum Carried {
    /// It ended.
    Out(Ran),
    /// It is that company's; nothing was written.
    To(Company),
}

impl Engine {
    /// Runs the sync that a rung row asks for.
    ///
    /// # Errors
    /// The store's own. The row is then left as it is: its lease lapses and the sweeper finds it.
    pub async fn run(&self, ring: &Ring) -> StoreResult<Ran> {
        if let Some(side) = self.refuses() {
            return Ok(Ran::Unavailable(side));
        }
        let started = self.clock.monotonic();
        let mut work = match self.store.claim(ring.row, &self.owner, self.config.lease).await? {
            Claim::Taken(work) => led_by_ruling(*work),
            Claim::Done => return Ok(Ran::Done),
            Claim::Busy => return Ok(Ran::Busy),
            Claim::NotDue => return Ok(Ran::NotDue),
        };
        if work.lead.lapses >= POISON_LAPSES {
            let commit = ending::poison(&work, work.lead.id);
            return self.commit(&work, commit, None, Vec::new()).await;
        }
        // The CRM's customers and documents are heard of before anyone knows whose they are.
        for _ in 0..HOPS {
            let Some(engine) = self.of(work.link.company) else {
                let commit = ending::not_served(&work, &self.served, self.clock.id());
                return self.commit(&work, commit, None, Vec::new()).await;
            };
            if engine.finance.refuses() {
                self.store.release(&work).await?;
                return Ok(Ran::Unavailable(Side::Finance));
            }
            match engine.carry_out(&work, started).await? {
                Carried::Out(ran) => return Ok(ran),
                Carried::To(company) => work.link.company = company,
            }
        }
        // Its number changes from look to look: later.
        self.store.release(&work).await?;
        Ok(Ran::Busy)
    }

    /// Whether nothing can be done at present: without the CRM, or without any finance system.
    fn refuses(&self) -> Option<Side> {
        if self.crm.refuses() {
            return Some(Side::Crm);
        }
        let mut engines = std::iter::once(self).chain(self.others.values());
        engines
            .all(|engine| engine.finance.refuses())
            .then_some(Side::Finance)
    }

    /// Carries out what was claimed, or says whose it is.
    async fn carry_out(&self, work: &Work, started: Duration) -> StoreResult<Carried> {
        let mut executor = Executor::new(self, work, started);
        let ended = match executor.run().await {
            Err(Stop::OfCompany(company)) => return Ok(Carried::To(company)),
            Err(Stop::Store(error)) => Err(error),
            Ok(ended) => Ok(ended),
        };
        self.end(work, executor, ended).await.map(Carried::Out)
    }

    async fn end(
        &self,
        work: &Work,
        mut executor: Executor<'_>,
        ended: StoreResult<Ending>,
    ) -> StoreResult<Ran> {
        let (sent, also) = (sent(&executor), std::mem::take(&mut executor.also));
        let stored = Stored::of(&mut executor);
        let result = match ended {
            Ok(ended) => {
                let seen = std::mem::take(&mut executor.sightings);
                let commit = self.finish(executor, ended, self.clock.id());
                let commit = Commit { seen, ..commit };
                self.commit(work, commit, sent.clone(), also).await
            }
            Err(error) => Err(error),
        };
        match result {
            Err(StoreError::Fenced) => self.fenced(work, sent).await,
            // Of the data, not of the database: the same again would come to the same.
            Err(error) if error.is_about_the_data() => {
                let commit = ending::not_storable(stored.link(work), error.to_string(), self.clock.id());
                self.commit(work, commit, sent, Vec::new()).await
            }
            result => result,
        }
    }

    fn finish(&self, executor: Executor<'_>, ended: Ending, transaction: Uuid) -> Commit {
        let facts = Facts {
            work: executor.work,
            config: &self.config,
            transaction,
            now: self.clock.now(),
            took: self.clock.monotonic().saturating_sub(executor.started),
            jitter: self.clock.jitter(),
            before: &executor.before,
        };
        let (known, seen) = (executor.known, &executor.seen);
        match DocumentKind::of(executor.work.link.entity_type) {
            Some(_) => ending::document::finish(known, seen, ended, &facts),
            None => self.with_rules(|rules| ending::customer::finish(known, seen, ended, &facts, rules)),
        }
    }

    async fn commit(
        &self,
        work: &Work,
        mut commit: Commit,
        sent: Option<Value>,
        mut also: Vec<Ring>,
    ) -> StoreResult<Ran> {
        let committed = match self.store.commit(work, &commit).await {
            Err(StoreError::Fenced) => return self.fenced(work, sent).await,
            Err(StoreError::LinkedElsewhere { side, id }) => {
                commit = self.linked_elsewhere(work, commit, side, id).await?;
                self.store.commit(work, &commit).await?
            }
            committed => committed?,
        };
        also.extend(committed.woken);
        let at_its_time = commit.retry.map(|retry| {
            let ring = Ring {
                row: work.lead.id,
                traceparent: None,
            };
            (ring, (retry.at - self.clock.now()).to_std().unwrap_or_default())
        });
        Ok(Ran::Ended {
            row: work.lead.id,
            company: work.link.company,
            heard: work.lead.side,
            outcome: Box::new(commit.outcome),
            took: commit.took,
            next: committed.next.map(|ring| (ring, Duration::ZERO)).or(at_its_time),
            also,
        })
    }

    /// Someone has met the record from its other end: he finds our half link taken and lets go.
    async fn linked_elsewhere(
        &self,
        work: &Work,
        commit: Commit,
        side: Side,
        id: String,
    ) -> StoreResult<Commit> {
        let entity = EntityRef {
            entity_type: work.link.entity_type,
            side,
            id,
        };
        let theirs = self.store.find_link(&entity).await?;
        let is_busy = theirs.is_none_or(|theirs| theirs.state == LinkState::New);
        let wait = is_busy.then_some(Retry {
            at: self.clock.now() + chrono::Duration::seconds(1),
            count: work.lead.retry_count,
            max: self.config.max_retries,
        });
        let code = match is_busy {
            true => Code::LinkedElsewhereNow,
            false => Code::LinkedElsewhere,
        };
        let why = Message::new(code).with("side", side).with("id", &entity.id);
        Ok(ending::linked_elsewhere(work, commit, why, wait))
    }

    /// Someone else has the entity now. If we have sent something, it may land after their look: a row makes sure
    /// that it is seen.
    async fn fenced(&self, work: &Work, sent: Option<Value>) -> StoreResult<Ran> {
        if let Some(payload) = sent {
            let side = work.lead.side;
            let event = Event {
                row: self.clock.id(),
                entity: EntityRef {
                    entity_type: work.link.entity_type,
                    side,
                    id: work.link.id_on(side).unwrap_or_default().to_owned(),
                },
                company: None,
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

/// What the store holds of the link by now, where this run has changed it.
struct Stored {
    base: Option<Base>,
    in_flight: InFlight,
    ids: [Option<String>; 2],
}

impl Stored {
    fn of(executor: &mut Executor<'_>) -> Self {
        Self {
            base: executor.stored_base.take(),
            in_flight: std::mem::take(&mut executor.stored),
            ids: Side::BOTH.map(|side| executor.known.link.id_on(side).map(str::to_owned)),
        }
    }

    fn link(self, work: &Work) -> Link {
        let mut link = work.link.clone();
        (link.base, link.in_flight) = (self.base, self.in_flight);
        for (side, id) in Side::BOTH.into_iter().zip(self.ids) {
            if let Some(id) = id {
                link.set_id(side, id);
            }
        }
        if link.is_whole() && link.state == LinkState::New {
            link.state = LinkState::Active;
        }
        link
    }
}

/// What is to be written down if the lease was lost after a write has left the house.
fn sent(executor: &Executor<'_>) -> Option<Value> {
    let row = executor.work.lead.id;
    executor
        .sent
        .then(|| json!({ "fencedOutAfterSending": row, "answer": executor.seen.issued }))
}
