//! Whose a value is that a system has refused to give to a second record: from the index, and from the system itself.

use std::collections::BTreeMap;

use domain::customer::Field;
use domain::link::LinkState;
use domain::matching::{Form, Key, forms};
use domain::ports::{MatchKeys, PortError, Snapshot};
use domain::side::Side;

use crate::executor::{Executor, Stop};
use crate::seen::{Counterpart, Gathered, Near, Taken, TakenBy};
use crate::step::Ending;

/// So many that hold it by the index are read afresh.
const READ_AFRESH: usize = 4;

impl Executor<'_> {
    /// Finds out who holds what that side has refused, and with whom that one is linked.
    pub(crate) async fn holders(&mut self, side: Side) -> Result<Option<Ending>, Stop> {
        let Some(taken) = self.seen.taken[side as usize].clone() else {
            return Ok(None);
        };
        self.seen.fresh = None;
        let wanted = self.wanted(&taken, side);
        let keys = keys(&taken, &wanted);
        if let Some(ended) = self.look_live(side, &keys, &mut Gathered::default()).await? {
            return Ok(Some(ended));
        }
        self.engine.index.note(&self.sightings).await?;
        let all: Vec<Form> = wanted.values().flatten().cloned().collect();
        let found = self.engine.index.holding(side, &all, "").await?;
        let [own, source] = [side, side.other()].map(|side| self.known.link.id_on(side).map(str::to_owned));
        let asked = self
            .engine
            .index
            .holding(side, &all, &source.unwrap_or_default())
            .await?;
        let others = found.into_iter().filter(|one| Some(&one.id) != own.as_ref());
        let mut holders = Vec::new();
        for one in others.take(READ_AFRESH) {
            match self.holder(side, &one.id, &wanted).await? {
                Ok(holder) => holders.extend(holder.map(|holder| TakenBy {
                    separate: asked.iter().all(|one| one.id != holder.near.id),
                    ..holder
                })),
                Err((of, error)) => return Ok(Some(Ending::Failed(of, error))),
            }
        }
        if let Some(taken) = &mut self.seen.taken[side as usize] {
            let of_nobody = |field: &Field| wanted.get(field).is_some_and(Vec::is_empty);
            let written = taken.sent.iter().filter(|(_, (_, written))| *written);
            taken.nobodys = written.map(|(field, _)| *field).filter(of_nobody).collect();
            taken.holders = Some(holders);
        }
        // Who was typed there since the search may be this very customer: whoever is to be created is looked for last.
        self.seen.gathered = None;
        Ok(None)
    }

    /// The refused values as the index keeps them.
    fn wanted(&self, taken: &Taken, side: Side) -> BTreeMap<Field, Vec<Form>> {
        self.engine.with_rules(|rules| {
            let forms = |(field, (value, _)): (&Field, &(String, bool))| {
                (*field, rules.reading().forms(*field, value, side))
            };
            taken.sent.iter().map(forms).collect()
        })
    }

    /// The record, if it holds one of the values now.
    async fn holder(
        &mut self,
        side: Side,
        id: &str,
        wanted: &BTreeMap<Field, Vec<Form>>,
    ) -> Result<Result<Option<TakenBy>, (Side, PortError)>, Stop> {
        let record = match self.read_another(side, id).await? {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(Ok(None)),
            Err(error) => return Ok(Err((side, error))),
        };
        let customer = &record.customer;
        let profile = self
            .engine
            .with_rules(|rules| rules.reading().profile(id, customer, side));
        let held = forms(&profile);
        let shared = wanted.iter().map(|(field, all)| {
            let shared: Vec<Form> = all.iter().filter(|form| held.contains(form)).cloned().collect();
            (*field, shared)
        });
        let fields: BTreeMap<_, _> = shared.filter(|(_, shared)| !shared.is_empty()).collect();
        if fields.is_empty() {
            return Ok(Ok(None));
        }
        let counterpart = match self.counterpart(side, id).await? {
            Ok(counterpart) => counterpart,
            Err(error) => return Ok(Err((side.other(), error))),
        };
        Ok(Ok(Some(TakenBy {
            near: Near {
                id: id.to_owned(),
                profile,
                linked: !matches!(counterpart, Counterpart::None),
                live: true,
            },
            name: customer.get(Field::Name).to_owned(),
            fields,
            separate: false,
            counterpart,
        })))
    }

    /// With whom that record is linked, as it is now.
    async fn counterpart(&mut self, side: Side, id: &str) -> Result<Result<Counterpart, PortError>, Stop> {
        let other = side.other();
        let link = self.engine.store.find_link(&self.entity(side, id)).await?;
        let Some((link, id)) = link.and_then(|link| Some((link.state, link.id_on(other)?.to_owned()))) else {
            return Ok(Ok(Counterpart::None));
        };
        Ok(self.read_another(other, &id).await?.map(|record| match record {
            None => Counterpart::Gone(id),
            Some(record) => Counterpart::Here {
                id,
                customer: Box::new(record.customer),
                waits: link == LinkState::Conflict,
            },
        }))
    }

    /// Reads a record that is not this run's. What can't be read is as good as none: it stands in nobody's way.
    async fn read_another(
        &mut self,
        side: Side,
        id: &str,
    ) -> Result<Result<Option<Snapshot>, PortError>, Stop> {
        let at = self.engine.clock.now();
        let read = self.renewing(self.engine.port(side).read(id, None)).await?;
        if let Ok(record) = &read {
            self.saw(side, id, record.as_ref(), at);
        }
        Ok(match read {
            Err(PortError::SetAside(_)) => Ok(None),
            read => read,
        })
    }
}

/// What the system itself can be asked by.
fn keys(taken: &Taken, wanted: &BTreeMap<Field, Vec<Form>>) -> MatchKeys {
    let typed = |field| taken.sent.get(&field).map(|(value, _)| value.clone());
    let mut mobiles = wanted.values().flatten().filter(|form| form.key == Key::Mobile);
    MatchKeys {
        mobile: mobiles.next().map(|form| format!("0{}", form.value)),
        national_id: typed(Field::NationalId),
        email: typed(Field::Email),
        ..MatchKeys::default()
    }
}
