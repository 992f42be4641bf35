//! Is it ours? What an unconfirmed save of ours leaves in a field is no edit of anyone (rule 2 of a customer).
//!
//! A save leaves the whole object as it was sent. A value that one of our unconfirmed saves leaves there is ours, except an
//! edit of that side that was sent along, as long as both sides have not agreed on that field since. If nothing newer was
//! agreed on since it was sent, the save is confirmed; if something newer was, it has landed late and put the field back:
//! the other side's value is owed to it. Of two that are ours on both sides, the older one was late. Judged by looks at both
//! sides, against the base as it stands before them. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::base::{Base, Pair};
use domain::customer::{Customer, Field};
use domain::forms::form_of;
use domain::in_flight::{InFlight, Sent, Update, Write};
use domain::merge::Project;
use domain::side::Side;
use domain::text::same;

/// What both sides hold now; `None`: not seen.
pub type Sides<'a> = [Option<&'a Customer>; 2];

/// Nothing is known of the pair any more: what is in flight was overtaken.
const OVERTAKEN: Pair = (None, None);

/// Whether `side` would hold `now` had the save landed. What was sent along comes back as it had been read, to the letter:
/// whoever types it in another spelling has edited it.
#[must_use]
pub fn leaves(project: Project<'_>, side: Side, field: Field, sent: &Sent, now: &str) -> bool {
    let projected = project(side, field, &sent.leaves);
    if sent.written {
        form_of(field, &sent.leaves, &projected, now).is_some()
    } else {
        now == sent.leaves || now == projected
    }
}

fn shown(customer: Option<&Customer>, field: Field) -> Option<&str> {
    customer
        .filter(|customer| !customer.hidden.contains(&field))
        .map(|customer| customer.get(field))
}

/// The save that has left `now` in that side's field, the newest if there are several.
fn left_by<'a>(
    in_flight: &'a InFlight,
    project: Project<'_>,
    side: Side,
    field: Field,
    now: &str,
) -> Option<&'a Update> {
    let mut saves = in_flight.updates(side).rev();
    saves.find(|save| {
        let sent = save.fields.get(&field);
        sent.is_some_and(|sent| !sent.pending && leaves(project, side, field, sent, now))
    })
}

/// Which save: its side, and when it was committed.
pub type Which = (Side, DateTime<Utc>);

/// Takes what our unconfirmed saves have left on either side into the base. Says which saves have landed.
pub fn recognise(
    base: &mut Base,
    in_flight: &mut InFlight,
    sides: Sides<'_>,
    project: Project<'_>,
) -> BTreeSet<Which> {
    let (mut landed, mut agreed) = (BTreeSet::new(), Vec::new());
    let fields: BTreeSet<Field> = Side::BOTH
        .into_iter()
        .flat_map(|side| in_flight.updates(side))
        .flat_map(|save| save.fields.keys().copied())
        .collect();
    for field in fields {
        let pair = base.pair(field);
        let ours = Side::BOTH.map(|side| {
            let now = shown(sides[side as usize], field)?;
            let known = base.of(side, field);
            if known.is_some_and(|known| same(field, known, now)) {
                return None;
            }
            left_by(in_flight, project, side, field, now)
        });
        let (save, both) = match ours {
            [Some(one), Some(other)] => (if one.at < other.at { one } else { other }, true),
            [Some(one), None] | [None, Some(one)] => (one, false),
            [None, None] => continue,
        };
        let (side, sent) = (save.side, &save.fields[&field]);
        let Some(now) = shown(sides[side as usize], field) else {
            continue;
        };
        let newer = sent.base.as_ref().is_some_and(|then| *then != pair);
        match &sent.source {
            Some(source) if !newer && !both => {
                base.agree_on(side, field, now, source);
                agreed.push((field, save.at));
            }
            _ => {
                if let Some(there) = shown(sides[side.other() as usize], field).filter(|_| both) {
                    base.agree_on(side.other(), field, there, now);
                }
                base.put_back(side, field, now);
            }
        }
        landed.extend(ours.into_iter().flatten().map(|save| (save.side, save.at)));
    }
    for (field, at) in agreed {
        settle_pending(in_flight, field, at);
        known_late(in_flight, field, at, base);
    }
    landed
}

