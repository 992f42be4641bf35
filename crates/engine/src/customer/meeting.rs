//! The first meeting of a customer with the other side: reserved, looked for, linked or created. Pure.

use std::time::Duration;

use domain::customer::{Customer, Field, Kind};
use domain::in_flight::{Create, InFlight, Write};
use domain::link::{Link, LinkState};
use domain::meeting::{Verdict, findable, judge, keys, locks};
use domain::message::{Code, Message};
use domain::ports::Snapshot;
use domain::side::Side;
use domain::store::Ruling;
use domain::text::same;

use super::saving;
use crate::Rules;
use crate::seen::{Known, Seen};
use crate::step::{Ending, Sending, Step};

/// Someone else's run of a record that is to be linked ends soon.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// The entity was never met on the other side: link it, create it, or say why not.
pub(super) fn next(known: &mut Known, seen: &Seen, rules: &Rules<'_>) -> Step {
    let (source, target) = (seen.source, seen.source.other());
    let Some(met) = seen.customer(source) else {
        return Step::Read(source);
    };
    if let Some((side, id, takes_over, theirs)) = &seen.not_linked {
        return not_linked(known, seen, rules, (*side, id), *takes_over, theirs.as_ref());
    }
    if let Some(id) = ruled_to_be(seen, target) {
        return link_as_ruled(seen, target, id);
    }
    match &seen.reserved {
        // Two twins, or two ends of one pair, must not be met at once.
        None => return Step::Reserve(locks(met, source, rules.config.numbering, rules.project)),
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
        && let Some(step) = lost(known, seen, rules, &create, met.kind)
    {
        return step;
    }
    let wanted = keys(met, source, rules.config.numbering);
    let found = match &seen.found {
        Some((by, found)) if *by == wanted => found,
        _ => return Step::Search(target, wanted),
    };
    match judge(met, source, found, rules.config.numbering, rules.project) {
        Verdict::Doubt(doubt) => Step::End(Ending::Conflict(doubt.message(target))),
        Verdict::Link(id) => link(seen, target, id, met, found),
        Verdict::Apart => create(seen, rules, target, met, found),
    }
}

/// Whom an operator says that this customer is on `target`.
fn ruled_to_be(seen: &Seen, target: Side) -> Option<String> {
    match seen.ruling.as_ref()? {
        Ruling::Link { crm, finance } => Some(match target {
            Side::Crm => crm.clone(),
            Side::Finance => finance.clone(),
        }),
        _ => None,
    }
}

fn link_as_ruled(seen: &Seen, target: Side, id: String) -> Step {
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

/// An earlier create was never answered: a record with its keys that was not there when it was committed, and that is this
/// customer, is what it made. `None`: it was never carried out, and is forgotten.
fn lost(known: &mut Known, seen: &Seen, rules: &Rules<'_>, create: &Create, kind: Kind) -> Option<Step> {
    let target = create.side;
    let numbering = rules.config.numbering;
    let mut sent = Customer::new(kind);
    for (field, value) in &create.fields {
        sent.set(*field, value.leaves.as_str());
    }
    let wanted = keys(&sent, target.other(), numbering);
    if !findable(&wanted, target) {
        let why = Message::new(Code::LostCreateWithoutKeys).with("side", target);
        return Some(Step::End(Ending::Conflict(why)));
    }
    let found = match &seen.found {
        Some((by, found)) if *by == wanted => found,
        _ => return Some(Step::Search(target, wanted)),
    };
    let news: Vec<&Snapshot> = found
        .iter()
        .filter(|c| !create.not_ours.contains(&c.id))
        .collect();
    let is_it = |candidate: &&&Snapshot| {
        let alone = std::slice::from_ref(**candidate);
        matches!(
            judge(&sent, target.other(), alone, numbering, rules.project),
            Verdict::Link(_)
        )
    };
    let ours: Vec<&str> = news.iter().filter(is_it).map(|c| c.id.as_str()).collect();
    let ids = |ids: &[&str]| ids.join(", ");
    match ours.as_slice() {
        [id] => Some(Step::Link {
            side: target,
            id: (*id).to_owned(),
            takes_over: true,
            told: Message::new(Code::FoundCreated)
                .with("side", target)
                .with("id", id),
        }),
        [] if news.is_empty() => wait_for_created(known, seen, rules, create),
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

/// Nothing there yet. No second create before the first has had its time and two looks found nothing.
fn wait_for_created(known: &mut Known, seen: &Seen, rules: &Rules<'_>, create: &Create) -> Option<Step> {
    let left = (create.at + rules.config.settle() - seen.now)
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

fn link(seen: &Seen, target: Side, id: String, met: &Customer, found: &[Snapshot]) -> Step {
    // An identity of the CRM that names another living contact as its own: keys that point to two.
    let named = found.iter().find(|candidate| candidate.id == id);
    let named = named.map_or("", |candidate| candidate.customer.get(Field::FinanceCode));
    let own = met.get(Field::FinanceCode);
    if target == Side::Crm && !named.is_empty() && !same(Field::FinanceCode, named, own) {
        match seen.asked.get(&(Side::Finance, named.to_owned())) {
            None => return Step::Ask(Side::Finance, named.to_owned()),
            Some(true) => {
                let why = Message::new(Code::NamesAnother)
                    .with("side", target)
                    .with("id", id)
                    .with("code", named);
                return Step::End(Ending::Conflict(why));
            }
            Some(false) => {}
        }
    }
    Step::Link {
        told: Message::new(Code::Linked).with("side", target).with("id", &id),
        side: target,
        id,
        takes_over: false,
    }
}

fn create(seen: &Seen, rules: &Rules<'_>, target: Side, met: &Customer, found: &[Snapshot]) -> Step {
    // An identity of a contact that was known and is no more: it is not made anew.
    let code = met.get(Field::FinanceCode);
    if target == Side::Finance && !code.is_empty() {
        match seen.owners.get(&(Side::Finance, code.to_owned())) {
            None => return Step::Owner(Side::Finance, code.to_owned()),
            Some(Some(theirs)) if theirs.state == LinkState::Closed => {
                let why = Message::new(Code::NamesADeletedOne).with("code", code);
                return Step::End(Ending::Conflict(why));
            }
            Some(_) => {}
        }
    }
    if !rules.config.policy.carries_to(target) {
        return Step::End(Ending::Off(target));
    }
    let not_ours = found.iter().map(|candidate| candidate.id.clone()).collect();
    let (create, customer) = saving::create(seen, target, met, not_ours, rules.config);
    Step::Write(Box::new(Sending::Create(create, customer)))
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
