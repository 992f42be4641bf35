//! The first meeting of a customer with the other side: reserved, looked for, linked or created. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::customer::Field;
use domain::in_flight::{InFlight, Write};
use domain::link::{Link, LinkState};
use domain::matching::{Met, Profile, Verdict, forms, judge, locks, search_keys};
use domain::message::{Code, Message, evidence};
use domain::ports::Snapshot;
use domain::side::Side;
use domain::store::Ruling;

use super::{identity, lost, saving, taken};
use crate::Rules;
use crate::seen::{Gathered, Known, Near, Seen};
use crate::step::{Ending, Sending, Step};

/// Someone else's run of a record that is to be linked ends soon.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// The entity was never met on the other side: link it, create it, or say why not.
pub(super) fn next(known: &mut Known, seen: &Seen, rules: &Rules<'_>) -> Step {
    let (source, target) = (seen.source, seen.source.other());
    let Some(met) = seen.snapshot(source) else {
        return Step::Read(source);
    };
    if let Some((side, id, takes_over, theirs)) = &seen.not_linked {
        return not_linked(known, seen, rules, (*side, id), *takes_over, theirs.as_ref());
    }
    if let Some(id) = ruled_to_be(seen, target) {
        return link_as_ruled(known, seen, met, target, id);
    }
    let profile = rules.reading().profile(&met.id, &met.customer, source);
    if profile.name.nobody && known.link.in_flight.is_empty() {
        return Step::End(Ending::Skip(Message::new(Code::NameOfNobody)));
    }
    let Some(holders) = &seen.holders else {
        return Step::Count(forms(&profile));
    };
    match &seen.reserved {
        // Two twins, or two ends of one pair, must not be met at once.
        None => return Step::Reserve(locks(&profile, holders)),
        Some(Some(holder)) if holder.waits => {
            let why = Message::new(Code::KeysAreBeingMet);
            let sent = [&known.link.in_flight, &InFlight::none()];
            return wait(sent, seen, rules, why, rules.config.retry_base);
        }
        Some(Some(holder)) => {
            let why = Message::new(Code::KeysWaitForAHuman).with("link", holder.link);
            return Step::End(Ending::Conflict(why));
        }
        Some(None) => {}
    }
    if let Some(create) = known.link.in_flight.create(target).cloned()
        && let Some(step) = lost::lost(known, seen, rules, &create, met.customer.kind)
    {
        return step;
    }
    let Some(gathered) = &seen.gathered else {
        let keys = search_keys(&met.customer, &profile, source, rules.config.numbering, holders);
        return Step::Gather(Box::new(profile), keys);
    };
    judged(known, seen, rules, &profile, gathered)
}

/// Whom an operator says that this customer is on `target`.
fn ruled_to_be(seen: &Seen, target: Side) -> Option<String> {
    match seen.ruling.as_ref()? {
        Ruling::Link { crm, finance, .. } => Some(match target {
            Side::Crm => crm.clone(),
            Side::Finance => finance.clone(),
        }),
        _ => None,
    }
}

fn link_as_ruled(known: &Known, seen: &Seen, met: &Snapshot, target: Side, id: String) -> Step {
    let (source, customer) = (seen.source, &met.customer);
    let mut create = known.link.in_flight.create(target).into_iter();
    if create.any(|create| !create.may_have_made(&id)) {
        let why = Message::new(Code::NotLinkedIsBeingCreated);
        return Step::End(Ending::Conflict(why.with("side", target)));
    }
    if identity::is_another_than_ruled(source, seen, customer) {
        return not_as_ruled(source, &met.id, customer.get(Field::Name));
    }
    if let Some(name) = seen.replaced.get(&(target, id.clone())) {
        return not_as_ruled(target, &id, name);
    }
    match seen.asked.get(&(target, id.clone())) {
        None => Step::Ask(target, id),
        Some(false) => {
            let why = Message::new(Code::NotLinkedNoSuch)
                .with("side", target)
                .with("id", id);
            Step::End(Ending::Conflict(why))
        }
        Some(true) => Step::Link {
            told: Message::new(Code::LinkedByHand)
                .with("side", target)
                .with("id", &id),
            side: target,
            id,
            takes_over: true,
        },
    }
}

fn not_as_ruled(side: Side, id: &str, now: &str) -> Step {
    let why = Message::new(Code::NotLinkedAnother);
    Step::End(Ending::Conflict(
        why.with("side", side).with("id", id).with("now", now),
    ))
}

/// What the evidence comes to.
fn judged(known: &Known, seen: &Seen, rules: &Rules<'_>, met: &Profile, gathered: &Gathered) -> Step {
    let target = seen.source.other();
    if let Some(step) = taken::look(seen) {
        return step;
    }
    let near = taken::among(seen, target, &gathered.candidates);
    let candidates = met_of(&near);
    let rivals = met_of(&gathered.rivals);
    match judge(met, &candidates, &rivals, &gathered.holders) {
        Verdict::Nobody => Step::End(Ending::Skip(Message::new(Code::NameOfNobody))),
        Verdict::Doubt(doubt) => Step::End(Ending::Conflict(evidence::doubt(&doubt, target))),
        // Who has just turned up is met in a run of its own.
        Verdict::Link(_) if let Some(taken) = &seen.taken[target as usize] => {
            Step::End(Ending::Failed(target, taken.error()))
        }
        Verdict::Link(best) => Step::Link {
            told: evidence::linked(&best, target),
            side: target,
            id: best.id,
            takes_over: false,
        },
        Verdict::Apart => create(known, seen, rules, gathered),
    }
}

