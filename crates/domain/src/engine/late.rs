//! Writes of ours that were never answered: seen to have landed, late or not, they are not taken for edits.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::run::Run;
use super::write::is_untouched;
use crate::customer::{Field, Values};
use crate::fields::Flow;
use crate::merge::{Base, ConflictStrategy, Reason};
use crate::ports::Side;
use crate::store::{Change, Intent};
use crate::text::{normal, same};

/// No column cuts what people type to less, in characters. A shorter beginning of what was sent is someone's own word
/// (simulated history 88271).
const SHORTEST_COLUMN: usize = 6;

/// Fields that were seen to be as a write of ours left them, with what it overwrote if that was not told yet.
type Known = BTreeMap<(Side, Field), Option<String>>;

/// Fields that have just become as a write of ours leaves them, with the time of its intent.
type Arrived = Vec<(Side, Field, DateTime<Utc>)>;

/// Whether something of it tells the write from all others that are out, also from those that were typed over since
/// (simulated history 94893).
fn proves_itself(sent: &[(Side, Intent)], n: usize) -> bool {
    sent[n].1.values.keys().any(|field| is_its_own(sent, n, *field))
}

/// Whether no other write that is out sends the same into this field.
fn is_its_own(sent: &[(Side, Intent)], n: usize, field: Field) -> bool {
    let (side, intent) = &sent[n];
    let Some(value) = intent.values.get(&field) else {
        return false;
    };
    let mut others = sent.iter().enumerate().filter(|(m, (s, _))| *m != n && s == side);
    !others.any(|(_, (_, other))| other.values.get(&field).is_some_and(|v| same(field, v, value)))
}

