//! The first meeting of an entity with the other side: reserved, looked for, linked or created.

use std::time::Duration;

use super::meet;
use super::run::{Run, Stop};
use crate::customer::{Customer, Field};
use crate::merge::Base;
use crate::ports::{MatchKeys, Side, Snapshot};
use crate::store::{EntityRef, MappingState, StoreError, StoreResult};

impl Run<'_> {
    /// The entity was never met on `other`: link it, create it, or say why not.
    pub(super) async fn meet(&mut self, other: Side) -> Result<(), Stop> {
        let Some(met) = self.snapshot(other.other()).map(|s| s.customer.clone()) else {
            return Err(Stop::Gone(other.other()));
        };
        self.reserve(&met, other.other()).await?;
        if let Some(intent) = self
            .mapping
            .in_flight
            .get(&other)
            .and_then(|i| i.iter().rev().find(|i| i.create))
            .cloned()
            && self.look_for_created(other, intent).await?
        {
            return Ok(());
        }
        let keys = meet::keys(&met, other.other(), self.engine.config.numbering);
        let candidates = self.find_on(other, &keys).await?;
        let project = |side: Side, field: Field, value: &str| self.engine.port(side).project(field, value);
        match meet::decide(
            &met,
            other.other(),
            &candidates,
            self.engine.config.numbering,
            &project,
        ) {
            meet::Meeting::Conflict(why) => Err(Stop::Conflict(why)),
            meet::Meeting::Link(id) => {
                self.link(other, &id).await?;
                // What an earlier try may have created: of its values, those that are there are ours.
                self.intents(other)
                    .iter_mut()
                    .for_each(|sent| sent.create = false);
                self.met = Some(format!("linked with {other} {id}"));
                self.mapping.base = Some(Base::new(met.kind));
                self.look(other).await
            }
            meet::Meeting::Create if self.mapping.is_creating() => Err(Stop::Conflict(format!(
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

    /// Two twins, or two ends of one pair, must not be met at once.
    async fn reserve(&self, met: &Customer, side: Side) -> Result<(), Stop> {
        let project = |side: Side, field: Field, value: &str| self.engine.port(side).project(field, value);
        let keys = meet::locks(met, side, self.engine.config.numbering, &project);
        match self.engine.store.lock(&self.work.lease, &keys).await? {
            None => Ok(()),
            Some(holder) if holder.waits => self.wait(
                "another record with the same keys is being met",
                self.engine.config.retry_base,
            ),
            Some(holder) => Err(Stop::Conflict(format!(
                "another record with the same keys (mapping {}) waits for a human: whether it was created is not known",
                holder.mapping
            ))),
        }
    }

    /// Everything on `side` that may be this customer, read afresh: what the system finds by its keys, and what the
    /// last poll of finance saw with one of them written in another way.
    pub(super) async fn find_on(&self, side: Side, keys: &MatchKeys) -> Result<Vec<Snapshot>, Stop> {
        let port = self.engine.port(side);
        let mut found = port.find(keys).await.map_err(|e| Stop::Port(side, e))?;
        if let (Side::Finance, Some(polls)) = (side, &self.engine.polls) {
            for code in polls.candidates(keys).await? {
                if found.iter().any(|candidate| candidate.id == code) {
                    continue;
                }
                found.extend(port.read(&code, None).await.map_err(|e| Stop::Port(side, e))?);
            }
        }
        Ok(found)
    }

    /// Waits for another entity; not for ever: two that wait for each other need a human.
    fn wait(&self, why: &str, wait: Duration) -> Result<(), Stop> {
        let patience = self.engine.config.create_settle * 5;
        let waited = self.engine.clock.now() - self.work.lead.heard_at;
        if waited.to_std().is_ok_and(|waited| waited > patience) {
            return Err(Stop::Conflict(format!(
                "{why}, and has been for long: look at both, and link them by hand"
            )));
        }
        Err(Stop::Wait(why.to_owned(), wait))
    }

    /// Makes `id` ours before anything is written to it.
    pub(super) async fn link(&mut self, side: Side, id: &str) -> Result<(), Stop> {
        let entity = EntityRef {
            entity_type: self.mapping.entity_type,
            side,
            id: id.to_owned(),
        };
        let linked = self.engine.store.link(&self.work.lease, &entity).await;
        self.linked(entity, linked).await
    }

    /// [`Self::link`] as an operator says: a half that waits for a human is taken over, too.
    pub(super) async fn take_over(&mut self, side: Side, id: &str) -> Result<(), Stop> {
        let entity = EntityRef {
            entity_type: self.mapping.entity_type,
            side,
            id: id.to_owned(),
        };
        let linked = self.engine.store.take_over(&self.work.lease, &entity).await;
        self.linked(entity, linked).await
    }

    async fn linked(&mut self, entity: EntityRef, linked: StoreResult<()>) -> Result<(), Stop> {
        let (side, id) = (entity.side, &entity.id);
        match linked {
            Err(StoreError::MappedElsewhere { .. }) => match self.engine.store.mapped(&entity).await? {
                Some(MappingState::New) => self.wait(
                    &format!("{side} {id} is being worked on from its other end"),
                    Duration::from_secs(1),
                ),
                _ => Err(Stop::Conflict(format!(
                    "{side} {id} has the same keys but belongs to another record of {} already; \
                     correct one of them, or remove the duplicate",
                    side.other()
                ))),
            },
            other => {
                other?;
                self.mapping.set_id(side, entity.id);
                Ok(())
            }
        }
    }
}
