//! What a customer's run leaves behind. Pure.

use domain::change::{Change, Reason};
use domain::in_flight::Write;
use domain::link::LinkState;
use domain::merge::Decision;
use domain::message::{Code, Message};
use domain::side::Side;
use domain::store::{Commit, Outcome, Status};

use super::{Facts, Verdict, is_nothing, json, not_there_yet, plain, state_after};
use crate::Rules;
use crate::customer::{forget, out_for};
use crate::seen::{Known, Seen};
use crate::step::Ending;

/// What is committed.
pub(crate) fn finish(
    mut known: Known,
    seen: &Seen,
    ending: Ending,
    facts: &Facts<'_>,
    rules: &Rules<'_>,
) -> Commit {
    let is_nothing = !known.link.is_whole() && is_nothing(&known, seen);
    let ends_unknown = is_nothing && matches!(ending, Ending::Gone(_) | Ending::Off(_) | Ending::Skip(_));
    forget(&mut known, seen, matches!(ending, Ending::Gone(_)), rules);
    let yet = match &ending {
        Ending::Gone(side) if is_nothing => {
            let since = seen.not_shown_since[*side as usize].unwrap_or(facts.now);
            not_there_yet(facts, *side, since)
        }
        _ => None,
    };
    let verdict = yet.unwrap_or_else(|| of(&mut known, seen, ending, facts));
    let ends_unknown = ends_unknown && verdict.status.is_final();
    let verdict = looked_at_again(&known, seen, verdict, ends_unknown, rules);
    if known.link.state == LinkState::New && known.link.is_whole() {
        // Created, though not yet seen: no half any more that another run may take over.
        known.link.state = LinkState::Active;
    }
    state_after(&mut known, seen, verdict.status);
    if verdict.status.is_final() {
        tell_what_is_on_its_way(&mut known);
    }
    let retry = verdict.retry(facts);
    let held: Vec<Change> = known.held.held().map(Decision::change).collect();
    let told: Vec<&Change> = known.told.iter().chain(&held).collect();
    let written = |side: Side| told.iter().any(|change| change.winner == Some(side));
    let sides = [seen.source, seen.source.other()];
    let audit = |side, status, message| outcome(seen, facts, &told, side, status, message);
    // What was written stands in an audit row of its own, unless the lead row is about just that.
    let in_lead = matches!(verdict.status, Status::Success | Status::Conflict).then_some(seen.source);
    let audits = sides
        .into_iter()
        .filter(|side| written(*side) && Some(*side) != in_lead)
        .map(|side| (side, audit(side, Status::Success, None)))
        .chain(never_seen(&known, seen, facts))
        .collect();
    let outcome = Outcome {
        error_class: verdict.class,
        withheld: verdict.withheld,
        ..audit(seen.source, verdict.status, verdict.message)
    };
    Commit {
        synced_from: sides.into_iter().find(|side| written(*side)),
        transaction: facts.transaction,
        outcome,
        retry,
        awaits: None,
        audits,
        look_again: known.look_again,
        seen: Vec::new(),
        took: facts.took,
        link: (!ends_unknown).then_some(known.link),
    }
}

/// Nobody may look at it again: it is told now, not when it is over.
fn tell_what_is_on_its_way(known: &mut Known) {
    let out = known.link.in_flight.0.iter_mut();
    let out = out.filter(|write| matches!(write, Write::Update(_)));
    known.unseen.extend(out.flat_map(Write::decided));
}

/// A row of its own for what was sent and neither answered nor seen.
fn never_seen(known: &Known, seen: &Seen, facts: &Facts<'_>) -> Vec<(Side, Outcome)> {
    let unseen: Vec<&Change> = known.unseen.iter().collect();
    let sides = [seen.source, seen.source.other()];
    let concerned = sides
        .into_iter()
        .filter(|side| unseen.iter().any(|change| change.winner == Some(*side)));
    let row = |side| {
        let why = Message::new(Code::SentAndNeverSeen);
        (
            side,
            outcome(seen, facts, &unseen, side, Status::Skipped, Some(why)),
        )
    };
    concerned.map(row).collect()
}