impl Run<'_> {
    /// A field that equals what we sent and never saw confirmed is our own write, not an edit: both sides agreed
    /// on it when it was sent. Until its time is over such a write may land again or late, whatever is seen now.
    pub(super) fn recognise_our_own(&mut self) {
        let now = self.engine.clock.now();
        let settle = self.engine.config.settle();
        let in_flight = std::mem::take(&mut self.link.in_flight);
        if in_flight.values().all(Vec::is_empty) {
            return;
        }
        let base = self.link.base.clone();
        let mut sent: Vec<_> = in_flight
            .into_iter()
            .flat_map(|(side, intents)| intents.into_iter().map(move |intent| (side, intent)))
            .collect();
        // The newest first: it knows what it overwrote; and an older one that is there now has landed after it.
        sent.sort_by_key(|(_, intent)| std::cmp::Reverse(intent.at));
        let (mut known, mut arrived) = (Known::new(), Arrived::new());
        let landed: Vec<bool> = sent
            .iter_mut()
            .map(|(side, intent)| self.landed(*side, intent, base.as_ref(), &mut known, &mut arrived))
            .collect();
        for (n, (side, intent)) in sent.iter().enumerate() {
            let landed = self.has_landed_now(&sent, n, &arrived);
            if landed || self.engine.config.policy.strategy == ConflictStrategy::LastWriteWins {
                let others = sent
                    .iter()
                    .filter(|(s, other)| s == side && other.at != intent.at);
                let along: Vec<_> = others.map(|(_, other)| &other.along).collect();
                self.typed_over(*side, intent, &along, landed, &mut known);
            }
        }
        for (side, intent) in &mut sent {
            self.taken_back(*side, intent, &mut arrived);
        }
        self.tell_what_is_covered(&sent, &arrived);
        for (side, intent) in &sent {
            let stored = self.intended.get_mut(side).into_iter().flatten();
            for stored in stored.filter(|stored| stored.at == intent.at) {
                stored.seen.retain(|field| intent.seen.contains(field));
            }
        }
        let alone = |side: Side| {
            let there = sent
                .iter()
                .zip(&landed)
                .filter(|((s, _), landed)| *s == side && **landed);
            there.count() == 1
        };
        let alone = [alone(Side::Crm), alone(Side::Finance)];
        let proven: Vec<bool> = (0..sent.len()).map(|n| proves_itself(&sent, n)).collect();
        for (((side, mut intent), landed), proven) in sent.into_iter().zip(landed).zip(proven).rev() {
            // It lands once. Where several are there, or would look the same, one of them may still be on its way.
            let done = landed && (intent.create || (alone[side as usize] && proven && !intent.overtaken));
            intent.overtaken |= landed;
            // By the time of the look: what lands between a look and now is still to be recognised (simulated
            // history 6157).
            let seen_at = self.looked_at[side as usize].unwrap_or(now);
            if intent.at + settle > seen_at && !done {
                self.intents(side).push(intent);
            } else if intent.answered.is_some() {
                // It lands no more, but what it has made is known until that is settled (`no_second_record`).
                let settled = [
                    &mut intent.values,
                    &mut intent.source,
                    &mut intent.before,
                    &mut intent.along,
                ];
                settled.into_iter().for_each(Values::clear);
                self.intents(side).push(intent);
            }
        }
    }

    /// Whether all that was sent is there; what is there is agreed on.
    fn landed(
        &mut self,
        side: Side,
        intent: &mut Intent,
        base: Option<&Base>,
        known: &mut Known,
        arrived: &mut Arrived,
    ) -> bool {
        let Some(holds) = self.snapshot(side).map(|s| s.customer.clone()) else {
            return false;
        };
        let mut all = intent.values.keys().any(|field| !holds.hidden.contains(field));
        for (field, sent) in &intent.values {
            if holds.hidden.contains(field) {
                continue;
            }
            let now = holds.get(*field);
            // What was there before may be the beginning of what was sent: it has not landed for that.
            let untouched = is_untouched(*field, sent, &intent.before, now);
            if !untouched && self.explained(side, *field, sent, now) {
                let new = intent.seen.insert(*field);
                arrived.extend(new.then_some((side, *field, intent.at)));
                if new && !known.contains_key(&(side, *field)) {
                    let source = intent.source.get(field).map_or("", String::as_str);
                    let new = self.confirm_later(side, *field, source, now, intent.before.get(field), base);
                    known.insert((side, *field), intent.before.get(field).filter(|_| new).cloned());
                }
                continue;
            }
            intent.seen.remove(field);
            all = false;
            if let (Some(Some(over)), Some(before)) = (known.get(&(side, *field)), intent.before.get(field))
                && self.explained(side, *field, sent, over)
            {
                // It had landed, perhaps cut, and the newer one went over it: what this one overwrote was not told yet
                // (simulated history 235).
                let source = intent.source.get(field).map_or("", String::as_str);
                self.told_later(side, *field, source, before);
                known.insert((side, *field), Some(before.clone()));
            }
        }
        all
    }

    /// Whether a field that has just arrived shows that this very update has landed since it was last looked for.
    fn has_landed_now(&self, sent: &[(Side, Intent)], n: usize, arrived: &Arrived) -> bool {
        let (side, intent) = &sent[n];
        let holds = self.snapshot(*side).map(|s| &s.customer);
        arrived.iter().any(|(at_side, field, at)| {
            let changed =
                |before: &String| holds.is_some_and(|holds| !same(*field, before, holds.get(*field)));
            at_side == side
                && *at == intent.at
                && intent.before.get(field).is_some_and(changed)
                && is_its_own(sent, n, *field)
        })
    }

    /// What is neither as it was sent nor as it was before has been typed since we looked. If the write has `landed` (the
    /// whole object does at once, as another of its fields shows), it was typed over what was sent. If not, it is the later
    /// edit all the same: what was sent had been typed before.
    /// What another write that is out would leave behind, `along`, is nobody's word (simulated history 25627).
    fn typed_over(
        &mut self,
        side: Side,
        intent: &Intent,
        along: &[&Values],
        landed: bool,
        known: &mut Known,
    ) {
        let Some(holds) = self.snapshot(side).map(|s| s.customer.clone()) else {
            return;
        };
        let other = self.snapshot(side.other()).map(|s| s.customer.clone());
        for (&field, sent) in &intent.values {
            let now = holds.get(field);
            let source = intent.source.get(&field).map_or("", String::as_str);
            let Some(before) = intent.before.get(&field) else {
                continue;
            };
            let base = self.link.base.as_ref().and_then(|base| base.of(side, field));
            // What it was to overwrite may have been an edit itself, and not what the side was known to hold.
            let agreed = intent.known.get(&field).unwrap_or(before);
            let theirs = field.spec().flow == Flow::Both
                && !holds.hidden.contains(&field)
                && !known.contains_key(&(side, field))
                && !self.explained(side, field, sent, now)
                && !same(field, before, now)
                // What was sent is the other side's word still (simulated history 20301).
                && other.as_ref().is_some_and(|other| same(field, other.get(field), source))
                && base.is_none_or(|was| same(field, agreed, was) && !same(field, was, now))
                && !along.iter().any(|left| left.get(&field).is_some_and(|left| same(field, left, now)));
            if theirs {
                if landed || !same(field, before, agreed) {
                    self.told_later(side, field, source, before);
                }
                if !landed {
                    self.later.insert((side, field));
                }
                let held = self.engine.port(side).project(field, sent);
                self.agree(side, field, source, &held);
                known.insert((side, field), None);
            }
        }
    }

    /// The whole object was sent: a write that lands late takes the other fields back to what they were. That is no
    /// edit: the other side's value, whatever it is now, goes there again, unless someone types over it first.
    fn taken_back(&mut self, side: Side, intent: &mut Intent, arrived: &mut Arrived) {
        let Some(holds) = self.snapshot(side).map(|s| s.customer.clone()) else {
            return;
        };
        for (&field, sent) in &intent.along {
            let now = holds.get(field);
            // To the letter: whoever types it in another way has edited it (simulated history 34794).
            if now != sent && now != self.engine.port(side).project(field, sent) {
                intent.seen.remove(&field);
            } else if intent.seen.insert(field) {
                arrived.push((side, field, intent.at));
                self.take_back(side, field, now);
            }
        }
    }

    /// A write that has landed late covers a newer one that may have landed before it and was not told of yet: what
    /// that one overwrote must not be forgotten (simulated history 5038).
    fn tell_what_is_covered(&mut self, sent: &[(Side, Intent)], arrived: &Arrived) {
        for (side, field, at) in arrived {
            let now = self.snapshot(*side).map(|s| s.customer.get(*field).to_owned());
            let newer = sent.iter().filter(|(s, intent)| s == side && intent.at > *at);
            for (_, intent) in newer {
                if let (Some(source), Some(before)) = (intent.source.get(field), intent.before.get(field))
                    && !now.as_ref().is_some_and(|now| same(*field, before, now))
                {
                    self.told_later(*side, *field, source, before);
                }
            }
        }
    }

    /// A field of ours has landed, though no answer came: `before` is what it overwrote, `base` what was known before any of
    /// what is seen to have landed now: one that is confirmed says what the other side holds, too, and would hide that the
    /// other one is news (simulated history 64606).
    /// Says whether that is new.
    pub(super) fn confirm_later(
        &mut self,
        side: Side,
        field: Field,
        source: &str,
        now: &str,
        before: Option<&String>,
        base: Option<&Base>,
    ) -> bool {
        let known = base.and_then(|base| base.of(side, field));
        // Of a pair whose first run was killed nothing is known but what the write itself says (history 12365).
        let known = known.or(before.map(String::as_str));
        let was = known.unwrap_or_default().to_owned();
        let new = !same(field, &was, now);
        if new {
            self.told_later(side, field, source, before.unwrap_or(&was));
        }
        if new
            && before.is_some_and(|before| !same(field, before, &was))
            && self.is_as_agreed(side.other(), field, base)
        {
            // Both have agreed on something newer since.
            self.take_back(side, field, now);
        } else {
            self.agree(side, field, source, now);
        }
        new
    }

    /// Whether the side still holds what it was last known to hold.
    fn is_as_agreed(&self, side: Side, field: Field, base: Option<&Base>) -> bool {
        let base = base.and_then(|base| base.of(side, field));
        let now = self.snapshot(side).map(|s| s.customer.get(field));
        matches!((base, now), (Some(base), Some(now)) if same(field, base, now))
    }

    fn take_back(&mut self, side: Side, field: Field, holds: &str) {
        if let Some(base) = &mut self.link.base {
            base.take_back(side, field, holds);
        }
    }

    /// The audit of a write of ours that was not answered: `was` is what it overwrote.
    fn told_later(&mut self, side: Side, field: Field, source: &str, was: &str) {
        let (crm, finance) = match side {
            Side::Crm => (was.to_owned(), source.to_owned()),
            Side::Finance => (source.to_owned(), was.to_owned()),
        };
        self.changes.push(Change {
            field,
            crm,
            finance,
            winner: Some(side.other()),
            reason: Reason::ConfirmedLater,
        });
    }

    /// `side` holds `holds` where the other side's value is `source`: in step.
    pub(super) fn agree(&mut self, side: Side, field: Field, source: &str, holds: &str) {
        let Some(base) = &mut self.link.base else {
            return;
        };
        match side {
            Side::Crm => base.agree(field, holds, source),
            Side::Finance => base.agree(field, source, holds),
        }
    }

    /// Whether a value that came back is the one that was sent, as far as that side can hold it: other letter
    /// forms, digits or spaces, or cut to a length that a column may have.
    pub(super) fn explained(&self, side: Side, field: Field, sent: &str, came: &str) -> bool {
        let sent = normal(field, &self.engine.port(side).project(field, sent));
        let came = normal(field, came);
        let cut = || came.chars().count() >= SHORTEST_COLUMN && sent.starts_with(&came);
        sent == came || (field.spec().flow == Flow::Both && cut())
    }
}
