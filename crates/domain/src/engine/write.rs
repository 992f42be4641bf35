//! Outside writes. Each one: renew the lease and commit the intent in one fenced statement, look whether the lease
//! outlives the time-out, send, read back, and take as confirmed only what came back explained.

use super::run::{Run, Stop, change};
use crate::customer::{Customer, Field, Values};
use crate::fields::{Flow, TABLE};
use crate::merge::{Base, ConflictStrategy, Merge, Reason, Written};
use crate::ports::{PortError, Side};
use crate::store::{Change, Intent, Ruling};
use crate::text::{normal, same};

use super::meet;

/// `Active` of a contact that is not.
const INACTIVE: &str = "0";
/// So many writes are remembered for the breaker.
const REMEMBERED: usize = 64;

/// So many values that are as a create sent them show that it has made the record, however many more were typed over.
const SURELY: usize = 3;

/// Whether a field still holds what it held before the write, and that is not what was sent.
pub(super) fn is_untouched(field: Field, sent: &str, before: &Values, now: &str) -> bool {
    before.get(&field).is_some_and(|before| same(field, before, now)) && !same(field, sent, now)
}

impl Run<'_> {
    /// Saves into `side` what the merge asks for; the side was read immediately before.
    pub(super) async fn update(&mut self, side: Side, merged: &Merge) -> Result<(), Stop> {
        let Some(source) = self.snapshot(side.other()).map(|s| s.customer.clone()) else {
            return Err(Stop::Gone(side.other()));
        };
        self.no_second_record(side).await?;
        let asked = merged
            .decisions
            .iter()
            .filter(|d| d.write().is_some_and(|(to, _)| to == side));
        self.save(side, merged.writes_to(side), &source, asked.map(change).collect())
            .await
    }

    /// An update of `side` that was answered with another code has made a second record, and would make a third: nothing
    /// is sent there while that one stands, unless an operator says so.
    pub(super) async fn no_second_record(&mut self, side: Side) -> Result<(), Stop> {
        let sent = self.link.in_flight.get(&side).into_iter().flatten();
        let Some(answered) = sent.filter_map(|sent| sent.answered.clone()).next_back() else {
            return Ok(());
        };
        if !matches!(self.work.lead.ruling, Some(Ruling::Keep(_))) {
            let there = self.engine.port(side).read(&answered, None);
            if self
                .renewing(there)
                .await?
                .map_err(|error| Stop::Port(side, error))?
                .is_some()
            {
                let sent = self.link.id_on(side).unwrap_or_default();
                return Err(Stop::Conflict(format!(
                    "an update of {side} {sent} was answered with {answered}, which is there: nothing more is written to \
                     {side} meanwhile; remove one of the two, or, if {answered} is another customer's, \
                     `siaghsync resolve <row> --keep crm|finance` sends again"
                )));
            }
        }
        self.intents(side).retain(|sent| sent.answered.is_none());
        Ok(())
    }

    /// The CRM has deleted the customer, and the policy says to set its contact inactive.
    pub(super) async fn deactivate(&mut self) -> Result<(), Stop> {
        self.look(Side::Finance).await?;
        let active = self
            .snapshot(Side::Finance)
            .map(|s| s.customer.get(Field::Active).to_owned())
            .unwrap_or_default();
        if active == INACTIVE || !self.engine.config.policy.to_finance {
            return Ok(());
        }
        let reason = Reason::DeletedInCrm;
        let told = Change {
            field: Field::Active,
            crm: String::new(),
            finance: active,
            winner: Some(Side::Crm),
            reason,
        };
        let values = Values::from([(Field::Active, INACTIVE.to_owned())]);
        let source = Customer::new(self.kind_met(Side::Crm));
        self.save(Side::Finance, values, &source, vec![told]).await
    }

    /// Sends `values` into what was read last of `side`, reads back, and takes as agreed what came back as sent.
    async fn save(
        &mut self,
        side: Side,
        mut values: Values,
        source: &Customer,
        told: Vec<Change>,
    ) -> Result<(), Stop> {
        let Some(current) = self.snapshot(side).cloned() else {
            return Err(Stop::Gone(side));
        };
        // A form save writes all of its controls: what the side does not show must be sent along, or it is cleared.
        for field in &current.customer.hidden {
            let known = [source.get(*field), self.base_of(side, *field)];
            if let Some(value) = known
                .into_iter()
                .find(|value| !value.is_empty() && field.spec().flow == Flow::ToFinance)
            {
                values.entry(*field).or_insert_with(|| value.to_owned());
            }
        }
        let mut intent = self.intent(false, values.clone(), source, Vec::new());
        let held = |field: &Field| (*field, current.customer.get(*field).to_owned());
        let before: Values = values.keys().map(held).collect();
        intent.before = before.clone();
        let known = |field: &Field| Some((*field, self.link.base.as_ref()?.of(side, *field)?.to_owned()));
        intent.known = values.keys().filter_map(known).collect();
        let both_ways = TABLE
            .iter()
            .filter(|spec| spec.flow == Flow::Both)
            .map(|spec| spec.field);
        let rest = both_ways.filter(|field| !values.contains_key(field));
        intent.along = rest.map(|field| held(&field)).collect();
        intent.seen = intent.along.keys().copied().collect();
        self.intend(side, intent).await?;
        self.sent = true;
        match self.engine.port(side).update(&current, &values).await {
            Ok(()) => {}
            Err(error) => {
                match &error {
                    PortError::UnknownOutcome { .. } => self.forget(side),
                    PortError::Integrity { answered, .. } => {
                        if let Some(sent) = self.intents(side).last_mut() {
                            sent.answered = Some(answered.clone());
                        }
                    }
                    _ => {
                        self.intents(side).pop();
                    }
                }
                return Err(Stop::Port(side, error));
            }
        }
        self.changes.extend(told);
        self.forget(side);
        self.look(side).await?;
        // Not before: what is sent again because nobody saw it arrive is not written back and forth (chaos, seed 14).
        self.remember(side, &values);
        self.confirm(side, source, &values, &before);
        Ok(())
    }

    /// What was read of it is not how it is now.
    fn forget(&mut self, side: Side) {
        match side {
            Side::Crm => self.crm = None,
            Side::Finance => self.finance = None,
        }
    }

    /// Creates the customer on `side`. `strangers`: records there that were found by its keys and are not it.
    pub(super) async fn create(
        &mut self,
        side: Side,
        met: &Customer,
        strangers: Vec<String>,
    ) -> Result<(), Stop> {
        let mut customer = Customer::new(met.kind);
        customer.values = self.values_for(side, met);
        if side == Side::Crm && customer.get(Field::CustomerNumber).is_empty() {
            let number = self
                .engine
                .config
                .numbering
                .number(met.get(Field::FinanceCode))
                .unwrap_or_default();
            customer.set(Field::CustomerNumber, number);
        }
        let values = customer.values.clone();
        let intent = self.intent(true, values.clone(), met, strangers);
        self.intend(side, intent).await?;
        self.sent = true;
        match self.engine.port(side).create(&customer).await {
            Ok(id) => {
                // Ours at once: whoever hears of it from its own side finds this link, whatever becomes of this run.
                self.link(side, &id).await?;
                self.met = Some(format!("created {side} {id}"));
            }
            Err(error) => {
                if !matches!(error, PortError::UnknownOutcome { .. }) {
                    self.intents(side).pop();
                }
                return Err(Stop::Port(side, error));
            }
        }
        self.created(side, &values, Reason::OtherIsEmpty);
        self.look(side).await?;
        // Not before: until it was seen, nothing is known of it, and what differs then was typed into what we have made
        // (chaos, seed 2).
        self.link.base = Some(Base::new(met.kind));
        self.before[side as usize] = None;
        self.confirm(side, met, &values, &Values::new());
        Ok(())
    }

    /// The audit of a record that did not exist before.
    fn created(&mut self, side: Side, values: &Values, reason: Reason) {
        for (field, value) in values {
            let (crm, finance) = match side {
                Side::Crm => (String::new(), value.clone()),
                Side::Finance => (value.clone(), String::new()),
            };
            self.changes.push(Change {
                field: *field,
                crm,
                finance,
                winner: Some(side.other()),
                reason,
            });
        }
    }

    /// An earlier create was never answered. Whether what it may have created was found; if it was not and may
    /// still come, the run ends.
    pub(super) async fn look_for_created(&mut self, side: Side, intent: Intent) -> Result<bool, Stop> {
        let mut sent = Customer::new(self.kind_met(side));
        sent.values = intent.values.clone();
        let keys = meet::keys(&sent, side.other(), self.engine.config.numbering);
        if !meet::findable(&keys, side) {
            return Err(Stop::Conflict(format!(
                "whether {side} has created this customer is not known, and it has no number, national id, mobile or \
                 e-mail to look by; look there by name, then link it or send it again by hand"
            )));
        }
        let found = self.find_on(side, &keys).await?;
        let holds_what_was_sent = |customer: &Customer| {
            intent.values.iter().all(|(field, value)| {
                customer.hidden.contains(field) || self.explained(side, *field, value, customer.get(*field))
            })
        };
        let ours: Vec<_> = found
            .iter()
            .filter(|c| !intent.strangers.contains(&c.id) && holds_what_was_sent(&c.customer))
            .map(|c| c.id.clone())
            .collect();
        match ours.as_slice() {
            [id] => {
                self.take_over(side, id).await?;
                self.met = Some(format!(
                    "found {side} {id}, created by an earlier try whose answer was lost"
                ));
                self.look(side).await?;
                self.link.base = Some(Base::new(sent.kind));
                self.created(side, &intent.values, Reason::ConfirmedLater);
                self.before[side as usize] = None;
                let mut source = Customer::new(sent.kind);
                source.values = intent.source.clone();
                self.confirm(side, &source, &intent.values, &Values::new());
                Ok(true)
            }
            [] if found.iter().any(|c| !intent.strangers.contains(&c.id)) => {
                // Something with these keys is there, but not as we sent it: met like any other, but never created anew.
                Ok(false)
            }
            [] => self.wait_for_created(side, &intent).map(|()| false),
            many => Err(Stop::Conflict(format!(
                "{side} has several records that hold what was sent ({}); remove the duplicates there",
                many.join(", ")
            ))),
        }
    }

    /// The record that a create may have made is linked: of what was sent, that which is there is ours, and the rest was
    /// typed since. Only the last one counts: an earlier one was given up before that was sent (simulated history 66999).
    pub(super) fn creates_no_more(&mut self, side: Side) {
        let sent = self.link.in_flight.get(&side).into_iter().flatten();
        let Some(last) = sent
            .filter(|sent| sent.create)
            .max_by_key(|sent| sent.at)
            .cloned()
        else {
            return;
        };
        self.edited_since(side, &last);
        // Should what was met not be what was created, that lands as a record of its own, and not in this one (simulated
        // history 9078).
        self.intents(side)
            .retain(|sent| !sent.create || (sent.at == last.at && !last.met));
    }

    /// The record came up after the create was sent. If the create is known to have made it, what is not as it was sent was
    /// typed since. If it was met by its keys and holds most of what was sent, or enough, someone has edited what we created, or
    /// typed the same customer meanwhile: what differs is the later edit either way, but a field that is empty may never
    /// have been typed, and is filled as at any first meeting. (Where it is not the later edit that wins, the rule decides.)
    /// What a later update of ours has sent is for that to explain.
    pub(super) fn edited_since(&mut self, side: Side, intent: &Intent) {
        let linked = self.snapshot(side).filter(|s| !intent.strangers.contains(&s.id));
        let Some(holds) = linked.map(|s| s.customer.clone()) else {
            return;
        };
        let sent = self.link.in_flight.get(&side).into_iter().flatten();
        let later: Vec<_> = sent.filter(|sent| !sent.create && sent.at > intent.at).collect();
        let of_later = |field: &Field| {
            let mut sent = later.iter().filter_map(|sent| sent.values.get(field));
            sent.any(|sent| self.explained(side, *field, sent, holds.get(*field)))
        };
        let shown = intent
            .values
            .keys()
            .filter(|field| !holds.hidden.contains(field) && !of_later(field));
        let shown: Vec<_> = shown
            .map(|field| (*field, intent.values[field].as_str()))
            .collect();
        let (as_sent, mut edited): (Vec<_>, Vec<_>) = shown
            .into_iter()
            .partition(|(field, sent)| self.explained(side, *field, sent, holds.get(*field)));
        edited.retain(|(field, _)| !later.iter().any(|sent| sent.values.contains_key(field)));
        let base = self.link.base.clone();
        for (field, _) in &as_sent {
            let source = intent.source.get(field).map_or("", String::as_str);
            self.confirm_later(side, *field, source, holds.get(*field), None, base.as_ref());
        }
        let later_wins = self.engine.config.policy.strategy == ConflictStrategy::LastWriteWins;
        let is_it = as_sent.len() >= edited.len() || as_sent.len() >= SURELY;
        if intent.met && !(is_it && later_wins) {
            return;
        }
        for (field, sent) in edited {
            let typed = !intent.met || !holds.get(field).is_empty();
            if field.spec().flow == Flow::Both && typed {
                let held = self.engine.port(side).project(field, sent);
                let source = intent.source.get(&field).map_or("", String::as_str);
                self.agree(side, field, source, &held);
            }
        }
    }

    /// What an earlier create may have made is met by its keys: written down before the two are linked.
    pub(super) async fn met_again(&mut self, side: Side) -> Result<(), Stop> {
        for sent in [&mut self.intended, &mut self.link.in_flight] {
            let sent = sent.get_mut(&side).into_iter().flatten();
            sent.filter(|sent| sent.create).for_each(|sent| sent.met = true);
        }
        Ok(self.renew().await?)
    }

    /// Nothing there yet. No second create before the first has had its time and two looks found nothing.
    fn wait_for_created(&mut self, side: Side, intent: &Intent) -> Result<(), Stop> {
        let now = self.engine.clock.now();
        let settle = self.engine.config.settle();
        let left = (intent.at + settle - now).to_std().unwrap_or_default();
        let looks = intent.empty_looks + 1;
        if left.is_zero() && looks >= 2 {
            self.intents(side).retain(|i| !i.create);
            return Ok(());
        }
        for waiting in self.intents(side).iter_mut().filter(|i| i.create) {
            waiting.empty_looks = looks;
        }
        let why = format!(
            "whether {side} has created this customer is not known yet; looked {looks} times, not there so far"
        );
        Err(Stop::Wait(why, left.max(self.engine.config.retry_base)))
    }

    /// Takes as agreed what came back as sent; anything else is someone's edit, and is looked at again. What is as it was
    /// `before`, and not as it was sent, has been put back, though it may be the beginning of what was sent.
    fn confirm(&mut self, side: Side, source: &Customer, values: &Values, before: &Values) {
        let Some(came) = self.snapshot(side).map(|s| s.customer.clone()) else {
            return;
        };
        let mut all = true;
        for (field, sent) in values {
            if came.hidden.contains(field) {
                self.agree(side, *field, source.get(*field), sent);
            } else if self.explained(side, *field, sent, came.get(*field))
                && !is_untouched(*field, sent, before, came.get(*field))
            {
                self.agree(side, *field, source.get(*field), came.get(*field));
            } else {
                all = false;
            }
        }
        if all {
            self.intents(side).pop();
            // Of those that are still out, what will be seen from now on may be this one's.
            self.intents(side)
                .iter_mut()
                .for_each(|sent| sent.overtaken = true);
        } else {
            self.look_again = true;
        }
    }

    fn intent(&self, create: bool, values: Values, source: &Customer, strangers: Vec<String>) -> Intent {
        let source = values
            .keys()
            .map(|field| (*field, source.get(*field).to_owned()))
            .collect();
        Intent {
            create,
            at: self.engine.clock.now(),
            values,
            source,
            before: Values::new(),
            along: Values::new(),
            seen: Default::default(),
            overtaken: false,
            answered: None,
            known: Values::new(),
            met: false,
            strangers,
            empty_looks: 0,
            document: None,
        }
    }

    /// Commits the intent and renews the lease in one fenced statement; refuses when the lease would not outlive
    /// the time-out of what is to be sent.
    async fn intend(&mut self, side: Side, intent: Intent) -> Result<(), Stop> {
        // From now on these fields are not as earlier writes leave them, should one of those come late.
        let earlier = [&mut self.intended, &mut self.link.in_flight];
        for sent in earlier.into_iter().flat_map(|sent| sent.get_mut(&side)).flatten() {
            sent.seen.retain(|field| !intent.values.contains_key(field));
        }
        // What this run has seen confirmed stays written down until the commit that says so: it may be killed before.
        let mut intended = self.intended.clone();
        intended.entry(side).or_default().push(intent.clone());
        self.intents(side).push(intent);
        let config = &self.engine.config;
        let renewed = self.engine.clock.monotonic();
        self.engine
            .store
            .intend(&self.work.lease, &intended, config.lease)
            .await?;
        self.intended = intended;
        self.lease_ends = renewed + config.lease;
        let left = self.lease_ends.saturating_sub(self.engine.clock.monotonic());
        if left <= config.http_timeout {
            self.intents(side).pop();
            return Err(Stop::LeaseTooShort);
        }
        Ok(())
    }

    fn remember(&mut self, side: Side, values: &Values) {
        let at = self.engine.clock.now();
        let Some(base) = &mut self.link.base else {
            return;
        };
        for (field, value) in values {
            base.written.push(Written {
                field: *field,
                side,
                value: normal(*field, value),
                at,
            });
        }
        base.written.retain(|w| w.at + chrono::Duration::minutes(10) > at);
        let excess = base.written.len().saturating_sub(REMEMBERED);
        base.written.drain(..excess);
    }

    fn base_of(&self, side: Side, field: Field) -> &str {
        self.link
            .base
            .as_ref()
            .and_then(|base| base.of(side, field))
            .unwrap_or_default()
    }

    fn kind_met(&self, side: Side) -> crate::customer::Kind {
        self.snapshot(side.other())
            .map_or(crate::customer::Kind::Person, |s| s.customer.kind)
    }
}
