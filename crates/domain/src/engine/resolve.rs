//! What an operator rules: fields in conflict, and first meetings in doubt.
//!
//! A ruling is a row like any other, heard once it is known that it can be carried out. It decides only what both sides
//! have changed, or who is who; everything else goes its way, as always.

use super::Engine;
use super::run::{Run, Stop};
use crate::merge::{Base, Merge, Reason};
use crate::ports::{PortError, Ring, Side};
use crate::store::{EntityRef, EntityType, Event, Link, LinkState, Ruling, StoreError, Trigger, Work};

/// Why a ruling was not taken down. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotRuled {
    /// It can't be carried out; says why, and what to do.
    #[error("{0}")]
    Refused(String),
    /// A system could not be asked.
    #[error("{0}: {1}")]
    Port(Side, PortError),
    /// The store's own.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn refused<T>(why: String) -> Result<T, NotRuled> {
    Err(NotRuled::Refused(why))
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
        let (here, id) = (entity.side, &entity.id);
        let Some(link) = self.store.find_link(entity).await? else {
            return refused(format!(
                "{here} {id} was never met: `siaghsync sync {id}` meets it"
            ));
        };
        let Some(kept) = whole(&link).then(|| link.id_on(side)).flatten() else {
            return refused(format!(
                "{here} {id} has no counterpart yet, so that there is nothing to keep; where the first meeting is in \
                 doubt, say who it is: `siaghsync resolve --link <crm-id> <finance-code>`"
            ));
        };
        if link.state != LinkState::Conflict {
            return refused(format!(
                "no field of {here} {id} waits for a human; `siaghsync plan {id}` shows what a sync would do"
            ));
        }
        if !self.config.policy.carries_to(side.other()) {
            return refused(format!(
                "to keep {side}'s values, {} would have to be written, which SYNC_CRM_TO_FINANCE or \
                 SYNC_FINANCE_TO_CRM switches off",
                side.other()
            ));
        }
        let kept = kept.to_owned();
        let entity = EntityRef {
            entity_type: EntityType::Customer,
            side,
            id: kept,
        };
        self.hear_ruling(entity, Ruling::Keep(side), traceparent).await
    }

    /// The two records are one customer. Says the row to run.
    ///
    /// # Errors
    /// When one of them does not exist, or is linked with another.
    pub async fn link(
        &self,
        crm: &str,
        finance: &str,
        traceparent: Option<String>,
    ) -> Result<Ring, NotRuled> {
        let (mut sent, mut left) = (Vec::new(), Vec::new());
        for (side, id, other) in [(Side::Crm, crm, finance), (Side::Finance, finance, crm)] {
            if !self.is_there(side, id).await? {
                return refused(format!("{side} has no customer {id}"));
            }
            let entity = EntityRef {
                entity_type: EntityType::Customer,
                side,
                id: id.to_owned(),
            };
            let Some(link) = self.store.find_link(&entity).await? else {
                continue;
            };
            if let Some(linked) = link.id_on(side.other()) {
                if link.state == LinkState::Closed && !self.is_there(side.other(), linked).await? {
                    left.push(side);
                    continue;
                }
                let already = if linked == other { " already" } else { "" };
                return refused(format!(
                    "{side} {id} is linked with {} {linked}{already}: nothing was changed",
                    side.other()
                ));
            }
            if !link.in_flight.is_empty() {
                sent.push(side);
            }
        }
        // What one of them has sent must not be forgotten: it takes over the other.
        let lead = match (sent.as_slice(), left.as_slice()) {
            ([], []) => Side::Crm,
            // Whoever has outlived its counterpart keeps to the closed link until the other takes it over.
            ([], [side]) => side.other(),
            ([side], left) if !left.contains(side) => *side,
            (_, [_, _]) => {
                return refused(format!(
                    "the counterparts of CRM {crm} and of finance {finance} were both deleted; only one of the two may \
                     have been linked before: nothing was changed"
                ));
            }
            _ => {
                return refused(format!(
                    "creates of CRM {crm} and of finance {finance} are both on their way: try again in \
                     CREATE_SETTLE_SECONDS"
                ));
            }
        };
        let ruling = Ruling::Link {
            crm: crm.to_owned(),
            finance: finance.to_owned(),
        };
        let id = if lead == Side::Crm { crm } else { finance };
        let entity = EntityRef {
            entity_type: EntityType::Customer,
            side: lead,
            id: id.to_owned(),
        };
        self.hear_ruling(entity, ruling, traceparent).await
    }

    async fn is_there(&self, side: Side, id: &str) -> Result<bool, NotRuled> {
        let there = self.port(side).read(id, None).await;
        Ok(there.map_err(|error| NotRuled::Port(side, error))?.is_some())
    }

    pub(super) async fn hear_ruling(
        &self,
        entity: EntityRef,
        ruling: Ruling,
        traceparent: Option<String>,
    ) -> Result<Ring, NotRuled> {
        let row = self.clock.id();
        let event = Event {
            row,
            entity,
            trigger: Trigger::Manual,
            event_id: None,
            payload: ruling.payload(),
            traceparent: traceparent.clone(),
            rung: true,
        };
        self.store.enqueue(&[event]).await?;
        Ok(Ring { row, traceparent })
    }
}

fn whole(link: &Link) -> bool {
    link.crm_id.is_some() && link.finance_id.is_some()
}

/// The row that carries a ruling leads the run: its retries must not forget it.
pub(super) fn led_by_ruling(mut work: Work) -> Work {
    if work.lead.ruling.is_none()
        && let Some(ruled) = work.covered.iter_mut().rev().find(|row| row.ruling.is_some())
    {
        std::mem::swap(&mut work.lead, ruled);
    }
    work
}

impl Run<'_> {
    /// Whom an operator says that this customer is on `other`.
    pub(super) fn ruled_to_be(&self, other: Side) -> Option<String> {
        match self.work.lead.ruling.as_ref()? {
            Ruling::Link { crm, finance } => Some(match other {
                Side::Crm => crm.clone(),
                Side::Finance => finance.clone(),
            }),
            _ => None,
        }
    }

    /// Links the two as the operator says. Nothing is known of what they had in common: the base is empty.
    pub(super) async fn link_as_ruled(&mut self, other: Side, id: String) -> Result<(), Stop> {
        let Some(kind) = self.snapshot(other.other()).map(|s| s.customer.kind) else {
            return Err(Stop::Gone(other.other()));
        };
        let there = self.engine.port(other).read(&id, None);
        if self
            .renewing(there)
            .await?
            .map_err(|error| Stop::Port(other, error))?
            .is_none()
        {
            return Err(Stop::Conflict(format!(
                "not linked: {other} has no customer {id}"
            )));
        }
        if self.link.is_creating() {
            self.met_again(other).await?;
        }
        self.take_over(other, &id).await?;
        self.met = Some(format!("linked with {other} {id} by hand"));
        self.look(other).await?;
        self.link.base = Some(Base::new(kind));
        self.creates_no_more(other);
        Ok(())
    }

    /// Settles fields that both sides have changed, if an operator has ruled about them.
    pub(super) fn settle_as_ruled(&self, merged: &mut Merge) {
        let Some(Ruling::Keep(side)) = self.work.lead.ruling else {
            return;
        };
        if !self.engine.config.policy.carries_to(side.other()) {
            return;
        }
        for decision in merged.decisions.iter_mut().filter(|d| d.is_conflict()) {
            decision.winner = Some(side);
            decision.reason = Reason::SettledByHand;
        }
    }
}
