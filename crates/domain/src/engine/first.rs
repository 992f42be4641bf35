//! The first meeting of an entity with the other side: reserved, looked for, linked or created.

use std::time::Duration;

use super::meet;
use super::run::{Run, Stop};
use crate::customer::{Customer, Field};
use crate::merge::Base;
use crate::ports::{MatchKeys, Side, Snapshot};
use crate::store::{EntityRef, Link, LinkState, StoreError, StoreResult};
use crate::text::same;

/// Someone else's run of a record that is to be linked ends soon.
const BUSY_WAIT: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// The entity was never met on `other`: link it, create it, or say why not.
    pub(super) async fn meet(&mut self, other: Side) -> Result<(), Stop> {
        let Some(met) = self.snapshot(other.other()).map(|s| s.customer.clone()) else {
            return Err(Stop::Gone(other.other()));
        };
        self.reserve(&met, other.other()).await?;
        let sent = self.link.in_flight.get(&other);
        let lost = sent
            .and_then(|sent| sent.iter().rev().find(|sent| sent.create))
            .cloned();
        if let Some(intent) = &lost
            && self.look_for_created(other, intent.clone()).await?
        {
            return Ok(());
        }
        let (meeting, candidates) = self.decide(other, &met).await?;
        match meeting {
            meet::Meeting::Conflict(why) => Err(Stop::Conflict(why)),
            meet::Meeting::Link(id) => {
                if lost.is_some() {
                    self.met_again(other).await?;
                }
                self.link(other, &id).await?;
                self.met = Some(format!("linked with {other} {id}"));
                self.look(other).await?;
                self.link.base = Some(Base::new(met.kind));
                self.creates_no_more(other);
                Ok(())
            }
            meet::Meeting::Create if self.link.is_creating() => Err(Stop::Conflict(format!(
                "whether {other} has created this customer is not known; since then {} came up there, which may be it: \
                 link them by hand, or correct its keys",
                candidates
                    .iter()
                    .map(|c| c.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
            meet::Meeting::Create if !self.engine.config.policy.carries_to(other) => Err(Stop::Off(other)),
            meet::Meeting::Create => {
                self.create(other, &met, candidates.into_iter().map(|c| c.id).collect())
                    .await
            }
        }
    }

    /// Who `met` is on `other`, and all that may be it there.
    pub(super) async fn decide(
        &self,
        other: Side,
        met: &Customer,
    ) -> Result<(meet::Meeting, Vec<Snapshot>), Stop> {
        let numbering = self.engine.config.numbering;
        let keys = meet::keys(met, other.other(), numbering);
        let candidates = self.find_on(other, &keys).await?;
        let project = |side: Side, field: Field, value: &str| self.engine.port(side).project(field, value);
        let meeting = meet::decide(met, other.other(), &candidates, numbering, &project);
        if let meet::Meeting::Link(id) = &meeting
            && let Some(code) = self.names_another(other, id, met, &candidates).await?
        {
            let why = format!(
                "{other} {id} has the same keys, but its refId says that it is finance {code}; correct its refId, or \
                 link one of them by hand"
            );
            return Ok((meet::Meeting::Conflict(why), candidates));
        }
        if matches!(meeting, meet::Meeting::Create) && self.names_a_deleted_one(other, met).await? {
            let why = format!(
                "its refId names finance {}, which was deleted: it is not created again; empty its refId, if it is to be",
                met.get(Field::FinanceCode)
            );
            return Ok((meet::Meeting::Conflict(why), candidates));
        }
        Ok((meeting, candidates))
    }

    /// The finance code that an identity of the CRM names as its own, when it is not that of `met` and stands for a
    /// contact: keys that point to two (simulated history 52282).
    async fn names_another(
        &self,
        other: Side,
        id: &str,
        met: &Customer,
        candidates: &[Snapshot],
    ) -> Result<Option<String>, Stop> {
        let linked = candidates.iter().find(|candidate| candidate.id == id);
        let named = linked.map_or("", |linked| linked.customer.get(Field::FinanceCode));
        let own = met.get(Field::FinanceCode);
        if other == Side::Finance || named.is_empty() || same(Field::FinanceCode, named, own) {
            return Ok(None);
        }
        let finance = &self.engine.finance;
        let there = self.renewing(finance.read(named, None)).await?;
        let there = there.map_err(|error| Stop::Port(Side::Finance, error))?;
        Ok(there.map(|there| there.id))
    }

    /// Two twins, or two ends of one pair, must not be met at once.
    async fn reserve(&self, met: &Customer, side: Side) -> Result<(), Stop> {
        let project = |side: Side, field: Field, value: &str| self.engine.port(side).project(field, value);
        let keys = meet::locks(met, side, self.engine.config.numbering, &project);
        match self.engine.store.lock(&self.work.lease, &keys).await? {
            None => Ok(()),
            Some(holder) if holder.waits => Err(self.wait(
                "another record with the same keys is being met",
                self.engine.config.retry_base,
            )),
            Some(holder) => Err(Stop::Conflict(format!(
                "another record with the same keys (link {}) waits for a human: whether it was created is not known",
                holder.link
            ))),
        }
    }

    /// Everything on `side` that may be this customer, read afresh: what the system finds by its keys, and what the
    /// last poll of finance saw with one of them written in another way.
    pub(super) async fn find_on(&self, side: Side, keys: &MatchKeys) -> Result<Vec<Snapshot>, Stop> {
        let port = self.engine.port(side);
        let found = self.renewing(port.find(keys)).await?;
        let mut found = found.map_err(|e| Stop::Port(side, e))?;
        if let (Side::Finance, Some(polls)) = (side, &self.engine.polls) {
            for code in polls.candidates(keys).await? {
                if found.iter().any(|candidate| candidate.id == code) {
                    continue;
                }
                let there = self.renewing(port.read(&code, None)).await?;
                found.extend(there.map_err(|e| Stop::Port(side, e))?);
            }
        }
        Ok(found)
    }

    /// Waits for another entity. Whoever has a create on its way keeps its keys meanwhile, so that two of those may
    /// wait for each other: not for ever then, they need a human. All others may wait for as long as it takes.
    fn wait(&self, why: &str, wait: Duration) -> Stop {
        let patience = self.engine.config.create_settle * 5;
        let creates = self.link.in_flight.values().flatten().filter(|sent| sent.create);
        let waited = creates.map(|sent| self.engine.clock.now() - sent.at).max();
        if waited.is_some_and(|waited| waited.to_std().is_ok_and(|waited| waited > patience)) {
            return Stop::Conflict(format!(
                "{why}, and has been for long: look at both, and link them by hand \
                 (`siaghsync resolve --link <crm-id> <finance-code>`)"
            ));
        }
        Stop::Wait(why.to_owned(), wait)
    }

    /// Makes `id` ours before anything is written to it.
    pub(super) async fn link(&mut self, side: Side, id: &str) -> Result<(), Stop> {
        let entity = EntityRef {
            entity_type: self.link.entity_type,
            side,
            id: id.to_owned(),
        };
        let linked = self.engine.store.link(&self.work.lease, &entity).await;
        self.linked(entity, linked, false).await
    }

    /// [`Self::link`] of what is known to be ours: a half that waits for a human is taken over, too.
    pub(super) async fn take_over(&mut self, side: Side, id: &str) -> Result<(), Stop> {
        let entity = EntityRef {
            entity_type: self.link.entity_type,
            side,
            id: id.to_owned(),
        };
        let linked = self.engine.store.take_over(&self.work.lease, &entity).await;
        self.linked(entity, linked, true).await
    }

    async fn linked(
        &mut self,
        entity: EntityRef,
        linked: StoreResult<()>,
        takes_over: bool,
    ) -> Result<(), Stop> {
        match linked {
            Err(StoreError::LinkedElsewhere { .. }) => {
                let theirs = self.engine.store.find_link(&entity).await?;
                if !self.is_left_behind(&entity, theirs.as_ref()).await? {
                    return Err(self.not_linked(&entity, theirs.as_ref(), takes_over));
                }
                let taken = self.engine.store.take_over(&self.work.lease, &entity).await;
                if let Err(StoreError::LinkedElsewhere { .. }) = taken {
                    return Err(self.not_linked(&entity, None, takes_over));
                }
                taken?;
            }
            other => other?,
        }
        self.link.set_id(entity.side, entity.id);
        Ok(())
    }

    /// An identity of a contact that was known and is no more: a create of ours that landed late, after its contact was
    /// deleted (simulated history 36639), or what was put back from a backup.
    async fn names_a_deleted_one(&self, other: Side, met: &Customer) -> Result<bool, Stop> {
        let code = met.get(Field::FinanceCode);
        if other != Side::Finance || code.is_empty() {
            return Ok(false);
        }
        Ok(self.closed_of(code).await?.is_some())
    }

    /// The closed link that knows the contact `code`.
    async fn closed_of(&self, code: &str) -> Result<Option<Link>, Stop> {
        let entity = EntityRef {
            entity_type: self.link.entity_type,
            side: Side::Finance,
            id: code.to_owned(),
        };
        let theirs = self.engine.store.find_link(&entity).await?;
        Ok(theirs.filter(|theirs| theirs.state == LinkState::Closed))
    }

    /// An identity that has outlived its contact and was linked with another still names the first one in `refId`: what we
    /// have written there ourselves gives way to the new code.
    pub(super) async fn outlived_code(&mut self) -> Result<(), Stop> {
        let field = Field::FinanceCode;
        let (Some(crm), Some(finance)) = (&self.crm, &self.finance) else {
            return Ok(());
        };
        let named = crm.customer.get(field).to_owned();
        let known = self.link.base.as_ref().and_then(|base| base.of(Side::Crm, field));
        if known.is_some() || named.is_empty() || same(field, &named, &finance.id) {
            return Ok(());
        }
        let theirs = self.closed_of(&named).await?;
        if theirs.is_some_and(|theirs| theirs.crm_id.is_none()) {
            self.agree(Side::Crm, field, &named, &named);
        }
        Ok(())
    }

    /// Whether `entity` is the survivor of a pair whose other half is gone, so that it may be another record's
    /// counterpart now: a duplicate was removed, or a customer was deleted and typed anew.
    async fn is_left_behind(&self, entity: &EntityRef, theirs: Option<&Link>) -> Result<bool, Stop> {
        let Some(closed) = theirs.filter(|theirs| theirs.state == LinkState::Closed) else {
            return Ok(false);
        };
        let other = entity.side.other();
        let Some(gone) = closed.id_on(other) else {
            return Ok(false);
        };
        // What was sent for its first counterpart may still land, and only that link would know it (history 60351).
        let settle = self.engine.config.settle();
        let sent = closed.in_flight.get(&entity.side).into_iter().flatten();
        let left = sent.map(|sent| sent.at + settle - self.engine.clock.now()).max();
        if let Some(left) = left.and_then(|left| left.to_std().ok()) {
            let why = format!("an update of {} {} may still land", entity.side, entity.id);
            return Err(Stop::Wait(why, left.max(self.engine.config.retry_base)));
        }
        let there = self.renewing(self.engine.port(other).read(gone, None)).await?;
        Ok(there.map_err(|error| Stop::Port(other, error))?.is_none())
    }

    /// Why `entity` could not be made ours: it is another link's, or just being looked at from its other end.
    fn not_linked(&self, entity: &EntityRef, theirs: Option<&Link>, takes_over: bool) -> Stop {
        let (side, other, id) = (entity.side, entity.side.other(), &entity.id);
        let busy = format!("{side} {id} is being worked on from its other end");
        let half = theirs.is_none_or(|theirs| theirs.id_on(other).is_none());
        match theirs.map(|theirs| (theirs.state, theirs.in_flight.is_empty())) {
            // A lease, nothing else: it ends by itself.
            None | Some((LinkState::New, true)) => Stop::Wait(busy, BUSY_WAIT),
            Some((LinkState::Conflict, true)) if half && takes_over => Stop::Wait(busy, BUSY_WAIT),
            Some((LinkState::New, false)) => self.wait(&busy, BUSY_WAIT),
            Some((LinkState::Conflict, _)) if half => Stop::Conflict(format!(
                "{side} {id} has the same keys, and waits for a human itself: settle that, or link the two by hand \
                 (`siaghsync resolve --link <crm-id> <finance-code>`)"
            )),
            Some(_) => Stop::Conflict(format!(
                "{side} {id} has the same keys but belongs to another record of {other} already; correct one of them, \
                 or remove the duplicate"
            )),
        }
    }
}
