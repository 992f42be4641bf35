//! One run: read, meet, merge, write. The order of outside calls and of commits is the whole point here.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::{Either, select};
use uuid::Uuid;

use super::Engine;
use crate::customer::{Customer, Field, Values};
use crate::fields::{Flow, TABLE};
use crate::merge::{Base, Decision, Merge, Reason, Times, merge};
use crate::polls::{FINANCE_CONTACTS, checksum};
use crate::ports::{PortError, Side, Snapshot};
use crate::store::{
    Change, ClaimedRow, InFlight, Intent, Link, LinkState, StoreError, StoreResult, Trigger, Work,
};
use crate::text::normal;

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
    /// `started`, by the store's clock: before the claim.
    began: DateTime<Utc>,
    pub(super) transaction: Uuid,
    pub(super) link: Link,
    pub(super) crm: Option<Snapshot>,
    pub(super) finance: Option<Snapshot>,
    /// When the last look at each side began.
    pub(super) looked_at: [Option<DateTime<Utc>>; 2],
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
    /// What was typed after the other side's word had been sent here, which has not arrived: the later of two edits.
    pub(super) later: BTreeSet<(Side, Field)>,
    /// When finance changed, as far as the polls can tell.
    narrowed: Option<Times>,
}

impl<'a> Run<'a> {
    pub(super) fn new(engine: &'a Engine, work: &'a Work, started: Duration) -> Self {
        let since = engine.clock.monotonic().saturating_sub(started);
        let began = engine.clock.now() - chrono::Duration::from_std(since).unwrap_or_default();
        Self {
            engine,
            work,
            started,
            began,
            transaction: engine.clock.id(),
            link: work.link.clone(),
            crm: None,
            finance: None,
            looked_at: [None, None],
            before: [None, None],
            changes: Vec::new(),
            held: Vec::new(),
            met: None,
            look_again: false,
            lease_ends: started + engine.config.lease,
            sent: false,
            intended: work.link.in_flight.clone(),
            later: BTreeSet::new(),
            narrowed: None,
        }
    }

    /// What is to be heard if the lease was lost after a write has left the house.
    pub(super) fn sent(&self) -> Option<serde_json::Value> {
        self.sent
            .then(|| serde_json::json!({ "fencedOutAfterSending": self.work.lead.id }))
    }

    pub(super) fn known_events(&self) -> Side {
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
        let deleted = matches!(synced, Err(Stop::Gone(Side::Crm))) && self.link.finance_id.is_some();
        // Once: whoever sets it active again after that has a reason.
        let news = self.work.link.state != LinkState::Closed;
        if deleted && news && self.link.base.is_some() && self.engine.config.deactivate {
            self.deactivate().await?;
        }
        synced
    }

    async fn bring_in_step(&mut self) -> Result<(), Stop> {
        let (heard, other) = (self.known_events(), self.known_events().other());
        self.look(heard).await?;
        if self.link.id_on(other).is_some() {
            self.look(other).await?
        } else if let Some(id) = self.ruled_to_be(other) {
            self.link_as_ruled(other, id).await?
        } else {
            self.meet(other).await?
        }
        self.link.state = LinkState::Active;
        // Linked by a run that has not seen both: it was killed, or its look failed. Nothing is known of the two yet.
        if self.link.base.is_none() {
            self.link.base = self.snapshot(heard).map(|s| Base::new(s.customer.kind));
            for side in [heard, other] {
                self.creates_no_more(side);
            }
        }
        self.outlived_code().await?;
        let mut fresh = Some(other);
        // Each side is written at most once a run; what is seen after that is for the next.
        let mut unwritten = vec![other, heard];
        let mut not_written = None;
        loop {
            // After each look, ours included: an older write may have landed meanwhile (simulated history 62412).
            self.recognise_our_own();
            let mut merged = self.merge();
            if self.narrowed.is_none() && merged.decisions.iter().any(Decision::is_conflict) {
                self.narrow_down().await?;
                merged = self.merge();
            }
            // Known from now on, also when a write fails: who edits next has changed something (simulated history 29755).
            for (field, crm, finance) in &merged.agreed {
                self.agree(Side::Crm, *field, finance, crm);
            }
            let wanted = |side: &Side| !merged.writes_to(*side).is_empty();
            let place = unwritten
                .iter()
                .position(|side| Some(*side) == fresh && wanted(side))
                .or_else(|| unwritten.iter().position(wanted));
            let Some(place) = place else {
                if let Some(stop) = not_written {
                    return Err(stop);
                }
                for side in [other, heard] {
                    self.no_second_record(side).await?;
                }
                self.look_again |= [other, heard].iter().any(wanted);
                self.conclude(&merged);
                return Ok(());
            };
            let side = unwritten[place];
            if fresh != Some(side) {
                // What it held may be some calls old: read again, and decide anew.
                self.look(side).await?;
                fresh = Some(side);
                continue;
            }
            unwritten.remove(place);
            match self.update(side, &merged).await {
                // What is wrong with one side is no reason to keep the other waiting for its own news.
                Err(
                    stop @ (Stop::Port(_, PortError::Refused(_) | PortError::Integrity { .. })
                    | Stop::Conflict(_)),
                ) => not_written = Some(stop),
                written => written?,
            }
            fresh = None;
        }
    }