/// That a save has landed is known only now, and younger ones were sent without knowing it: what they sent along of the field
/// and differs was an edit of what it had brought, and nothing newer was agreed on since they were sent.
fn known_late(in_flight: &mut InFlight, field: Field, agreed: DateTime<Utc>, base: &Base) {
    for write in &mut in_flight.0 {
        let Write::Update(save) = write else { continue };
        let (side, younger) = (save.side, agreed < save.at);
        if let Some(sent) = save.fields.get_mut(&field).filter(|_| younger) {
            let as_agreed = base
                .of(side, field)
                .is_some_and(|was| same(field, was, &sent.leaves));
            sent.pending = !sent.written && !as_agreed;
            sent.base = Some(base.pair(field));
        }
    }
}

/// When the unconfirmed save of finance was sent that was to write this field, if what stands there now is neither what it
/// leaves nor what it was to write over. That came after it, and nobody can say whether it is an edit, or a form of what was
/// sent that nobody knows.
#[must_use]
pub fn doubted(
    in_flight: &InFlight,
    finance: &Customer,
    field: Field,
    project: Project<'_>,
) -> Option<DateTime<Utc>> {
    let now = shown(Some(finance), field)?;
    let mut saves = in_flight.updates(Side::Finance).rev();
    let save = saves.find(|save| {
        let over = save.decided.iter().find(|change| change.field == field);
        let is_other = over.is_some_and(|over| !same(field, &over.finance, now));
        let sent = save.fields.get(&field);
        is_other && sent.is_some_and(|sent| !leaves(project, Side::Finance, field, sent, now))
    });
    save.map(|save| save.at)
}

/// After [`super::saving::read_back`]: what came back altered from a save is no edit of that moment where it is what an earlier save, still on its way, leaves
/// there: that one has landed in between, and put the field back.
pub fn landed_between(
    base: &mut Base,
    earlier: &InFlight,
    save: &Update,
    holds: &Customer,
    project: Project<'_>,
) {
    let altered = |field: &Field| base.altered.get(field) == Some(&save.side);
    let written = save.fields.iter().filter(|(_, sent)| sent.written);
    let fields: Vec<Field> = written.map(|(field, _)| *field).filter(altered).collect();
    for field in fields {
        let now = holds.get(field);
        let mut before = earlier.updates(save.side).filter(|earlier| earlier.at < save.at);
        let has_left = |earlier: &Update| {
            let sent = earlier.fields.get(&field);
            sent.is_some_and(|sent| leaves(project, save.side, field, sent, now))
        };
        if before.any(has_left) {
            base.put_back(save.side, field, now);
        }
    }
}

/// A later save of that side was answered: the earlier ones that are out were overtaken. Whoever sees them from now on sees
/// a late landing, and what is as they leave it may be the later one's work.
pub fn overtake(in_flight: &mut InFlight, by: &Update) {
    for write in &mut in_flight.0 {
        if let Write::Update(save) = write
            && save.side == by.side
            && save.at < by.at
        {
            save.overtaken = true;
            // Whether an edit that was sent along is that edit, or landed late, is another question.
            let settled = save.fields.values_mut().filter(|sent| !sent.pending);
            settled.for_each(|sent| sent.base = Some(OVERTAKEN));
        }
    }
}

/// Both sides have agreed on a field: by a look, or by a save that was sent at that time. Seeing again what was sent along
/// before as an edit is a late landing from here on, whether that edit was carried over or written over.
pub fn settle_pending(in_flight: &mut InFlight, field: Field, agreed: DateTime<Utc>) {
    for write in &mut in_flight.0 {
        let Write::Update(save) = write else { continue };
        let earlier = save.at < agreed;
        if let Some(sent) = save.fields.get_mut(&field).filter(|sent| sent.pending && earlier) {
            sent.pending = false;
            sent.base = Some(OVERTAKEN);
        }
    }
}

