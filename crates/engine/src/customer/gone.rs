//! One of the two records is not there: it was deleted, or is not shown yet. Pure.

use std::time::Duration;

use domain::change::{Change, Reason};
use domain::customer::{Field, Values};
use domain::in_flight::Write;
use domain::link::LinkState;
use domain::message::{Code, Message};
use domain::side::Side;

use super::{identity, saving, taken};
use crate::Rules;
use crate::ending::{is_nothing, next_look};
use crate::seen::{Known, Refusal, Seen, Sight};
use crate::step::{Ending, Sending, Step};

/// `Active` of a contact that is not.
const INACTIVE: &str = "0";

/// The record is not there: it was deleted, or is not shown yet.
pub(super) fn next(known: &mut Known, seen: &Seen, side: Side, rules: &Rules<'_>) -> Step {
    let settle = rules.config.settle();
    let just_made = known
        .link
        .in_flight
        .create(side)
        .filter(|create| seen.now - create.at < settle);
    if just_made.is_some() && known.link.id_on(side).is_some() {
        let why = Message::new(Code::NotShownYet).with("side", side);
        return Step::End(Ending::Wait(why, rules.config.retry_base));
    }
    if let Some(wait) = not_shown_for_long(known, seen, side) {
        let why = Message::new(Code::NotShown)
            .with("side", side)
            .with("id", known.link.id_on(side).unwrap_or_default());
        return Step::End(Ending::Wait(why, wait));
    }
    if side == Side::Crm
        && rules.config.deactivate
        && let Some(step) = deactivate(known, seen, rules)
    {
        return step;
    }
    Step::End(Ending::Gone(side))
}

/// How long until the next look, where a record of which something is known is not shown and nobody has said that it is
/// gone. `None`: it is gone.
fn not_shown_for_long(known: &Known, seen: &Seen, side: Side) -> Option<Duration> {
    let known_of = known.link.is_whole() || !is_nothing(known, seen);
    let open = known_of && seen.claimed.state != LinkState::Closed;
    if !open || seen.gone_heard[side as usize] {
        return None;
    }
    let since = seen.not_shown_since[side as usize].unwrap_or(seen.now);
    next_look(seen.now - since)
}

/// The CRM has deleted the customer, and the policy says to set its contact inactive. Once: whoever sets it active again
/// after that has a reason.
fn deactivate(known: &mut Known, seen: &Seen, rules: &Rules<'_>) -> Option<Step> {
    let finance = Side::Finance;
    let link = &known.link;
    let concerns =
        link.finance_id.is_some() && link.base.is_some() && seen.claimed.state != LinkState::Closed;
    if !concerns || !rules.config.policy.to_finance {
        return None;
    }
    if seen.written[finance as usize] {
        let out = seen.answered.as_ref().map(Write::at);
        known.confirm(|write| Some(write.at()) == out);
        return matches!(seen.sight(finance), Sight::Unread).then_some(Step::Read(finance));
    }
    let active = match seen.sight(finance) {
        Sight::Unread => return Some(Step::Read(finance)),
        Sight::Absent => return None,
        Sight::Here { record, .. } => record.customer.get(Field::Active).to_owned(),
    };
    if active == INACTIVE {
        return None;
    }
    if seen.fresh != Some(finance) {
        return Some(Step::Read(finance));
    }
    if let Some(why) = identity::is_another(known, seen) {
        return Some(Step::End(Ending::Conflict(why)));
    }
    if let Some(step) = taken::look(seen).or_else(|| taken::end(seen, finance)) {
        return Some(step);
    }
    if let Some(Refusal::Port(error)) = &seen.refused[finance as usize] {
        return Some(Step::End(Ending::Failed(finance, error.clone())));
    }
    let told = Change {
        field: Field::Active,
        crm: String::new(),
        finance: active,
        winner: Some(Side::Crm),
        reason: Reason::DeletedInCrm,
    };
    let values = Values::from([(Field::Active, INACTIVE.to_owned())]);
    let update = saving::update(known, seen, finance, values, vec![told], rules.project);
    Some(Step::Write(Box::new(Sending::Update(update))))
}
