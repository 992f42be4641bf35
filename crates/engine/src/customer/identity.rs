//! Is the record under a known id still the one that it was (rule 1 of a customer)? Pure.

use domain::customer::Field;
use domain::matching::{Another, another};
use domain::message::{Code, Message};
use domain::side::Side;
use domain::store::Ruling;

use crate::seen::{Known, Seen};

/// Why nothing is written to either side: under one of the two ids stands another record. Unless an operator says that it
/// is the same.
pub(super) fn is_another(known: &Known, seen: &Seen) -> Option<Message> {
    if seen.ruling == Some(Ruling::Same) {
        return None;
    }
    Side::BOTH
        .into_iter()
        .find_map(|side| is_another_on(side, known, seen))
}

fn is_another_on(side: Side, known: &Known, seen: &Seen) -> Option<Message> {
    let was = known.link.base.as_ref()?;
    let now = seen.customer(side)?;
    let why = Message::new(match another(was.all(side), now)? {
        Another::Name => Code::AnotherByName,
        Another::NationalId => Code::AnotherByNationalId,
        Another::Mark => Code::AnotherByMark,
    });
    let about = Message::new(Code::AnotherRecord)
        .with("side", side)
        .with("id", known.link.id_on(side)?)
        .with("was", was.of(side, Field::Name).unwrap_or_default())
        .with("now", now.get(Field::Name));
    Some(about.with_message("why", &why))
}

/// Takes down the marks of both records.
pub(super) fn mark(known: &mut Known, seen: &Seen) {
    for side in Side::BOTH {
        if let (Some(base), Some(now)) = (&mut known.link.base, seen.customer(side)) {
            base.mark(side, now);
        }
    }
}
