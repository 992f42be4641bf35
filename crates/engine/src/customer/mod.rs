//! What is to be done next about a customer. Pure: no I/O, no clock, no randomness.

use std::time::Duration;

use domain::base::Base;
use domain::change::{Change, Reason};
use domain::customer::{Customer, Field};
use domain::in_flight::{InFlight, Update, Write};
use domain::link::LinkState;
use domain::merge::{Decision, Merge, Project, Times, merge};
use domain::message::{Code, Message};
use domain::ports::PortError;
use domain::side::Side;
use domain::store::Ruling;
use domain::text::normal;

use crate::Rules;
use crate::seen::{Known, Refusal, Seen, Sight};
use crate::step::{Ending, Sending, Step};

pub(crate) mod company;
mod gone;
pub(crate) mod identity;
mod lost;
pub(crate) mod meeting;
pub mod ours;
pub mod saving;
mod second;
pub(crate) mod taken;
pub(crate) mod unreadable;

/// A field is held when a value has come back to it so often within [`saving::REMEMBERED_FOR`].
const RETURNS: usize = 3;

/// The next step, and what is known by now.
#[must_use]
pub fn decide(mut known: Known, seen: &Seen, rules: &Rules<'_>) -> (Known, Step) {
    let step = next(&mut known, seen, rules);
    (known, step)
}

fn next(known: &mut Known, seen: &Seen, rules: &Rules<'_>) -> Step {
    let (source, target) = (seen.source, seen.source.other());
    // The side that was heard is read first, so that the one that will most likely be written is read last.
    match seen.sight(source) {
        Sight::Unread => return Step::Read(source),
        Sight::Absent => return gone::next(known, seen, source, rules),
        Sight::Here { .. } => {}
    }
    if let Some(step) = company::next(known, seen, rules) {
        return step;
    }
    if known.link.id_on(target).is_none() {
        return meeting::next(known, seen, rules);
    }
    match seen.sight(target) {
        Sight::Unread => return Step::Read(target),
        Sight::Absent => return gone::next(known, seen, target, rules),
        Sight::Here { .. } => {}
    }
    if let Some(step) = company::next(known, seen, rules) {
        return step;
    }
    known.link.state = LinkState::Active;
    let as_claimed = (known.link.base.clone(), known.link.in_flight.clone());
    begin(known, seen, rules);
    known.confirm(|write| matches!(write, Write::Create(_)));
    confirm(known, seen, rules);
    let sides = Side::BOTH.map(|side| seen.customer(side));
    if let Some(base) = &mut known.link.base {
        let landed = ours::recognise(base, &mut known.link.in_flight, sides, rules.project);
        known.landed.extend(landed);
    }
    if let Some(why) = identity::is_another(known, seen) {
        (known.link.base, known.link.in_flight) = as_claimed;
        known.unjudged = true;
        return Step::End(Ending::Conflict(why));
    }
    identity::mark(known, seen);
    if matches!(seen.ruling, Some(Ruling::Same | Ruling::SameAs { .. })) {
        known.has_done(Message::new(Code::SameRecord));
    }
    if let Some(step) = take_forms(known, seen) {
        return step;
    }
    if let Some(step) = second::record(known, seen) {
        return step;
    }
    let merged = merged(known, seen, rules);
    if seen.narrowed.is_none() && merged.decisions.iter().any(Decision::is_conflict) {
        return Step::Narrow;
    }
    if let Some(base) = &mut known.link.base {
        for (field, crm, finance) in &merged.agreed {
            base.agree(*field, crm, finance);
            ours::settle_pending(&mut known.link.in_flight, *field, seen.now);
        }
    }
    carry(known, seen, &merged, rules)
}

/// Nothing is known yet of a pair that was just linked, but what a create of ours sent.
fn begin(known: &mut Known, seen: &Seen, rules: &Rules<'_>) {
    if known.link.base.is_some() {
        return;
    }
    let Some(kind) = seen.customer(seen.source).map(|customer| customer.kind) else {
        return;
    };
    let mut base = Base::new(kind);
    let creates: Vec<_> = Side::BOTH
        .into_iter()
        .filter_map(|side| known.link.in_flight.create(side).cloned())
        .collect();
    // Nothing is known of what two records have in common that a human has linked.
    let by_hand = matches!(seen.ruling, Some(Ruling::Link { .. }));
    for create in creates.iter().filter(|_| !by_hand) {
        let places = create.places.clone();
        base.places.extend(places.map(|places| (create.side, places)));
        match &seen.answered {
            Some(answered @ Write::Create(now)) if now.at == create.at => {
                if let Some(holds) = seen.customer(create.side) {
                    saving::read_back(&mut base, answered, holds, seen.now, rules.project);
                }
            }
            _ => saving::made(&mut base, create, seen.customer(create.side), rules.project),
        }
    }
    if let (Some(Ruling::Link { .. }), Some(crm)) = (&seen.ruling, seen.customer(Side::Crm)) {
        // Who links two records by hand links the reference, too, whatever it named before.
        let named = crm.get(Field::FinanceCode);
        if !named.is_empty() {
            base.agree(Field::FinanceCode, named, named);
        }
    }
    known.link.base = Some(base);
}

