//! One run: read, meet, merge, write. The order of outside calls and of commits is the whole point here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Engine, meet};
use crate::customer::{Customer, Field, Values};
use crate::fields::{Flow, TABLE};
use crate::merge::{Base, Decision, Merge, Reason, Times, merge};
use crate::polls::{FINANCE_CONTACTS, checksum};
use crate::ports::{MatchKeys, PortError, Side, Snapshot};
use crate::store::{
    Change, ClaimedRow, EntityRef, InFlight, Intent, Mapping, MappingState, StoreError, Trigger, Work,
};
use crate::text::{normal, same};

/// A field is set aside when a value has come back to it so often …
const RETURNS: usize = 3;
/// … within this time.
const RETURNS_WITHIN: chrono::Duration = chrono::Duration::minutes(10);

/// Why a run ends before both sides are in step.
#[derive(Debug)]
pub(super) enum Stop {
    /// An outside call failed.
    Port(Side, PortError),
    /// The store failed, or the lease was lost.
    Store(StoreError),
    /// A human must say.
    Conflict(String),
    /// Something must be waited for; not counted as a try.
    Wait(String, Duration),
    /// A write could not be sent within what is left of the lease.
    LeaseTooShort,
    /// The record does not exist on that side.
    Gone(Side),
    /// It would have to be created on that side, and nothing is carried there.
    Off(Side),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a run knows and has done so far.
pub(super) struct Run<'a> {
    pub(super) engine: &'a Engine,
    pub(super) work: &'a Work,
    pub(super) started: Duration,
    pub(super) transaction: Uuid,
    pub(super) mapping: Mapping,
    pub(super) crm: Option<Snapshot>,
    pub(super) finance: Option<Snapshot>,
    /// When the last look at finance began.
    pub(super) finance_looked_at: Option<DateTime<Utc>>,
    /// The first look at each side: the "before" of the audit rows.
    pub(super) before: [Option<Customer>; 2],
    /// What was written, and held.
    pub(super) changes: Vec<Change>,
    pub(super) held: Vec<Decision>,
    /// A sentence for the audit row: linked, created.
    pub(super) met: Option<String>,
    pub(super) look_again: bool,
    pub(super) lease_ends: Duration,
    pub(super) sent: bool,
    /// What the store holds as sent.
    pub(super) intended: InFlight,
    /// When finance changed, as far as the polls can tell.
    narrowed: Option<Times>,
}

impl<'a> Run<'a> {
    pub(super) fn new(engine: &'a Engine, work: &'a Work, started: Duration) -> Self {
        Self {
            engine,
            work,
            started,
            transaction: engine.clock.id(),
            mapping: work.mapping.clone(),
            crm: None,
            finance: None,
            finance_looked_at: None,
            before: [None, None],
            changes: Vec::new(),
            held: Vec::new(),
            met: None,
            look_again: false,
            lease_ends: started + engine.config.lease,
            sent: false,
            intended: work.mapping.in_flight.clone(),
            narrowed: None,
        }
    }

    /// Whether a write has left the house.
    pub(super) fn sent(&self) -> bool {
        self.sent
    }

    pub(super) fn heard(&self) -> Side {
        self.work.lead.side
    }

    pub(super) fn snapshot(&self, side: Side) -> Option<&Snapshot> {
        match side {
            Side::Crm => self.crm.as_ref(),
            Side::Finance => self.finance.as_ref(),
        }
    }

    /// Brings the entity in step. The side that was heard is read first, so that the one that will most likely be
    /// written is read last, immediately before its save.
    pub(super) async fn sync(&mut self) -> Result<(), Stop> {
        let synced = self.bring_in_step().await;
        let deleted = matches!(synced, Err(Stop::Gone(Side::Crm))) && self.mapping.finance_id.is_some();
        if deleted && self.mapping.base.is_some() && self.engine.config.deactivate {
            self.deactivate().await?;
        }
        synced
    }