/// As they are judged.
pub(crate) fn met_of(all: &[Near]) -> Vec<Met<'_, String>> {
    let met = all.iter().map(|near| Met {
        id: near.id.clone(),
        profile: &near.profile,
        linked: near.linked,
    });
    met.collect()
}

fn create(known: &Known, seen: &Seen, rules: &Rules<'_>, gathered: &Gathered) -> Step {
    let (source, target) = (seen.source, seen.source.other());
    let Some(met) = seen.customer(source) else {
        return Step::Read(source);
    };
    // An identity of a contact that was known and is no more: it is not made anew, noticed by its own link or not yet.
    let code = met.get(Field::FinanceCode);
    if target == Side::Finance && !code.is_empty() {
        let Some(owner) = seen.owners.get(&(Side::Finance, code.to_owned())) else {
            return Step::Owner(Side::Finance, code.to_owned());
        };
        if let Some(why) = names_no_more(code, owner.as_ref(), known, gathered) {
            return Step::End(Ending::Conflict(why));
        }
    }
    if !rules.config.policy.carries_to(target) {
        return Step::End(Ending::Off(target));
    }
    if let Some(why) = &gathered.incomplete {
        let why = Message::new(Code::SearchIncomplete)
            .with("side", target)
            .with("why", why);
        return Step::End(Ending::Conflict(why));
    }
    // Nobody else is seen to hold it: it may be this very customer; but nobody's value says nothing of that.
    let alone = taken::holders(seen, target).next().is_none() && !taken::is_nobodys(seen, target);
    if (alone || taken::is_final(seen, target))
        && let Some(step) = taken::end(seen, target)
    {
        return step;
    }
    let holders = taken::holders(seen, target).map(|by| by.near.id.clone());
    let not_ours: BTreeSet<String> = gathered.there.iter().cloned().chain(holders).collect();
    let not_ours = not_ours.into_iter().collect();
    let (create, customer) = saving::create(seen, target, met, not_ours, rules.config);
    Step::Write(Box::new(Sending::Create(create, customer)))
}

/// Why who names that contact is not created: it was known, and is no more; or nobody knows yet who stands there.
fn names_no_more(code: &str, owner: Option<&Link>, known: &Known, gathered: &Gathered) -> Option<Message> {
    let owner = owner.filter(|owner| owner.id != known.link.id)?;
    if owner.state == LinkState::Closed || !gathered.there.contains(code) {
        return Some(Message::new(Code::NamesADeletedOne).with("code", code));
    }
    let why = Message::new(Code::CandidateWaitsForAHuman);
    let waits = owner.is_whole() && owner.state == LinkState::Conflict;
    waits.then(|| why.with("side", Side::Finance).with("id", code))
}

/// Waits for another entity. Whoever has a create on its way keeps its keys meanwhile, so that two of those may wait for
/// each other; and the row that would see to it may have failed. So no one waits for ever where something was sent long
/// ago: a human is needed then. All others may wait for as long as it takes.
fn wait(sent: [&InFlight; 2], seen: &Seen, rules: &Rules<'_>, why: Message, wait: Duration) -> Step {
    let patience = rules.config.settle() * 5;
    let creates = sent
        .into_iter()
        .flatten()
        .filter(|write| matches!(write, Write::Create(_)));
    let waited = creates.map(|create| seen.now - create.at()).max();
    Step::End(if waited.is_some_and(|waited| waited > patience) {
        Ending::Conflict(Message::new(Code::WaitedForLong).with_message("why", &why))
    } else {
        Ending::Wait(why, wait)
    })
}

/// Why a record could not be made ours: it is another link's, or just being looked at from its other end.
fn not_linked(
    known: &Known,
    seen: &Seen,
    rules: &Rules<'_>,
    (side, id): (Side, &str),
    takes_over: bool,
    theirs: Option<&Link>,
) -> Step {
    let other = side.other();
    let about = |code| {
        Message::new(code)
            .with("side", side)
            .with("other", other)
            .with("id", id)
    };
    let busy = about(Code::WorkedOnFromItsOtherEnd);
    let half = theirs.is_none_or(|theirs| theirs.id_on(other).is_none());
    match theirs.map(|theirs| (theirs.state, theirs.in_flight.is_empty())) {
        // A lease, nothing else: it ends by itself.
        None | Some((LinkState::New, true)) => Step::End(Ending::Wait(busy, BUSY_WAIT)),
        Some((LinkState::Conflict, true)) if half && takes_over => Step::End(Ending::Wait(busy, BUSY_WAIT)),
        Some((LinkState::New, false)) => {
            let theirs = theirs.map(|theirs| theirs.in_flight.clone()).unwrap_or_default();
            wait([&known.link.in_flight, &theirs], seen, rules, busy, BUSY_WAIT)
        }
        Some((LinkState::Conflict, _)) if half => {
            Step::End(Ending::Conflict(about(Code::CandidateWaitsForAHuman)))
        }
        Some((LinkState::Closed, _)) => Step::End(Ending::Conflict(about(Code::CandidateIsLeftBehind))),
        Some(_) => Step::End(Ending::Conflict(about(Code::CandidateIsAnothers))),
    }
}
