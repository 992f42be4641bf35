//! Is the record under a known id still the one that it was (rule 1 of a customer)? Pure.

use domain::customer::{Customer, Field, Values};
use domain::fields::Flow;
use domain::forms::form_of;
use domain::in_flight::Write;
use domain::matching::{Another, another, is_placeholder};
use domain::message::{Code, Message};
use domain::side::Side;
use domain::store::Ruling;

use crate::seen::{Known, Seen};

/// Why nothing is written to either side: under one of the two ids stands another record. Unless an operator has said of
/// that one that it is the same, or linked it.
pub(super) fn is_another(known: &Known, seen: &Seen) -> Option<Message> {
    if seen.ruling == Some(Ruling::Same) {
        return None;
    }
    Side::BOTH
        .into_iter()
        .find_map(|side| is_another_on(side, known, seen))
}

fn is_another_on(side: Side, known: &Known, seen: &Seen) -> Option<Message> {
    let now = seen.customer(side)?;
    let ruled = ruled_of(side, seen);
    let was = sent_in_vain(side, seen, now).or_else(|| was(side, known, seen));
    let was = was.or_else(|| ruled.cloned())?;
    let another_now = another(&was, now)?;
    if ruled.is_some_and(|ruled| another(ruled, now).is_none()) {
        return None;
    }
    let why = Message::new(match another_now {
        Another::Name => Code::AnotherByName,
        Another::NationalId => Code::AnotherByNationalId,
        Another::Mark => Code::AnotherByMark,
    });
    let about = Message::new(Code::AnotherRecord)
        .with("side", side)
        .with("id", known.link.id_on(side)?)
        .with("was", was.get(&Field::Name).map_or("", String::as_str))
        .with("now", now.get(Field::Name));
    Some(about.with_message("why", &why))
}

/// By what that side's record was told when an operator ruled of it.
fn ruled_of(side: Side, seen: &Seen) -> Option<&Values> {
    match seen.ruling.as_ref()? {
        Ruling::Link { stood, .. } | Ruling::SameAs { stood } => stood.get(&side),
        _ => None,
    }
}

/// Whether that is another record than the one of which an operator ruled.
pub(crate) fn is_another_than_ruled(side: Side, seen: &Seen, now: &Customer) -> bool {
    ruled_of(side, seen).is_some_and(|ruled| another(ruled, now).is_some())
}

/// What was sent into that side just now, if nothing of it is there that is anybody's own: between save and read-back the id
/// was given again, and what came back is no altered form.
fn sent_in_vain(side: Side, seen: &Seen, now: &Customer) -> Option<Values> {
    let fields = match seen.answered.as_ref()? {
        Write::Create(create) if create.side == side => &create.fields,
        Write::Update(update) if update.side == side => &update.fields,
        _ => return None,
    };
    let shown = fields.iter().filter(|(field, _)| !now.hidden.contains(field));
    let sent: Values = shown
        .filter(|(field, sent)| field.spec().flow == Flow::Both && !sent.leaves.is_empty())
        .map(|(field, sent)| (*field, sent.leaves.clone()))
        .collect();
    let is_there = |(field, sent): (&Field, &String)| {
        !is_placeholder(*field, sent) && form_of(*field, sent, sent, now.get(*field)).is_some()
    };
    // One value alone may have come back in a form that nobody knows.
    (sent.len() > 1 && !sent.iter().any(is_there)).then_some(sent)
}

/// What that side's record was told by when it was last looked at. Where the two were linked and have never been looked at
/// together, the other one says who it is: the id may have been given again since it was found.
fn was(side: Side, known: &Known, seen: &Seen) -> Option<Values> {
    let was = known.link.base.as_ref()?.identity(side);
    let by_hand = matches!(seen.ruling, Some(Ruling::Link { .. }));
    let linked = seen.claimed.is_whole() || was_found(side, known, seen);
    if was.is_some() || by_hand || !linked {
        return was;
    }
    seen.customer(side.other()).map(|other| other.values.clone())
}

/// Whether it was found there in this run.
fn was_found(side: Side, known: &Known, seen: &Seen) -> bool {
    let id = known.link.id_on(side);
    let candidates = seen.gathered.iter().flat_map(|gathered| &gathered.candidates);
    let mut found = candidates.filter(|near| Some(near.id.as_str()) == id);
    side == seen.source.other() && found.next().is_some()
}

/// Takes down what both records are told by.
pub(super) fn mark(known: &mut Known, seen: &Seen) {
    for side in Side::BOTH {
        if let (Some(base), Some(now)) = (&mut known.link.base, seen.customer(side)) {
            base.mark(side, now);
        }
    }
}