    async fn bring_in_step(&mut self) -> Result<(), Stop> {
        let (heard, other) = (self.heard(), self.heard().other());
        self.look(heard).await?;
        if self.mapping.id_on(other).is_some() {
            self.look(other).await?
        } else {
            self.meet(other).await?
        }
        self.mapping.state = MappingState::Active;
        // Linked by a run that was killed before its commit: nothing is known of the two yet.
        if self.mapping.base.is_none() {
            self.mapping.base = self.snapshot(heard).map(|s| Base::new(s.customer.kind));
        }
        self.recognise_our_own();
        let mut fresh = Some(other);
        // Each side is written at most once a run; what is seen after that is for the next.
        let mut unwritten = vec![other, heard];
        loop {
            let mut merged = self.merge();
            if self.narrowed.is_none() && merged.decisions.iter().any(Decision::is_conflict) {
                self.narrow_down().await?;
                merged = self.merge();
            }
            let wanted = |side: &Side| !merged.writes_to(*side).is_empty();
            let Some(place) = unwritten
                .iter()
                .position(|side| Some(*side) == fresh && wanted(side))
                .or_else(|| unwritten.iter().position(wanted))
            else {
                self.look_again |= [other, heard].iter().any(wanted);
                self.conclude(&merged);
                return Ok(());
            };
            let side = unwritten[place];
            if fresh != Some(side) {
                // What it held may be some calls old: read again, and decide anew.
                self.look(side).await?;
                self.recognise_our_own();
                fresh = Some(side);
                continue;
            }
            unwritten.remove(place);
            self.update(side, &merged).await?;
            fresh = None;
        }
    }

    /// Reads one side afresh.
    pub(super) async fn look(&mut self, side: Side) -> Result<(), Stop> {
        let Some(id) = self.mapping.id_on(side).map(str::to_owned) else {
            return Err(Stop::Gone(side));
        };
        let kind = self.mapping.base.as_ref().map(|base| base.kind);
        let now = self.engine.clock.now();
        let snapshot = self
            .engine
            .port(side)
            .read(&id, kind)
            .await
            .map_err(|e| Stop::Port(side, e))?;
        let Some(snapshot) = snapshot else {
            return Err(Stop::Gone(side));
        };
        self.keep(snapshot, side, now);
        Ok(())
    }

    pub(super) fn keep(&mut self, snapshot: Snapshot, side: Side, looked_at: DateTime<Utc>) {
        self.before[side as usize].get_or_insert_with(|| snapshot.customer.clone());
        match side {
            Side::Crm => {
                self.mapping.crm_updated_at = snapshot.modified_at;
                self.crm = Some(snapshot);
            }
            Side::Finance => {
                self.finance_looked_at = Some(looked_at);
                self.finance = Some(snapshot);
            }
        }
    }

    /// The entity was never met on `other`: link it, create it, or say why not.
    async fn meet(&mut self, other: Side) -> Result<(), Stop> {
        let Some(met) = self.snapshot(other.other()).map(|s| s.customer.clone()) else {
            return Err(Stop::Gone(other.other()));
        };
        if let Some(intent) = self
            .mapping
            .in_flight
            .get(&other)
            .and_then(|i| i.iter().find(|i| i.create))
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
                self.met = Some(format!("linked with {other} {id}"));
                self.mapping.base = Some(Base::new(met.kind));
                self.look(other).await
            }
            meet::Meeting::Create if !self.engine.config.policy.carries_to(other) => Err(Stop::Off(other)),
            meet::Meeting::Create => {
                self.create(other, &met, candidates.into_iter().map(|c| c.id).collect())
                    .await
            }
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

