//! Gathering whom a customer that is met may be: from the index of both systems, and live from the other side.
//!
//! The index knows what was typed before the last look, in whatever way it is written; the system's own search knows what was
//! typed since. It judges nothing: it stops where the decision has all that it asks for.

use std::collections::BTreeSet;

use domain::index::Indexed;
use domain::matching::{Form, Profile, Tally, Verdict, contender, forms, judge, ways};
use domain::ports::{Listed, MatchKeys, PortError};
use domain::side::Side;

use crate::customer::meeting::met_of;
use crate::executor::{Executor, Stop};
use crate::seen::{Gathered, Near};
use crate::step::Ending;

/// So many candidates that only the index knows are read afresh before a human is asked about them.
const READ_AFRESH: usize = 4;

impl Executor<'_> {
    /// Writes down what was read so far, so that it counts, and counts.
    pub(crate) async fn count(&mut self, forms: &[Form]) -> Result<Option<Ending>, Stop> {
        let index = &self.engine.index;
        index.note(&self.sightings).await?;
        self.seen.holders = Some(index.holders(forms).await?);
        Ok(None)
    }

    pub(crate) async fn gather(&mut self, met: &Profile, keys: MatchKeys) -> Result<Option<Ending>, Stop> {
        let target = met.side.other();
        self.seen.fresh = None;
        let mut gathered = Gathered {
            holders: self.seen.holders.clone().unwrap_or_default(),
            ..Gathered::default()
        };
        if let Some(ended) = self.look_live(target, &keys, &mut gathered).await? {
            return Ok(Some(ended));
        }
        if let Some(ended) = self.candidates(met, &keys, &mut gathered).await? {
            return Ok(Some(ended));
        }
        self.rivals(met, &mut gathered).await?;
        self.seen.gathered = Some(gathered);
        Ok(None)
    }

    /// Asks the other side by the keys; what it shows stands in the index then.
    pub(crate) async fn look_live(
        &mut self,
        target: Side,
        keys: &MatchKeys,
        gathered: &mut Gathered,
    ) -> Result<Option<Ending>, Stop> {
        let at = self.engine.clock.now();
        let found = match self.renewing(self.engine.port(target).find(keys)).await? {
            Ok(found) => found,
            Err(PortError::Incomplete(why)) => {
                gathered.incomplete = Some(why);
                Listed::default()
            }
            Err(error) => return Ok(Some(Ending::Failed(target, error))),
        };
        self.seen.aside = found.aside;
        let found = found.records;
        for snapshot in &found {
            gathered.there.insert(snapshot.id.clone());
            self.saw(target, &snapshot.id, Some(snapshot), at);
        }
        if !found.is_empty() {
            self.engine.index.note(&self.sightings).await?;
        }
        Ok(None)
    }

    /// The records of the other side that may be it. Those that would be linked, or that a human would be asked about, are
    /// read afresh, unless the system has just shown them.
    async fn candidates(
        &mut self,
        met: &Profile,
        keys: &MatchKeys,
        gathered: &mut Gathered,
    ) -> Result<Option<Ending>, Stop> {
        let target = met.side.other();
        let own = self.known.link.id_on(met.side).unwrap_or_default().to_owned();
        let ways = ways(met, &gathered.holders);
        let mut found = self.engine.index.holding(target, &ways, &own).await?;
        if self.is_hidden(target, gathered, &found).await? {
            if let Some(ended) = self.look_live(target, keys, gathered).await? {
                return Ok(Some(ended));
            }
            found = self.engine.index.holding(target, &ways, &own).await?;
        }
        for Indexed { id, profile, linked } in found {
            let live = gathered.there.contains(&id);
            match profile {
                Some(profile) => gathered.candidates.push(Near {
                    id,
                    profile,
                    linked,
                    live,
                }),
                // Of an earlier version's snapshot: only its keys are known.
                None => match self.read_near(target, id, linked).await? {
                    Ok(near) => gathered.candidates.extend(near),
                    Err(error) => return Ok(Some(Ending::Failed(target, error))),
                },
            }
        }
        self.count_more(&gathered.candidates, &mut gathered.holders)
            .await?;
        for _ in 0..READ_AFRESH {
            let Some(place) = unread(met, gathered) else { break };
            let stale = gathered.candidates.swap_remove(place);
            match self.read_near(target, stale.id, stale.linked).await? {
                Ok(near) => {
                    let near = Vec::from_iter(near);
                    self.count_more(&near, &mut gathered.holders).await?;
                    gathered.candidates.extend(near);
                }
                Err(error) => return Ok(Some(Ending::Failed(target, error))),
            }
        }
        gathered
            .there
            .extend(gathered.candidates.iter().map(|near| near.id.clone()));
        Ok(None)
    }

    /// Whether the index takes a record for gone that this run has just been shown: a look that began later, or was written
    /// down later, did not show it.
    async fn is_hidden(&self, target: Side, gathered: &Gathered, found: &[Indexed]) -> Result<bool, Stop> {
        for id in &gathered.there {
            let is_found = found.iter().any(|one| one.id == *id);
            if !is_found && self.engine.index.gone_since(target, id).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn read_near(
        &mut self,
        side: Side,
        id: String,
        linked: bool,
    ) -> Result<Result<Option<Near>, PortError>, Stop> {
        let at = self.engine.clock.now();
        let read = match self.renewing(self.engine.port(side).read(&id, None)).await? {
            // It stops nobody, but nothing is created beside it.
            Err(PortError::SetAside(aside)) => {
                if side != self.seen.source && !self.seen.aside.contains(&aside) {
                    self.seen.aside.push(aside);
                }
                return Ok(Ok(None));
            }
            read => read,
        };
        Ok(read.map(|record| {
            self.saw(side, &id, record.as_ref(), at);
            let profile = self
                .sightings
                .last()
                .and_then(|seen| seen.held.as_ref())
                .map(|held| held.profile.clone());
            profile.map(|profile| Near {
                id,
                profile,
                linked,
                live: true,
            })
        }))
    }

    /// Further records of its own side that the one that would be linked may be.
    async fn rivals(&mut self, met: &Profile, gathered: &mut Gathered) -> Result<(), Stop> {
        let best = contender(met, &met_of(&gathered.candidates), &gathered.holders);
        let best = best.and_then(|id| gathered.candidates.iter().find(|near| near.id == id));
        let Some(best) = best else { return Ok(()) };
        let ways = ways(&best.profile, &gathered.holders);
        let found = self.engine.index.holding(met.side, &ways, &best.id).await?;
        let own = self.known.link.id_on(met.side);
        let others = found.into_iter().filter(|one| own != Some(one.id.as_str()));
        let rivals = others.filter_map(|Indexed { id, profile, linked }| {
            Some(Near {
                id,
                profile: profile?,
                linked,
                live: false,
            })
        });
        gathered.rivals = rivals.collect();
        self.count_more(&gathered.rivals, &mut gathered.holders).await
    }

    /// Counts who holds what these hold.
    async fn count_more(&self, near: &[Near], holders: &mut Tally) -> Result<(), Stop> {
        let all: BTreeSet<Form> = near.iter().flat_map(|one| forms(&one.profile)).collect();
        let all: Vec<Form> = all.into_iter().filter(|form| !holders.knows(form)).collect();
        if !all.is_empty() {
            holders.add(self.engine.index.holders(&all).await?);
        }
        Ok(())
    }
}

/// A candidate that matters and was not read in this run.
fn unread(met: &Profile, gathered: &Gathered) -> Option<usize> {
    let matter: BTreeSet<String> = match judge(met, &met_of(&gathered.candidates), &[], &gathered.holders) {
        Verdict::Link(best) => [best.id].into(),
        Verdict::Doubt(doubt) => doubt.candidates.into_iter().map(|one| one.id).collect(),
        Verdict::Apart | Verdict::Nobody => return None,
    };
    let is_it = |near: &Near| !near.live && matter.contains(&near.id);
    gathered.candidates.iter().position(is_it)
}
