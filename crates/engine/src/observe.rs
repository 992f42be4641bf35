//! Looking: at both systems, at the store, at what the polls have seen.

use chrono::{DateTime, Utc};
use domain::customer::Field;
use domain::document::DocumentKind;
use domain::entity::{EntityRef, EntityType};
use domain::index::Sighting;
use domain::matching::{Form, Key, Name, Numbering, company_of};
use domain::merge::Times;
use domain::polls::{checksum, contacts_of};
use domain::ports::{MatchKeys, PortError, Ring, Snapshot};
use domain::side::Side;
use domain::store::Event;

use crate::customer::identity::is_another_than_ruled;
use crate::executor::{Executor, Stop};
use crate::seen::{Searched, Sight};
use crate::step::{Ending, Step};

impl Executor<'_> {
    /// Takes a step that looks; an outside call that fails ends the run.
    pub(crate) async fn look(&mut self, step: Step) -> Result<Option<Ending>, Stop> {
        match step {
            Step::Read(side) => self.read(side).await,
            Step::ReadDocument => self.read_document().await,
            Step::Contact(code) => self.contact(&code).await,
            Step::Ask(side, id) => self.ask(side, id).await,
            Step::Search(side, keys) => self.search(side, keys).await,
            Step::Count(forms) => self.count(&forms).await,
            Step::Gather(profile, keys) => self.gather(&profile, keys).await,
            Step::Holders(side) => self.holders(side).await,
            Step::Owner(side, id) => {
                let entity = self.entity(side, &id);
                let owner = self.engine.store.find_link(&entity).await?;
                self.seen.owners.insert((side, id), owner);
                Ok(None)
            }
            Step::Reserve(keys) => {
                let holder = match self.noted {
                    Some(_) => None,
                    None => self.engine.store.lock(&self.work.lease, &keys).await?,
                };
                self.seen.reserved = Some(holder);
                Ok(None)
            }
            Step::Columns => {
                let columns = self.engine.index.columns().await?;
                let columns = columns.into_iter().map(|column| (column.side, column.field));
                self.seen.columns = Some(columns.collect());
                Ok(None)
            }
            Step::Narrow => self.narrow().await,
            Step::Standing(entity) => {
                let store = &self.engine.store;
                let link = store.find_link(&entity).await?;
                let last = match &link {
                    Some(link) => store.last_run(link.id).await?,
                    None => None,
                };
                self.seen.standing = Some((link, last));
                Ok(None)
            }
            Step::Enqueue(entity) => self.enqueue(entity).await,
            Step::Link {
                side,
                id,
                takes_over,
                told,
            } => {
                self.link(side, &id, takes_over, told).await?;
                Ok(None)
            }
            Step::OfCompany(company) => Err(Stop::OfCompany(company)),
            Step::Write(_) | Step::End(_) => Ok(None),
        }
    }

    pub(crate) fn entity(&self, side: Side, id: &str) -> EntityRef {
        EntityRef {
            entity_type: self.work.link.entity_type,
            side,
            id: id.to_owned(),
        }
    }

    /// Reads one side afresh.
    async fn read(&mut self, side: Side) -> Result<Option<Ending>, Stop> {
        let Some(id) = self.known.link.id_on(side).map(str::to_owned) else {
            self.seen.customers[side as usize] = Sight::Absent;
            return Ok(None);
        };
        let met = self.seen.customer(side.other()).map(|customer| customer.kind);
        let kind = self.known.link.base.as_ref().map(|base| base.kind).or(met);
        let at = self.engine.clock.now();
        let record = match self.renewing(self.engine.port(side).read(&id, kind)).await? {
            Ok(record) => record,
            Err(error) => return Ok(Some(Ending::Failed(side, error))),
        };
        self.seen.fresh = Some(side);
        self.saw(side, &id, record.as_ref(), at);
        if record.is_none() {
            self.seen.not_shown_since[side as usize] = self.not_shown_since(side, &id).await?;
        }
        self.seen.customers[side as usize] = match record {
            None => Sight::Absent,
            Some(mut record) => {
                let port = self.engine.port(side);
                let link = &mut self.known.link;
                if let Some(base) = &mut link.base {
                    let places = port.placed(&mut record, base.places.get(&side));
                    base.places.extend(places.map(|places| (side, places)));
                } else if let Some(made) = link.in_flight.create(side) {
                    port.placed(&mut record, made.places.as_ref());
                }
                self.before[side as usize].get_or_insert_with(|| record.customer.clone());
                if side == Side::Crm {
                    self.known.link.crm_updated_at = record.modified_at;
                }
                Sight::Here { record, at }
            }
        };
        Ok(None)
    }

    /// Since when no look has shown that record; `None`: until now one did. Of a record that the index has never seen, the
    /// row tells since when it is looked for, whatever it has waited for.
    async fn not_shown_since(&self, side: Side, id: &str) -> Result<Option<DateTime<Utc>>, Stop> {
        let index = &self.engine.index;
        if let Some(since) = index.gone_since(side, id).await? {
            return Ok(Some(since));
        }
        let lead = &self.work.lead;
        if !lead.scheduled {
            return Ok(None);
        }
        let code = Form {
            key: Key::Code,
            value: id.to_owned(),
        };
        let there = index.holding(side, &[code], "").await?;
        let is_there = there.iter().any(|one| one.id == id);
        Ok((!is_there).then_some(lead.heard_at))
    }

    /// Notes what a look at one record has shown, for the index.
    pub(crate) fn saw(&mut self, side: Side, id: &str, record: Option<&Snapshot>, at: DateTime<Utc>) {
        let seen = self.engine.with_rules(|rules| match record {
            Some(record) => Sighting::of(record, side, rules.reading(), at),
            None => Sighting::gone(side, rules.config.numbering.company, id, at),
        });
        self.sightings.push(seen);
    }

    async fn read_document(&mut self) -> Result<Option<Ending>, Stop> {
        let kind = DocumentKind::of(self.work.link.entity_type);
        let (Some(id), Some(kind)) = (self.known.link.crm_id.clone(), kind) else {
            self.seen.document = Sight::Absent;
            return Ok(None);
        };
        let at = self.engine.clock.now();
        let read = self.renewing(self.engine.crm.read_document(kind, &id)).await?;
        self.seen.document = match read {
            Err(error) => return Ok(Some(Ending::Failed(Side::Crm, error))),
            Ok(None) => Sight::Absent,
            Ok(Some(record)) => Sight::Here { record, at },
        };
        self.seen.fresh = Some(Side::Crm);
        Ok(None)
    }

    /// What can't be read is as good as not shown: nothing is issued to it.
    async fn contact(&mut self, code: &str) -> Result<Option<Ending>, Stop> {
        self.seen.fresh = None;
        let at = self.engine.clock.now();
        self.seen.contact = match self.renewing(self.engine.finance.read(code, None)).await? {
            Ok(Some(record)) => Sight::Here { record, at },
            Ok(None) | Err(PortError::SetAside(_)) => Sight::Absent,
            Err(error) => return Ok(Some(Ending::Failed(Side::Finance, error))),
        };
        Ok(None)
    }

    async fn ask(&mut self, side: Side, id: String) -> Result<Option<Ending>, Stop> {
        self.seen.fresh = None;
        let there = self.renewing(self.engine.port(side).read(&id, None)).await?;
        match there {
            Err(error) => Ok(Some(Ending::Failed(side, error))),
            Ok(there) => {
                let is_nobody = |one: &Snapshot| {
                    let customer = &one.customer;
                    Name::of(customer.get(Field::Name), customer.kind).nobody
                };
                if there.as_ref().is_some_and(is_nobody) {
                    self.seen.nobodys.insert((side, id.clone()));
                }
                if let Some(one) = &there
                    && is_another_than_ruled(side, &self.seen, &one.customer)
                {
                    let name = one.customer.get(Field::Name).to_owned();
                    self.seen.replaced.insert((side, id.clone()), name);
                }
                let number = there.as_ref().map(|one| one.customer.get(Field::CustomerNumber));
                let company = number.filter(|_| side == Side::Crm).and_then(company_of);
                if let Some(company) = company.filter(|company| !self.engine.served.serve(*company)) {
                    self.seen.unserved.insert(id.clone(), company);
                }
                self.seen.asked.insert((side, id), there.is_some());
                Ok(None)
            }
        }
    }

    /// Everything on `side` that the system finds by these keys.
    async fn search(&mut self, side: Side, keys: MatchKeys) -> Result<Option<Ending>, Stop> {
        self.seen.fresh = None;
        let at = self.engine.clock.now();
        match self.renewing(self.engine.port(side).find(&keys)).await? {
            Err(error) => Ok(Some(Ending::Failed(side, error))),
            Ok(found) => {
                for snapshot in &found.records {
                    self.saw(side, &snapshot.id, Some(snapshot), at);
                }
                self.seen.searched = Some(Searched {
                    by: keys,
                    records: found.records,
                    at,
                });
                self.seen.aside = found.aside;
                Ok(None)
            }
        }
    }

    /// Asks what the polls have seen of finance, to narrow down when its change came.
    async fn narrow(&mut self) -> Result<Option<Ending>, Stop> {
        let mut times = Times::default();
        if let (Some(polls), Some(finance)) = (&self.engine.polls, self.seen.snapshot(Side::Finance)) {
            // The look first: a poll that ends between the two questions has then told of the contact, too
            // (`a_poll_that_ends_between_two_questions_hides_no_edit`).
            let Numbering { company, first, .. } = self.engine.config.numbering;
            let poll = contacts_of(company, first);
            let look = polls.last_look(&poll).await?;
            let contact = polls.contact_times(&finance.id).await?;
            let as_now = contact.filter(|contact| contact.checksum == checksum(&finance.customer));
            // It came to this state once before, and was brought back to it since it last held its base.
            let agreed = self.seen.claimed.finance_updated_at;
            match as_now.filter(|contact| agreed.is_none_or(|agreed| agreed < contact.seen_at)) {
                // A poll has seen finance as it is now: the change came between two looks.
                Some(contact) => {
                    times.finance_last_seen = contact.look_before;
                    times.finance_change_seen = Some(contact.seen_at);
                }
                // It has changed since the last look, which saw nothing that was not looked at.
                None if self.seen.finance_heard_at.is_none() => {
                    // One that ended after our claim may have heard of the very change, in a row that is not ours.
                    let told = look.filter(|look| look.completed_at < self.seen.claimed_at);
                    times.finance_last_seen = told.map(|look| look.started_at);
                }
                None => {}
            }
        }
        self.seen.narrowed = Some(times);
        Ok(None)
    }

    /// One row per lead row and customer: looking again makes no second one.
    async fn enqueue(&mut self, entity: EntityRef) -> Result<Option<Ending>, Stop> {
        if self.noted.is_some() {
            self.seen.enqueued = Some(true);
            return Ok(None);
        }
        debug_assert_eq!(entity.entity_type, EntityType::Customer);
        let lead = &self.work.lead;
        let (key, payload) = match DocumentKind::of(self.work.link.entity_type) {
            Some(_) => ("customer-of", "customerOfDocument"),
            None => ("exchange-with", "wantsTheValueOf"),
        };
        let event = Event {
            row: self.engine.clock.id(),
            event_id: Some(format!("{key}:{}:{}", lead.id, entity.id)),
            entity,
            company: None,
            trigger: lead.trigger,
            payload: serde_json::json!({ payload: lead.id }),
            traceparent: None,
            rung: true,
        };
        let row = event.row;
        let new = self.engine.store.enqueue(&[event]).await? == [true];
        if new {
            self.also.push(Ring {
                row,
                traceparent: None,
            });
        }
        self.seen.enqueued = Some(new);
        Ok(None)
    }
}