    /// Makes `id` ours before anything is written to it.
    pub(super) async fn link(&mut self, side: Side, id: &str) -> Result<(), Stop> {
        let entity = EntityRef {
            entity_type: self.mapping.entity_type,
            side,
            id: id.to_owned(),
        };
        match self.engine.store.link(&self.work.lease, &entity).await {
            Err(StoreError::MappedElsewhere { .. }) => match self.engine.store.mapped(&entity).await? {
                Some(MappingState::New) => {
                    let why = format!("{side} {id} is being worked on from its other end");
                    Err(Stop::Wait(why, Duration::from_secs(1)))
                }
                _ => Err(Stop::Conflict(format!(
                    "{side} {id} has the same keys but belongs to another record of {} already; \
                     correct one of them, or remove the duplicate",
                    side.other()
                ))),
            },
            other => {
                other?;
                self.mapping.set_id(side, id.to_owned());
                Ok(())
            }
        }
    }

    /// A field that equals what we sent and never saw confirmed is our own write, not an edit: both sides agreed
    /// on it when it was sent.
    pub(super) fn recognise_our_own(&mut self) {
        let now = self.engine.clock.now();
        let settle =
            chrono::Duration::from_std(self.engine.config.create_settle).unwrap_or(chrono::Duration::MAX);
        let mut in_flight = std::mem::take(&mut self.mapping.in_flight);
        for (side, intents) in &mut in_flight {
            // One whose answer was lost may land late, for as long as a create may; once seen, it has landed.
            intents.retain(|intent| !self.landed(*side, intent) && intent.at + settle > now);
        }
        in_flight.retain(|_, intents| !intents.is_empty());
        self.mapping.in_flight = in_flight;
    }

    /// Whether all that was sent is there; what is there is agreed on.
    fn landed(&mut self, side: Side, intent: &Intent) -> bool {
        let Some(holds) = self.snapshot(side).map(|s| s.customer.clone()) else {
            return false;
        };
        let mut all = true;
        for (field, sent) in &intent.values {
            let now = holds.get(*field);
            if holds.hidden.contains(field) {
                continue;
            }
            if !self.explained(side, *field, sent, now) {
                all = false;
                continue;
            }
            let source = intent.source.get(field).map_or("", String::as_str);
            let was = self
                .mapping
                .base
                .as_ref()
                .and_then(|base| base.of(side, *field))
                .unwrap_or_default();
            if !same(*field, was, now) {
                let (crm, finance) = match side {
                    Side::Crm => (was.to_owned(), source.to_owned()),
                    Side::Finance => (source.to_owned(), was.to_owned()),
                };
                let reason = Reason::ConfirmedLater;
                self.changes.push(Change {
                    field: *field,
                    crm,
                    finance,
                    winner: Some(side.other()),
                    reason,
                });
            }
            self.agree(side, *field, source, now);
        }
        all
    }

    /// `side` holds `holds` where the other side's value is `source`: in step.
    pub(super) fn agree(&mut self, side: Side, field: Field, source: &str, holds: &str) {
        let Some(base) = &mut self.mapping.base else {
            return;
        };
        match side {
            Side::Crm => base.agree(field, holds, source),
            Side::Finance => base.agree(field, source, holds),
        }
    }

    /// Whether a value that came back is the one that was sent, as far as that side can hold it: other letter
    /// forms, digits or spaces, or cut to a length.
    pub(super) fn explained(&self, side: Side, field: Field, sent: &str, came: &str) -> bool {
        let sent = normal(field, &self.engine.port(side).project(field, sent));
        let came = normal(field, came);
        sent == came || (!came.is_empty() && field.spec().flow == Flow::Both && sent.starts_with(&came))
    }

