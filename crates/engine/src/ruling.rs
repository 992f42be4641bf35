//! What an operator rules: fields in conflict, first meetings in doubt, documents of which nobody knows.
//!
//! A ruling is a row like any other, written down once it is known that it can be carried out. It decides only what both
//! sides have changed, who is who, or what became of a request; everything else goes its way, as always.

use chrono::{DateTime, Utc};
use domain::customer::Field;
use domain::document::DocumentKind;
use domain::entity::EntityRef;
use domain::in_flight::Issue;
use domain::link::{Link, LinkState};
use domain::message::{Code, Message, evidence};
use domain::ports::{PortError, Ring, Snapshot};
use domain::side::Side;
use domain::store::{Event, LastRun, Ruling, Status, StoreError, Trigger, Work};
use serde_json::{Value, json};

use crate::Engine;

mod link;
mod same;

/// Why a ruling was not taken down. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotRuled {
    /// It can't be carried out; says why, and what to do.
    #[error("{0}")]
    Refused(Message),
    /// A system could not be asked.
    #[error("{0}: {1}")]
    Port(Side, PortError),
    /// The store's own.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn refused<T>(why: Message) -> Result<T, NotRuled> {
    Err(NotRuled::Refused(why))
}

/// The row that carries a ruling leads the run: its retries must not forget it.
pub(crate) fn led_by_ruling(mut work: Work) -> Work {
    if work.lead.ruling.is_none()
        && let Some(ruled) = work.covered.iter_mut().rev().find(|row| row.ruling.is_some())
    {
        std::mem::swap(&mut work.lead, ruled);
    }
    work
}

impl Engine {
    /// In the fields of this customer that wait for a human, `side`'s values are to stand. Says the row to run.
    ///
    /// # Errors
    /// When it waits for nothing of the kind, or nothing may be written to the other side.
    pub async fn keep(
        &self,
        entity: &EntityRef,
        side: Side,
        traceparent: Option<String>,
    ) -> Result<Ring, NotRuled> {
        let about = |code| {
            Message::new(code)
                .with("side", entity.side)
                .with("id", &entity.id)
        };
        let Some(link) = self.store.find_link(entity).await? else {
            return refused(about(Code::RuledNeverMet));
        };
        let Some(kept) = link.entity_on(side).filter(|_| link.is_whole()) else {
            return refused(about(Code::RuledHasNoCounterpart));
        };
        if link.state != LinkState::Conflict {
            return refused(about(Code::RuledNothingWaits));
        }
        if !self.config.policy.carries_to(side.other()) {
            return refused(
                Message::new(Code::RuledDirectionIsOff)
                    .with("side", side)
                    .with("other", side.other()),
            );
        }
        self.enqueue_ruling(kept, Ruling::Keep(side), traceparent).await
    }

    /// What came back altered from a save of this customer is how that system writes it. Says the row to run.
    ///
    /// # Errors
    /// When nothing of it waits for that.
    pub async fn form(&self, entity: &EntityRef, traceparent: Option<String>) -> Result<Ring, NotRuled> {
        self.altered(entity).await?;
        self.enqueue_ruling(entity.clone(), Ruling::Form, traceparent)
            .await
    }

    /// [`Self::form`] for the whole column: whatever comes back from a save into what is held of this customer is how
    /// that system writes it, from now on and for every record. Those that are held for it are looked at again.
    ///
    /// # Errors
    /// As there.
    pub async fn column(&self, entity: &EntityRef, traceparent: Option<String>) -> Result<Ring, NotRuled> {
        let columns = self.altered(entity).await?;
        let held = self.index.accept_columns(&columns).await?;
        let ruled = self
            .enqueue_ruling(entity.clone(), Ruling::Columns { columns }, traceparent)
            .await?;
        let again = |id: String| {
            let entity = EntityRef::customer(Side::Crm, id);
            self.look(entity, json!({ "columnRuledIn": ruled.row }))
        };
        let held = held
            .into_iter()
            .filter(|id| entity.side != Side::Crm || *id != entity.id);
        let again: Vec<Event> = held.map(again).collect();
        for some in again.chunks(500) {
            self.store.enqueue(some).await?;
        }
        Ok(ruled)
    }

    /// What has come back altered from a save of this customer: one at least.
    async fn altered(&self, entity: &EntityRef) -> Result<Vec<(Side, Field)>, NotRuled> {
        let link = self.store.find_link(entity).await?;
        let base = link.as_ref().and_then(|link| link.base.as_ref());
        let altered = base.into_iter().flat_map(|base| &base.altered);
        let altered: Vec<_> = altered.map(|(field, side)| (*side, *field)).collect();
        if altered.is_empty() {
            let why = Message::new(Code::RuledNothingAltered);
            return refused(why.with("side", entity.side).with("id", &entity.id));
        }
        Ok(altered)
    }

    /// This record is none of those that it is in doubt with. Remembered for each pair; says the row to run.
    ///
    /// # Errors
    /// When it is in doubt with none.
    pub async fn separate(&self, entity: &EntityRef, traceparent: Option<String>) -> Result<Ring, NotRuled> {
        let about = |code| {
            Message::new(code)
                .with("side", entity.side)
                .with("id", &entity.id)
        };
        let last = self.last_run(entity).await?;
        let waits = last
            .map(|(_, run)| run)
            .filter(|run| run.status == Status::Conflict);
        let others = waits
            .and_then(|run| run.message)
            .map(|message| evidence::doubted(&message));
        let others = others.unwrap_or_default();
        if others.is_empty() {
            return refused(about(Code::RuledNoDoubt));
        }
        self.index.separate(entity.side, &entity.id, &others).await?;
        self.enqueue_ruling(entity.clone(), Ruling::Separate { others }, traceparent)
            .await
    }

