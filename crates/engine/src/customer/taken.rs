//! A unique value that another record holds: the rest of the save goes through without it, once more in a run, and the
//! row says whose it is. Pure.

use std::collections::BTreeSet;

use domain::customer::{Field, Values};
use domain::entity::EntityRef;
use domain::message::{Code, Message};
use domain::side::Side;
use domain::store::Withheld;
use domain::text::same;

use crate::seen::{Counterpart, Near, Seen, Taken, TakenBy};
use crate::step::{Ending, Step};

/// Whose the value is that a side has refused must be known first.
pub(super) fn look(seen: &Seen) -> Option<Step> {
    let unasked = |side: &Side| {
        let taken = seen.taken[*side as usize].as_ref();
        taken.is_some_and(|taken| taken.holders.is_none())
    };
    Side::BOTH.into_iter().find(unasked).map(Step::Holders)
}

/// What is sent into that side no more: what another record holds; where nobody is seen to, what is nobody's value, or else all
/// that it may be about.
pub(super) fn left_out(seen: &Seen, side: Side) -> BTreeSet<Field> {
    let Some(taken) = &seen.taken[side as usize] else {
        return BTreeSet::new();
    };
    let held = held(taken);
    let asked = taken.sent.iter().filter(|(_, (_, asked))| *asked);
    asked
        .map(|(field, _)| *field)
        .filter(|field| match held.is_empty() {
            true => taken.nobodys.is_empty() || taken.nobodys.contains(field),
            false => held.contains(field),
        })
        .collect()
}

/// Whether it may be about nobody's value, whose holder can't be found and says nothing about who this is.
pub(super) fn is_nobodys(seen: &Seen, side: Side) -> bool {
    let taken = seen.taken[side as usize].as_ref();
    taken.is_some_and(|taken| !taken.nobodys.is_empty() && !taken.again)
}

/// The values that may still be sent into that side.
pub(super) fn without(seen: &Seen, side: Side, mut values: Values) -> Values {
    let left_out = left_out(seen, side);
    values.retain(|field, _| !left_out.contains(field));
    values
}

/// Whether that side takes no further save in this run.
pub(super) fn is_final(seen: &Seen, side: Side) -> bool {
    let taken = seen.taken[side as usize].as_ref();
    taken.is_some_and(|taken| taken.again || left_out(seen, side).is_empty())
}

/// Who holds it there.
pub(super) fn holders(seen: &Seen, side: Side) -> impl Iterator<Item = &TakenBy> {
    let taken = seen.taken[side as usize].iter();
    taken.flat_map(|taken| taken.holders.iter().flatten())
}

/// Whom a customer that is met may be: the holder, too, whom nobody may have judged, unless an operator has.
pub(super) fn among(seen: &Seen, side: Side, candidates: &[Near]) -> Vec<Near> {
    let is_new = |near: &&Near| candidates.iter().all(|one| one.id != near.id);
    let unruled = holders(seen, side).filter(|by| !by.separate);
    let holders = unruled.map(|by| &by.near).filter(is_new);
    candidates.iter().chain(holders).cloned().collect()
}

/// How the row ends, when all else is done.
pub(super) fn end(seen: &Seen, side: Side) -> Option<Step> {
    let taken = seen.taken[side as usize].as_ref()?;
    let all = taken.holders.as_ref()?;
    if all.is_empty() && is_nobodys(seen, side) {
        let why = Message::new(Code::TakenPlaceholder)
            .with("side", side)
            .with("other", side.other())
            .with("words", &taken.words)
            .with("fields", names(&taken.nobodys));
        return Some(ends(all, why, false));
    }
    if all.is_empty() {
        return Some(Step::End(Ending::Failed(side, taken.error())));
    }
    let partner = all.iter().find_map(|by| partner(seen, side, by));
    if let Some((by, id, waits)) = partner {
        // It may have been told before that the value is merely taken.
        if !waits && seen.enqueued.is_none() {
            return Some(Step::Enqueue(EntityRef::customer(side.other(), id)));
        }
        return Some(ends(all, exchange(seen, side, taken, by), true));
    }
    let code = match is_final(seen, side) {
        true => Code::TakenForAll,
        false => Code::TakenBy,
    };
    let holders: Vec<Message> = all.iter().map(|by| holder(side, by)).collect();
    let why = Message::new(code)
        .with("side", side)
        .with("words", &taken.words)
        .with("fields", names(&held(taken)))
        .with_messages("holders", &holders);
    Some(ends(all, why, false))
}

fn ends(all: &[TakenBy], why: Message, in_exchange: bool) -> Step {
    let withheld = all.iter().flat_map(|by| {
        let forms = by.fields.values().flatten();
        forms.map(|form| Withheld {
            side: by.near.profile.side,
            holder: by.near.id.clone(),
            form: form.clone(),
        })
    });
    Step::End(Ending::Taken {
        why,
        withheld: withheld.collect(),
        in_exchange,
    })
}

/// The fields that another record holds.
fn held(taken: &Taken) -> BTreeSet<Field> {
    let all = taken.holders.iter().flatten();
    all.flat_map(|by| by.fields.keys().copied()).collect()
}

fn names(fields: &BTreeSet<Field>) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    names.join(", ")
}

/// The counterpart of a holder that wants the value of ours that stands in its way; and whether it waits for a human.
fn partner<'a>(seen: &Seen, side: Side, by: &'a TakenBy) -> Option<(&'a TakenBy, &'a str, bool)> {
    let Counterpart::Here { id, customer, waits } = &by.counterpart else {
        return None;
    };
    let ours = seen.customer(side)?;
    let left_out = left_out(seen, side);
    let wants = |field: &&Field| {
        let holds = ours.get(**field);
        left_out.contains(field) && !holds.is_empty() && same(**field, holds, customer.get(**field))
    };
    let wanted = by.fields.keys().find(wants);
    wanted.map(|_| (by, id.as_str(), *waits))
}

fn exchange(seen: &Seen, side: Side, taken: &Taken, by: &TakenBy) -> Message {
    let own = seen.snapshot(side).map_or("", |own| own.id.as_str());
    Message::new(Code::TakenInExchange)
        .with("side", side)
        .with("other", side.other())
        .with("own", own)
        .with("id", &by.near.id)
        .with("name", &by.name)
        .with("fields", names(&by.fields.keys().copied().collect()))
        .with("words", &taken.words)
}

fn holder(side: Side, by: &TakenBy) -> Message {
    let about = |code| {
        Message::new(code)
            .with("side", side)
            .with("id", &by.near.id)
            .with("name", &by.name)
    };
    match &by.counterpart {
        Counterpart::Gone(gone) => about(Code::HolderLeftBehind)
            .with("other", side.other())
            .with("gone", gone),
        _ => about(Code::HolderOfIt),
    }
}