    /// Reads one side afresh.
    pub(super) async fn look(&mut self, side: Side) -> Result<(), Stop> {
        let Some(id) = self.link.id_on(side).map(str::to_owned) else {
            return Err(Stop::Gone(side));
        };
        let met = self.snapshot(side.other()).map(|s| s.customer.kind);
        let kind = self.link.base.as_ref().map(|base| base.kind).or(met);
        let now = self.engine.clock.now();
        let read = self.engine.port(side).read(&id, kind);
        let snapshot = self.renewing(read).await?.map_err(|e| Stop::Port(side, e))?;
        let Some(snapshot) = snapshot else {
            return Err(self.not_there(side));
        };
        self.keep(snapshot, side, now);
        Ok(())
    }

    /// Waits for a read, and renews the lease meanwhile: where finance ignores filters, it reads its whole set.
    pub(super) async fn renewing<T>(&self, read: impl Future<Output = T>) -> Result<T, Stop> {
        let mut read = pin!(read);
        loop {
            let pause = self.engine.clock.pause(self.engine.config.lease / 3);
            match select(read.as_mut(), pause).await {
                Either::Left((read, _)) => return Ok(read),
                // A plan has no lease.
                Either::Right(_) if self.work.lease.token == 0 => {}
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
    pub(super) async fn renew(&self) -> StoreResult<()> {
        let store = &self.engine.store;
        store
            .intend(&self.work.lease, &self.intended, self.engine.config.lease)
            .await
    }

    /// The record is not there: it was deleted, or is not shown yet.
    fn not_there(&self, side: Side) -> Stop {
        let now = self.engine.clock.now();
        let sent = self.link.in_flight.get(&side).into_iter().flatten();
        let just_made = |sent: &Intent| {
            let age = (now - sent.at).to_std().unwrap_or_default();
            sent.create && age < self.engine.config.create_settle
        };
        if sent.into_iter().any(just_made) {
            return Stop::Wait(
                format!("{side} does not show yet what it has created"),
                self.engine.config.retry_base,
            );
        }
        Stop::Gone(side)
    }

    pub(super) fn keep(&mut self, snapshot: Snapshot, side: Side, looked_at: DateTime<Utc>) {
        self.before[side as usize].get_or_insert_with(|| snapshot.customer.clone());
        self.looked_at[side as usize] = Some(looked_at);
        match side {
            Side::Crm => {
                self.link.crm_updated_at = snapshot.modified_at;
                self.crm = Some(snapshot);
            }
            Side::Finance => self.finance = Some(snapshot),
        }
    }

    /// Merges what was read last, with fields that oscillate set aside.
    pub(super) fn merge(&self) -> Merge {
        let (Some(crm), Some(finance), Some(base)) = (&self.crm, &self.finance, &self.link.base) else {
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
            let winner = decision.winner.map(|winner| (winner, decision.field));
            if decision.reason == Reason::OnlyThisChanged
                && winner.is_some_and(|won| self.later.contains(&won))
            {
                decision.reason = Reason::LaterWins;
            }
            let Some((side, value)) = decision.write() else {
                continue;
            };
            let value = normal(decision.field, value);
            if base.returns(decision.field, side, &value, since) >= RETURNS {
                decision.winner = None;
                decision.reason = Reason::Oscillates;
            }
        }
        self.settle_as_ruled(&mut merged);
        merged
    }

    fn times(&self) -> Times {
        let mut times = self.narrowed.unwrap_or_default();
        times.crm_modified = self.crm.as_ref().and_then(|s| s.modified_at);
        times.finance_last_seen = times.finance_last_seen.max(self.work.link.finance_updated_at);
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
        // The look first: a poll that ends between the two questions has then told of the contact, too (chaos, seed 1).
        let look = polls.last_look(FINANCE_CONTACTS).await?;
        let contact = polls.contact_times(&finance.id).await?;
        let as_now = contact.filter(|contact| contact.checksum == checksum(&finance.customer));
        // It came to this state once before, and was brought back to it since it last held its base.
        let agreed = self.work.link.finance_updated_at;
        match as_now.filter(|contact| agreed.is_none_or(|agreed| agreed < contact.seen_at)) {
            // A poll has seen finance as it is now: the change came between two looks.
            Some(contact) => {
                times.finance_last_seen = contact.look_before;
                times.finance_change_seen = Some(contact.seen_at);
            }
            // It has changed since the last look, which saw nothing that was not looked at.
            None if self.finance_heard_at().is_none() => {
                // One that ended after our claim may have heard of the very change, in a row that is not ours.
                let told = look.filter(|look| look.completed_at < self.began);
                times.finance_last_seen = told.map(|look| look.started_at);
            }
            None => {}
        }
        self.narrowed = Some(times);
        Ok(())
    }

    /// Both sides are as they should be, but for what a human decides.
    fn conclude(&mut self, merged: &Merge) {
        self.held = merged.held().cloned().collect();
        for decision in &self.held {
            self.changes.push(change(decision));
        }
        if merged.decisions.is_empty() {
            self.link.finance_updated_at = self.looked_at[Side::Finance as usize];
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
        self.link.in_flight.entry(side).or_default()
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