/// Saves that can't matter any more.
#[derive(Debug, Default)]
pub struct Forgotten {
    /// Their side was seen whole as they leave it.
    pub seen: Vec<Update>,
    /// Their time was over, and nobody has seen them.
    pub unseen: Vec<Update>,
}

/// Forgets saves that can't matter any more, once both sides were looked at: their time was over when the side was read, or
/// the side was seen whole as they leave it, which no other one can have done.
pub fn forget(
    in_flight: &mut InFlight,
    sides: Sides<'_>,
    read_at: [Option<DateTime<Utc>>; 2],
    settle: chrono::Duration,
    project: Project<'_>,
) -> Forgotten {
    let is_over =
        |save: &Update| read_at[save.side as usize].is_some_and(|read_at| save.at + settle < read_at);
    let was_seen = |save: &Update| {
        let customer = sides[save.side as usize];
        !save.overtaken
            && customer.is_some_and(|customer| is_whole(save, customer, project))
            && !has_twin(in_flight, save)
    };
    let whole: Vec<bool> = in_flight
        .0
        .iter()
        .map(|write| matches!(write, Write::Update(save) if was_seen(save)))
        .collect();
    let mut forgotten = Forgotten::default();
    for (write, whole) in std::mem::take(&mut in_flight.0).into_iter().zip(whole) {
        match write {
            Write::Update(mut save) if save.answered.is_some() => {
                // It lands no more, but what it has made is known until that is settled.
                if is_over(&save) {
                    save.fields.clear();
                }
                in_flight.0.push(Write::Update(save));
            }
            Write::Update(save) if whole => forgotten.seen.push(save),
            Write::Update(save) if is_over(&save) => forgotten.unseen.push(save),
            write => in_flight.0.push(write),
        }
    }
    forgotten
}

/// What a side does not show is not known any more where a save that was forgotten without an answer would leave something
/// else there. Says whether there is any such.
pub fn lose_sight(base: &mut Base, sides: Sides<'_>, forgotten: &Forgotten) -> bool {
    let mut lost = false;
    for save in forgotten.seen.iter().chain(&forgotten.unseen) {
        let side = save.side;
        let hidden = sides[side as usize].map_or(&[][..], |customer| &customer.hidden);
        for field in hidden {
            let (known, sent) = (base.of(side, *field), save.fields.get(field));
            if let (Some(known), Some(sent)) = (known, sent)
                && !same(*field, known, &sent.leaves)
            {
                base.lose(side, *field);
                lost = true;
            }
        }
    }
    lost
}

/// Whether that side is as the save leaves it, and was not so before: one that changes nothing of what the side shows
/// looks the same landed or not.
fn is_whole(save: &Update, customer: &Customer, project: Project<'_>) -> bool {
    let now = |field: &Field| shown(Some(customer), *field);
    let as_left = |(field, sent): (&Field, &Sent)| {
        now(field).is_none_or(|now| leaves(project, save.side, *field, sent, now))
    };
    let changes = |(field, sent): (&Field, &Sent)| {
        let other = |now| sent.was(save.side).is_none_or(|was| !same(*field, was, now));
        sent.written && now(field).is_some_and(other)
    };
    save.fields.iter().all(as_left) && save.fields.iter().any(changes)
}

/// Whether another save of that side leaves the very same.
fn has_twin(all: &InFlight, save: &Update) -> bool {
    let left = |save: &Update| -> Vec<(Field, String)> {
        let fields = save.fields.iter();
        fields
            .map(|(field, sent)| (*field, sent.leaves.clone()))
            .collect()
    };
    let mut others = all.updates(save.side).filter(|other| other.at != save.at);
    others.any(|other| left(other) == left(save))
}