/// What was sent in this run, answered, and is read back now.
fn confirm(known: &mut Known, seen: &Seen, rules: &Rules<'_>) {
    let Some(write @ Write::Update(update)) = &seen.answered else {
        return;
    };
    let is_out = known
        .link
        .in_flight
        .iter()
        .any(|out| out.at() == update.at && out.side() == update.side);
    let (Some(base), Some(holds), true) = (&mut known.link.base, seen.customer(update.side), is_out) else {
        return;
    };
    saving::read_back(base, write, holds, seen.now, rules.project);
    ours::landed_between(base, &known.link.in_flight, update, holds, rules.project);
    for field in saving::asked(&update.fields).keys() {
        ours::settle_pending(&mut known.link.in_flight, *field, update.at);
    }
    ours::overtake(&mut known.link.in_flight, update);
    known.confirm(|out| out.at() == update.at && out.side() == update.side);
}

/// What came back altered from a save is no edit where an operator says so: of this record, or of the whole column.
fn take_forms(known: &mut Known, seen: &Seen) -> Option<Step> {
    let base = known.link.base.as_mut().filter(|base| !base.altered.is_empty())?;
    match (&seen.ruling, &seen.columns) {
        (Some(Ruling::Form), _) => base.altered.clear(),
        (_, None) => return Some(Step::Columns),
        (_, Some(columns)) => base
            .altered
            .retain(|field, side| !columns.contains(&(*side, *field))),
    }
    let claimed = seen.claimed.base.as_ref();
    if claimed.is_some_and(|claimed| {
        claimed
            .altered
            .keys()
            .any(|field| !base.altered.contains_key(field))
    }) {
        known.has_done(Message::new(Code::FormAccepted));
    }
    None
}

/// Why that side is not written, if a second record stands there.
fn held_back(known: &Known, side: Side) -> Option<Message> {
    let answered = second::id(&known.link.in_flight, side)?;
    Some(
        Message::new(Code::SecondRecordStands)
            .with("side", side)
            .with("sent", known.link.id_on(side).unwrap_or_default())
            .with("answered", answered),
    )
}

fn merged(known: &Known, seen: &Seen, rules: &Rules<'_>) -> Merge {
    let (Some(crm), Some(finance), Some(base)) = (
        seen.customer(Side::Crm),
        seen.customer(Side::Finance),
        &known.link.base,
    ) else {
        return Merge::default();
    };
    let policy = rules.config.policy;
    let mut merged = merge(
        base,
        crm,
        finance,
        &|field| times(known, seen, field, rules.project),
        policy,
        rules.project,
    );
    for decision in &mut merged.decisions {
        if let Some((side, value)) = decision.write() {
            let value = normal(decision.field, value);
            let since = seen.now - saving::REMEMBERED_FOR;
            if base.returns(decision.field, side, &value, since) >= RETURNS {
                decision.winner = None;
                decision.reason = Reason::Oscillates;
            }
        }
        // Said of what stood before this run has written: what is in conflict after that is asked anew.
        if let Some(Ruling::Keep(side)) = seen.ruling
            && !seen.written[side.other() as usize]
            && policy.carries(decision.field, side.other())
            && decision.is_conflict()
        {
            decision.winner = Some(side);
            decision.reason = Reason::SettledByHand;
        }
    }
    merged
}

/// What is known of when the sides changed that field.
fn times(known: &Known, seen: &Seen, field: Field, project: Project<'_>) -> Times {
    let mut times = seen.narrowed.unwrap_or_default();
    times.now = Some(seen.now);
    times.crm_modified = seen.snapshot(Side::Crm).and_then(|snapshot| snapshot.modified_at);
    times.finance_last_seen = times.finance_last_seen.max(seen.claimed.finance_updated_at);
    let sent = seen
        .customer(Side::Finance)
        .and_then(|finance| ours::doubted(&known.link.in_flight, finance, field, project));
    let heard = seen
        .finance_heard_at
        .filter(|heard| sent.is_none_or(|sent| sent < *heard));
    times.finance_change_seen = times.finance_change_seen.or(heard);
    times
}

