//! A create that was never answered, or whose answer could not be linked: what it may have made, and when it is sent again.
//! Pure.

use chrono::{DateTime, Utc};
use domain::customer::{Customer, Kind};
use domain::forms::form_of;
use domain::in_flight::{Create, Write};
use domain::matching::{Met, Tally, Verdict, findable, judge, typed_keys};
use domain::message::{Code, Message};
use domain::ports::Snapshot;
use domain::side::Side;

use super::unreadable;
use crate::Rules;
use crate::seen::{Known, Seen};
use crate::step::{Ending, Step};

/// An earlier create has made what it was answered with; if it never was answered, a record with its keys that was not there
/// when it was committed, and that is this customer. `None`: it was never carried out, and is forgotten.
pub(super) fn lost(
    known: &mut Known,
    seen: &Seen,
    rules: &Rules<'_>,
    create: &Create,
    kind: Kind,
) -> Option<Step> {
    let target = create.side;
    if let Some(id) = &create.made {
        return Some(link(target, id));
    }
    let numbering = rules.config.numbering;
    let mut sent = Customer::new(kind);
    for (field, value) in &create.fields {
        sent.set(*field, value.leaves.as_str());
    }
    let wanted = typed_keys(&sent, target.other(), numbering);
    if !findable(&wanted, target) {
        let why = Message::new(Code::LostCreateWithoutKeys).with("side", target);
        return Some(Step::End(Ending::Conflict(why)));
    }
    let Some(searched) = seen.searched.as_ref().filter(|searched| searched.by == wanted) else {
        return Some(Step::Search(target, wanted));
    };
    let news: Vec<&Snapshot> = searched
        .records
        .iter()
        .filter(|c| !create.not_ours.contains(&c.id))
        .collect();
    let is_it = |candidate: &&&Snapshot| {
        holds_it(create, &candidate.customer, target, rules) || is_same(&sent, target, candidate, rules)
    };
    let ours: Vec<&str> = news.iter().filter(is_it).map(|c| c.id.as_str()).collect();
    let ids = |ids: &[&str]| ids.join(", ");
    match ours.as_slice() {
        [id] => Some(link(target, id)),
        // It may be the very record that was made.
        [] if !seen.aside.is_empty() => unreadable::waits(target, &seen.aside).map(Step::End),
        [] if news.is_empty() => wait_for_created(known, searched.at, rules, create),
        [] => {
            let news: Vec<&str> = news.iter().map(|c| c.id.as_str()).collect();
            let why = Message::new(Code::LostCreateInDoubt)
                .with("side", target)
                .with("ids", ids(&news));
            Some(Step::End(Ending::Conflict(why)))
        }
        many => {
            let why = Message::new(Code::LostCreateSeveral)
                .with("side", target)
                .with("ids", ids(many));
            Some(Step::End(Ending::Conflict(why)))
        }
    }
}

fn link(side: Side, id: &str) -> Step {
    Step::Link {
        side,
        id: id.to_owned(),
        takes_over: true,
        told: Message::new(Code::FoundCreated).with("side", side).with("id", id),
    }
}

/// Whether the record holds everything that was sent: whatever else would make it this customer, it is what was made.
fn holds_it(create: &Create, holds: &Customer, target: Side, rules: &Rules<'_>) -> bool {
    let mut written = create.fields.iter().filter(|(_, sent)| sent.written);
    written.all(|(field, sent)| {
        let projected = (rules.project)(target, *field, &sent.leaves);
        holds.hidden.contains(field) || form_of(*field, &sent.leaves, &projected, holds.get(*field)).is_some()
    })
}

/// Whether it would be linked, were it alone.
fn is_same(sent: &Customer, target: Side, candidate: &Snapshot, rules: &Rules<'_>) -> bool {
    let reading = rules.reading();
    let sent = reading.profile("", sent, target.other());
    let profile = reading.profile(&candidate.id, &candidate.customer, target);
    let alone = Met {
        id: (),
        profile: &profile,
        linked: false,
    };
    matches!(judge(&sent, &[alone], &[], &Tally::default()), Verdict::Link(_))
}

/// Nothing there yet. No second create before two looks found nothing, the last of them begun when the first create had
/// had its time.
fn wait_for_created(
    known: &mut Known,
    looked_at: DateTime<Utc>,
    rules: &Rules<'_>,
    create: &Create,
) -> Option<Step> {
    let left = (create.at + rules.config.settle() - looked_at)
        .to_std()
        .unwrap_or_default();
    let looks = create.empty_looks + 1;
    if left.is_zero() && looks >= 2 {
        known
            .link
            .in_flight
            .0
            .retain(|write| !matches!(write, Write::Create(_)));
        return None;
    }
    for write in &mut known.link.in_flight.0 {
        if let Write::Create(create) = write {
            create.empty_looks = looks;
        }
    }
    let why = Message::new(Code::LostCreateNotThereYet)
        .with("side", create.side)
        .with("looks", looks);
    Some(Step::End(Ending::Wait(why, left.max(rules.config.retry_base))))
}