    /// Its link, and how the last run of that ended.
    async fn last_run(&self, entity: &EntityRef) -> Result<Option<(Link, LastRun)>, NotRuled> {
        let Some(link) = self.store.find_link(entity).await? else {
            return Ok(None);
        };
        let last = self.store.last_run(link.id).await?;
        Ok(last.map(|last| (link, last)))
    }

    async fn record(&self, side: Side, id: &str) -> Result<Option<Snapshot>, NotRuled> {
        let read = self.port(side).read(id, None).await;
        read.map_err(|error| NotRuled::Port(side, error))
    }

    /// A document whose outcome is unknown stands in finance under that number. Says the row to run.
    ///
    /// # Errors
    /// When nothing of the kind is unknown.
    pub async fn exists(
        &self,
        entity: &EntityRef,
        number: &str,
        traceparent: Option<String>,
    ) -> Result<Ring, NotRuled> {
        let number = number.trim().to_owned();
        if number.is_empty() {
            return refused(Message::new(Code::RuledNeedsANumber));
        }
        let (link, sent) = self.unknown_document(entity).await?;
        let ruling = Ruling::Exists {
            sent_at: sent.at,
            number,
        };
        self.rule(link, ruling, traceparent).await
    }

    /// A document whose outcome is unknown is not in finance: it is to be sent again. Says the row to run.
    ///
    /// # Errors
    /// When nothing of the kind is unknown, or the first request may still arrive.
    pub async fn send_again(
        &self,
        entity: &EntityRef,
        traceparent: Option<String>,
    ) -> Result<Ring, NotRuled> {
        let (link, sent) = self.unknown_document(entity).await?;
        let left = sent.at + self.config.settle() - self.clock.now();
        if sent.said_to_be.is_none() && left > chrono::Duration::zero() {
            let why = Message::new(Code::RuledMayStillArrive);
            return refused(
                why.with("at", in_seconds(sent.at))
                    .with("seconds", left.num_seconds() + 1),
            );
        }
        self.rule(link, Ruling::SendAgain { sent_at: sent.at }, traceparent)
            .await
    }

    /// The change of an issued document is handled: it is as it should be. Says the row to run.
    ///
    /// # Errors
    /// When no change of it waits.
    pub async fn accept(&self, entity: &EntityRef, traceparent: Option<String>) -> Result<Ring, NotRuled> {
        let link = self.document_of(entity).await?;
        let disputed = link.issued.as_ref().and_then(|issued| issued.disputed.clone());
        let Some(document) = disputed else {
            let why = Message::new(Code::RuledNoChangeWaits);
            return refused(why.with("kind", kind_of(entity)).with("id", &entity.id));
        };
        let ruling = Ruling::Accept {
            document: Box::new(document),
        };
        self.rule(link, ruling, traceparent).await
    }

    async fn document_of(&self, entity: &EntityRef) -> Result<Link, NotRuled> {
        if DocumentKind::of(entity.entity_type).is_none() {
            return refused(Message::new(Code::RuledIsACustomer));
        }
        match self.store.find_link(entity).await? {
            Some(link) => Ok(link),
            None => refused(
                Message::new(Code::RuledNeverSent)
                    .with("kind", kind_of(entity))
                    .with("id", &entity.id),
            ),
        }
    }

    async fn unknown_document(&self, entity: &EntityRef) -> Result<(Link, Issue), NotRuled> {
        let link = self.document_of(entity).await?;
        match (link.in_flight.issue().cloned(), &link.issued) {
            (Some(sent), _) if sent.is_unknown() => Ok((link, sent)),
            (Some(sent), None) if sent.again => refused(Message::new(Code::RuledIsSentAgain)),
            (_, Some(issued)) => {
                refused(Message::new(Code::RuledStandsInFinance).with("number", &issued.number))
            }
            (_, None) => refused(Message::new(Code::RuledNothingUnknown)),
        }
    }

    async fn rule(&self, link: Link, ruling: Ruling, traceparent: Option<String>) -> Result<Ring, NotRuled> {
        let entity = EntityRef {
            entity_type: link.entity_type,
            side: Side::Crm,
            id: link.crm_id.unwrap_or_default(),
        };
        self.enqueue_ruling(entity, ruling, traceparent).await
    }

    async fn enqueue_ruling(
        &self,
        entity: EntityRef,
        ruling: Ruling,
        traceparent: Option<String>,
    ) -> Result<Ring, NotRuled> {
        let event = Event {
            traceparent: traceparent.clone(),
            rung: true,
            ..self.look(entity, ruling.payload())
        };
        let row = event.row;
        self.store.enqueue(&[event]).await?;
        Ok(Ring { row, traceparent })
    }

    /// A row by which that record is looked at, once the sweeper rings for it.
    fn look(&self, entity: EntityRef, payload: Value) -> Event {
        Event {
            row: self.clock.id(),
            entity,
            company: None,
            trigger: Trigger::Manual,
            event_id: None,
            payload,
            traceparent: None,
            rung: false,
        }
    }
}

fn kind_of(entity: &EntityRef) -> &'static str {
    DocumentKind::of(entity.entity_type).map_or("document", DocumentKind::name)
}

fn in_seconds(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