/// Writes each side that differs, at most once a run; what is seen after that is for the next.
fn carry(known: &mut Known, seen: &Seen, merged: &Merge, rules: &Rules<'_>) -> Step {
    let (source, target) = (seen.source, seen.source.other());
    if let Some(step) = taken::look(seen) {
        return step;
    }
    let wants = |side: Side| !taken::without(seen, side, merged.writes_to(side)).is_empty();
    let may = |side: Side| {
        let refused = seen.refused[side as usize].is_some() || taken::is_final(seen, side);
        !seen.written[side as usize] && !refused
    };
    let wanted: Vec<Side> = [target, source]
        .into_iter()
        .filter(|side| wants(*side) && may(*side))
        .collect();
    let open: Vec<Side> = wanted
        .iter()
        .copied()
        .filter(|side| held_back(known, *side).is_none())
        .collect();
    let Some(side) = open
        .iter()
        .find(|side| seen.fresh == Some(**side))
        .or(open.first())
    else {
        return conclude(
            known,
            seen,
            merged,
            wanted.first().copied(),
            [source, target]
                .into_iter()
                .any(|side| wants(side) && !taken::is_final(seen, side)),
        );
    };
    if seen.fresh != Some(*side) {
        // What it held may be some calls old: read again, and decided anew.
        return Step::Read(*side);
    }
    let values = taken::without(seen, *side, merged.writes_to(*side));
    let asked = merged
        .decisions
        .iter()
        .filter(|d| d.write().is_some_and(|(to, _)| to == *side) && values.contains_key(&d.field));
    let decided: Vec<Change> = asked.map(Decision::change).collect();
    let update = saving::update(known, seen, *side, values, decided, rules.project);
    Step::Write(Box::new(Sending::Update(update)))
}

/// Both sides are as they should be, but for what a human decides, what was refused, and what came up meanwhile.
fn conclude(known: &mut Known, seen: &Seen, merged: &Merge, kept: Option<Side>, differs: bool) -> Step {
    for side in [seen.source.other(), seen.source] {
        match &seen.refused[side as usize] {
            Some(Refusal::Port(error)) => return Step::End(Ending::Failed(side, error.clone())),
            Some(Refusal::Conflict(why)) => return Step::End(Ending::Conflict(why.clone())),
            None => {}
        }
    }
    let standing = kept.or_else(|| {
        Side::BOTH
            .into_iter()
            .find(|side| held_back(known, *side).is_some())
    });
    if let Some(why) = standing.and_then(|side| held_back(known, side)) {
        return Step::End(Ending::Conflict(why));
    }
    known.held = Merge {
        decisions: merged.held().cloned().collect(),
        agreed: Vec::new(),
    };
    known.look_again |= differs;
    let ends = [seen.source.other(), seen.source];
    if let Some(step) = ends.into_iter().find_map(|side| taken::end(seen, side)) {
        return step;
    }
    if merged.decisions.is_empty() {
        known.link.finance_updated_at = seen.sight(Side::Finance).at();
    }
    Step::End(Ending::InStep)
}

/// What the run leaves behind of what is on its way, once it has ended, and what is to be told. `gone`: it has ended since a
/// side's record is no more, not merely not shown.
pub fn forget(known: &mut Known, seen: &Seen, gone: bool, rules: &Rules<'_>) {
    // What an earlier run wrote over is told by the run that sees it: that one may have been killed.
    let landed = std::mem::take(&mut known.landed);
    let saves = known
        .link
        .in_flight
        .0
        .iter_mut()
        .filter(|write| landed.contains(&(write.side(), write.at())));
    for write in saves.chain(&mut known.confirmed) {
        known.told.extend(write.decided());
    }
    known.confirmed.clear();

    let is_here = |side: Side| matches!(seen.sight(side), Sight::Here { .. });
    let is_gone = |side: Side| *seen.sight(side) == Sight::Absent && gone;
    if known.unjudged || !Side::BOTH.into_iter().all(|side| is_here(side) || is_gone(side)) {
        // What one side alone shows, or beside another record, was not judged: whose it is, the next run says.
        return;
    }
    let sides = Side::BOTH.map(|side| seen.customer(side));
    let read_at = Side::BOTH.map(|side| seen.sight(side).at());
    let settle = rules.config.settle();
    let forgotten = ours::forget(&mut known.link.in_flight, sides, read_at, settle, rules.project);
    if let Some(base) = &mut known.link.base {
        known.look_again |= ours::lose_sight(base, sides, &forgotten);
    }
    let decided = |saves: Vec<Update>| saves.into_iter().flat_map(|save| save.decided);
    known.told.extend(decided(forgotten.seen));
    known.unseen.extend(decided(forgotten.unseen));
}

/// How long the last save without an answer may still be on its way, by the last look at its side.
pub(crate) fn out_for(in_flight: &InFlight, seen: &Seen, settle: chrono::Duration) -> Option<Duration> {
    let until = Side::BOTH.into_iter().filter_map(|side| {
        let until = in_flight.updates(side).map(|update| update.at).max()? + settle;
        let read_at = seen.sight(side).at().unwrap_or(seen.now);
        (read_at < until).then_some(until)
    });
    let left = until.max()? - seen.now + chrono::Duration::seconds(1);
    Some(left.to_std().unwrap_or_default())
}

/// Whether a failed write leaves the other side to its own news.
pub(crate) fn is_its_own_matter(error: &PortError) -> bool {
    matches!(error, PortError::Refused(_) | PortError::Integrity { .. })
}

/// The name, as the side that was heard holds it, else the other one.
pub(crate) fn name(seen: &Seen) -> String {
    let customer = seen.customer(seen.source).or(seen.customer(seen.source.other()));
    customer
        .map(|customer| Customer::get(customer, Field::Name).to_owned())
        .unwrap_or_default()
}