    /// Merges what was read last, with fields that oscillate set aside.
    pub(super) fn merge(&self) -> Merge {
        let (Some(crm), Some(finance), Some(base)) = (&self.crm, &self.finance, &self.mapping.base) else {
            return Merge::default();
        };
        let project = |side: Side, field: Field, value: &str| self.engine.port(side).project(field, value);
        let policy = self.engine.config.policy;
        let mut merged = merge(
            base,
            &crm.customer,
            &finance.customer,
            self.times(),
            policy,
            &project,
        );
        let since = self.engine.clock.now() - RETURNS_WITHIN;
        for decision in &mut merged.decisions {
            let Some((side, value)) = decision.write() else {
                continue;
            };
            let value = normal(decision.field, value);
            let again = |w: &&crate::merge::Written| {
                w.field == decision.field && w.side == side && w.value == value && w.at > since
            };
            if base.written.iter().filter(again).count() >= RETURNS {
                decision.winner = None;
                decision.reason = Reason::Oscillates;
            }
        }
        merged
    }

    fn times(&self) -> Times {
        let mut times = self.narrowed.unwrap_or_default();
        times.crm_modified = self.crm.as_ref().and_then(|s| s.modified_at);
        times.finance_last_seen = times.finance_last_seen.max(self.work.mapping.finance_updated_at);
        times.finance_change_seen = times.finance_change_seen.or(self.finance_heard_at());
        times
    }

    /// When a change of finance was first heard of that nobody has looked at yet.
    fn finance_heard_at(&self) -> Option<DateTime<Utc>> {
        let rows = std::iter::once(&self.work.lead).chain(&self.work.covered);
        let heard = |row: &&ClaimedRow| {
            row.side == Side::Finance && matches!(row.trigger, Trigger::Poll | Trigger::Webhook)
        };
        rows.filter(heard).map(|row| row.heard_at).min()
    }

    /// Asks what the polls have seen of finance, to narrow down when its change came. Only of interest when both
    /// sides have changed a field.
    pub(super) async fn narrow_down(&mut self) -> Result<(), Stop> {
        let (Some(polls), Some(finance)) = (&self.engine.polls, &self.finance) else {
            return Ok(());
        };
        let mut times = Times::default();
        let contact = polls.contact_times(&finance.id).await?;
        match contact.filter(|contact| contact.checksum == checksum(&finance.customer)) {
            // A poll has seen finance as it is now: the change came between two looks.
            Some(contact) => {
                times.finance_last_seen = contact.look_before;
                times.finance_change_seen = Some(contact.seen_at);
            }
            // It has changed since the last look, which saw nothing that was not looked at.
            None if self.finance_heard_at().is_none() => {
                times.finance_last_seen = polls
                    .last_look(FINANCE_CONTACTS)
                    .await?
                    .map(|look| look.started_at);
            }
            None => {}
        }
        self.narrowed = Some(times);
        Ok(())
    }

    /// Both sides are as they should be: what they agree on is the new base.
    fn conclude(&mut self, merged: &Merge) {
        for (field, crm, finance) in &merged.agreed {
            self.agree(Side::Crm, *field, finance, crm);
        }
        self.held = merged.held().cloned().collect();
        for decision in &self.held {
            self.changes.push(change(decision));
        }
        if merged.decisions.is_empty() {
            self.mapping.finance_updated_at = self.finance_looked_at;
        }
    }

    /// Which fields of a customer are carried to a side that does not have it yet.
    pub(super) fn values_for(&self, side: Side, customer: &Customer) -> Values {
        let goes = |flow| match side {
            Side::Crm => flow == Flow::Both || flow == Flow::ToCrm,
            Side::Finance => flow == Flow::Both || flow == Flow::ToFinance,
        };
        let fields = TABLE
            .iter()
            .filter(|spec| goes(spec.flow) && !customer.get(spec.field).is_empty());
        fields
            .map(|spec| (spec.field, customer.get(spec.field).to_owned()))
            .collect()
    }

    pub(super) fn intents(&mut self, side: Side) -> &mut Vec<Intent> {
        self.mapping.in_flight.entry(side).or_default()
    }
}

pub(super) fn change(decision: &Decision) -> Change {
    Change {
        field: decision.field,
        crm: decision.crm.clone(),
        finance: decision.finance.clone(),
        winner: decision.winner,
        reason: decision.reason,
    }
}
