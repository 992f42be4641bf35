//! What a document's run leaves behind. Pure.

use std::time::Duration;

use domain::document::Issued;
use domain::in_flight::InFlight;
use domain::link::LinkState;
use domain::message::{Code, Message};
use domain::side::Side;
use domain::store::{Commit, Outcome, Status};
use serde_json::{Value, json};

use super::{Facts, Verdict, failure, in_words, is_nothing, not_there_yet, plain};
use crate::document::unknown;
use crate::seen::{Known, Seen, Sight};
use crate::step::Ending;

/// The end of its customer's run makes a document due. What happens beside all runs (its customer was deleted, say, and
/// nobody heard of it) is seen after so long.
const UNHEARD: Duration = Duration::from_secs(3600);
/// A document that waits for another of its order is looked at again after half of the time that it has waited, within these.
const SOONEST: Duration = Duration::from_millis(500);
const LATEST: Duration = Duration::from_secs(60);

/// What is committed.
pub(crate) fn finish(mut known: Known, seen: &Seen, ending: Ending, facts: &Facts<'_>) -> Commit {
    let changes = match &ending {
        Ending::Changed(found) => serde_json::to_value(found).ok(),
        _ => None,
    };
    let yet = match &ending {
        Ending::Gone(side) if known.link.issued.is_none() && is_nothing(&known, seen) => {
            not_there_yet(facts, *side, facts.work.lead.heard_at)
        }
        _ => None,
    };
    let awaits = match &ending {
        Ending::Awaits(_, awaited) => Some(awaited.clone()),
        _ => None,
    };
    let verdict = yet.unwrap_or_else(|| of(&known, seen, ending, facts));
    if verdict.status.is_final() && known.link.in_flight.issue().is_some_and(|sent| sent.again) {
        // An operator says that finance does not have it, and this run has not sent it: nothing is on its way that
        // others of the same order would have to wait for.
        known.link.in_flight = InFlight::none();
    }
    let closes = matches!(seen.document, Sight::Absent) && verdict.status == Status::Skipped;
    known.link.state = match (verdict.status, known.link.issued.is_some()) {
        (Status::Conflict, _) => LinkState::Conflict,
        // Its conflict row is still open.
        (Status::Pending, _) if seen.claimed.state == LinkState::Conflict => LinkState::Conflict,
        (_, true) if closes => LinkState::Closed,
        (_, true) => LinkState::Active,
        (_, false) => LinkState::New,
    };
    let retry = verdict.retry(facts);
    let issued_now = seen.issued.as_ref().map(issued_as);
    let mut audits = Vec::new();
    if let (Some(told), true) = (issued_now, verdict.status != Status::Success) {
        audits.push((Side::Crm, outcome(&known, seen, Status::Success, Some(told))));
    }
    if seen.noted.is_some() {
        audits.push((Side::Finance, noted(&known)));
    }
    // A half of which nothing is known is no more than its rows.
    let forget = known.link.issued.is_none() && verdict.status.is_final() && is_nothing(&known, seen);
    let outcome = Outcome {
        error_class: verdict.class,
        changes,
        ..outcome(&known, seen, verdict.status, verdict.message)
    };
    Commit {
        transaction: facts.transaction,
        synced_from: seen.issued.is_some().then_some(Side::Crm),
        outcome,
        retry,
        awaits,
        audits,
        look_again: known.look_again,
        seen: Vec::new(),
        took: facts.took,
        link: (!forget).then_some(known.link),
    }
}

fn of(known: &Known, seen: &Seen, ending: Ending, facts: &Facts<'_>) -> Verdict {
    let number = known.link.issued.as_ref().map(|issued| issued.number.as_str());
    match ending {
        Ending::Issued if !known.done.is_empty() => {
            Verdict::of(Status::Success, Message::together(known.done.clone()))
        }
        Ending::Issued => {
            let why = Message::new(Code::IssuedAndUnchanged).with("number", number.unwrap_or_default());
            Verdict::of(Status::Skipped, why)
        }
        Ending::Gone(_) => Verdict::of(
            Status::Skipped,
            match number {
                Some(number) => Message::new(Code::IssuedAndGone).with("number", number),
                None => Message::new(Code::NoSuchDocument),
            },
        ),
        Ending::Dependency(why) => Verdict::waits(why, patience(facts)),
        Ending::Awaits(why, _) => Verdict::waits(why, UNHEARD),
        Ending::Wait(why, _) => Verdict::waits(why, SOONEST),
        Ending::Changed(found) => {
            let told: Vec<String> = found.iter().map(ToString::to_string).collect();
            let why = Message::new(Code::ChangedAfterIssue)
                .with("number", number.unwrap_or_default())
                .with("differences", told.join("; "));
            Verdict::of(Status::Conflict, why).class("conflict")
        }
        Ending::Failed(side, error) => {
            let verdict = failure(facts, side, &error);
            let out = known.link.in_flight.issue().filter(|sent| sent.is_unknown());
            if let (Status::Failed, Some(sent)) = (verdict.status, out) {
                // Whatever else went wrong: what was sent waits for a human.
                let why = unknown(sent, Some(&in_words(side, &error)));
                return Verdict::of(Status::Conflict, why).class("unknown_outcome");
            }
            let done = seen.issued.iter().map(issued_as);
            Verdict {
                message: Message::together(done.chain(verdict.message.clone()).collect()),
                ..verdict
            }
        }
        other => plain(other, facts),
    }
}

fn issued_as(answer: &Issued) -> Message {
    Message::new(Code::IssuedAs)
        .with("number", &answer.number)
        .with("id", &answer.id)
}

fn patience(facts: &Facts<'_>) -> Duration {
    let waited = facts.now - facts.work.lead.heard_at;
    (waited.to_std().unwrap_or_default() / 2).clamp(SOONEST, LATEST)
}

/// The audit of what was carried to finance, or was to be.
fn outcome(known: &Known, seen: &Seen, status: Status, message: Option<Message>) -> Outcome {
    let document = seen.document.record().or(seen.noted.as_ref());
    let issued = known.link.issued.as_ref();
    Outcome {
        source_data: document.and_then(|seen| serde_json::to_value(&seen.document).ok()),
        target_after: seen
            .issued
            .as_ref()
            .map(|answer| json!(answer))
            .or_else(|| issued.map(|issued| json!({ "id": known.link.finance_id, "number": issued.number }))),
        ..Outcome::new(status, message)
    }
}

/// The audit of the number that went to the CRM.
fn noted(known: &Known) -> Outcome {
    let number = known.link.issued.as_ref().map_or("", |issued| &issued.number);
    let change: Value = json!([{ "field": "refId", "issued": "", "now": number }]);
    Outcome {
        changes: Some(change),
        ..Outcome::new(Status::Success, Message::new(Code::NumberIsNotedInRefId))
    }
}