fn of(known: &mut Known, seen: &Seen, ending: Ending, facts: &Facts<'_>) -> Verdict {
    let source = seen.source;
    match ending {
        Ending::InStep if known.held.held().next().is_some() => {
            Verdict::of(Status::Conflict, held(known.held.held())).class("conflict")
        }
        Ending::InStep if !known.done.is_empty() || known.told.iter().any(|c| c.winner == Some(source)) => {
            Verdict::of(Status::Success, Message::together(known.done.clone()))
        }
        Ending::InStep if !known.told.is_empty() => {
            let why = Message::new(Code::NothingToCarryOver).with("side", source);
            Verdict::of(Status::Skipped, why)
        }
        Ending::InStep => Verdict::of(Status::Skipped, Message::new(Code::InStep)),
        Ending::Gone(side) if known.link.is_whole() => {
            known.link.state = LinkState::Closed;
            Verdict::of(
                Status::Skipped,
                Message::new(Code::GoneAndClosed).with("side", side),
            )
        }
        Ending::Gone(side) => Verdict::of(
            Status::Skipped,
            Message::new(Code::NoSuchRecord).with("side", side),
        ),
        Ending::Off(Side::Crm) => Verdict::of(Status::Skipped, Message::new(Code::ToCrmIsOff)),
        Ending::Off(Side::Finance) => Verdict::of(Status::Skipped, Message::new(Code::ToFinanceIsOff)),
        other => plain(other, facts),
    }
}

/// No poll need see that a late save puts back what has been put right meanwhile: we look ourselves.
fn looked_at_again(
    known: &Known,
    seen: &Seen,
    verdict: Verdict,
    unknown: bool,
    rules: &Rules<'_>,
) -> Verdict {
    let ends = matches!(verdict.status, Status::Success | Status::Skipped);
    if !ends || unknown || known.link.state != LinkState::Active {
        return verdict;
    }
    let Some(left) = out_for(&known.link.in_flight, seen, rules.config.settle()) else {
        return verdict;
    };
    let parts = verdict
        .message
        .into_iter()
        .chain([Message::new(Code::MayStillLand)])
        .collect();
    match Message::together(parts) {
        Some(message) => Verdict::waits(message, left),
        None => Verdict::of(Status::Pending, None),
    }
}

fn held<'a>(decisions: impl Iterator<Item = &'a Decision>) -> Message {
    let fields: Vec<Message> = decisions
        .map(|decision| {
            let code = match decision.reason {
                Reason::Oscillates => Code::HeldFieldOscillates,
                Reason::Altered => Code::HeldFieldAltered,
                _ => Code::HeldField,
            };
            Message::new(code)
                .with("field", decision.field)
                .with("crm", format!("{:?}", decision.crm))
                .with("finance", format!("{:?}", decision.finance))
        })
        .collect();
    Message::new(Code::HeldFields).with_messages("fields", &fields)
}

/// The audit of what was carried from `side`.
fn outcome(
    seen: &Seen,
    facts: &Facts<'_>,
    told: &[&Change],
    side: Side,
    status: Status,
    message: Option<Message>,
) -> Outcome {
    let json_of =
        |customer: Option<&domain::customer::Customer>| customer.and_then(|c| serde_json::to_value(c).ok());
    let target = side.other();
    let changes: Vec<&Change> = told
        .iter()
        .copied()
        .filter(|c| c.winner == Some(side) || (c.winner.is_none() && side == seen.source))
        .collect();
    Outcome {
        changes: json(&changes),
        source_data: json_of(seen.customer(side)),
        target_before: json_of(facts.before[target as usize].as_ref()),
        target_after: json_of(seen.customer(target)),
        ..Outcome::new(status, message)
    }
}
