//! What a save, or a create, of a customer consists of; and what becomes of the base once it was read back. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::base::{Base, Written};
use domain::change::{Change, Reason};
use domain::customer::{Customer, Field, Kind, Values};
use domain::fields::{FieldSpec, Flow, TABLE};
use domain::forms::{form_of, is_escaped};
use domain::in_flight::{Create, Sent, Update, Write};
use domain::merge::Project;
use domain::side::Side;
use domain::text::{normal, same};

use super::taken;
use crate::Config;
use crate::seen::{Known, Seen};

/// So many writes are remembered for what is written back and forth …
const REMEMBERED: usize = 64;
/// … for so long.
pub(super) const REMEMBERED_FOR: chrono::Duration = chrono::Duration::minutes(10);

fn both_ways() -> impl Iterator<Item = Field> {
    TABLE
        .iter()
        .filter(|spec| spec.flow == Flow::Both)
        .map(|spec| spec.field)
}

/// The save of `values` into what was read last of `side`.
pub(super) fn update(
    known: &Known,
    seen: &Seen,
    side: Side,
    mut values: Values,
    decided: Vec<Change>,
    project: Project<'_>,
) -> Update {
    let nobody = Customer::new(Kind::Person);
    let here = seen.customer(side).unwrap_or(&nobody);
    let there = seen.customer(side.other()).unwrap_or(&nobody);
    let base = known.link.base.as_ref();
    let base_of = |side, field| base.and_then(|base| base.of(side, field));
    values.extend(not_shown(here, there, base, side, &values));
    values.extend(escaped(here, there, base, side, project));
    let pair = |field| Some(base.map(|base| base.pair(field)).unwrap_or_default());
    let along = |field: Field| Sent {
        leaves: here.get(field).to_owned(),
        source: base_of(side.other(), field).map(str::to_owned),
        base: pair(field),
        written: false,
        pending: base_of(side, field).is_none_or(|was| !same(field, was, here.get(field))),
    };
    let written = |field: Field, leaves: String| Sent {
        leaves,
        source: Some(there.get(field).to_owned()),
        base: pair(field),
        written: true,
        pending: false,
    };
    let rest = both_ways().filter(|field| !values.contains_key(field));
    let mut fields: BTreeMap<Field, Sent> = rest.map(|field| (field, along(field))).collect();
    fields.extend(
        values
            .into_iter()
            .map(|(field, leaves)| (field, written(field, leaves))),
    );
    Update {
        side,
        at: seen.now,
        fields,
        overtaken: false,
        answered: None,
        decided,
    }
}

/// A form save writes all of its controls: what the side does not show must be sent along, or it is cleared.
fn not_shown(here: &Customer, there: &Customer, base: Option<&Base>, side: Side, values: &Values) -> Values {
    let hidden = here.hidden.iter();
    let hidden = hidden.filter(|field| field.spec().flow == Flow::ToFinance && !values.contains_key(field));
    let last = |field: Field| {
        let known = base.and_then(|base| base.of(side, field)).unwrap_or_default();
        let value = [there.get(field), known]
            .into_iter()
            .find(|value| !value.is_empty())?;
        Some((field, value.to_owned()))
    };
    hidden.filter_map(|field| last(*field)).collect()
}

/// What stands there escaped is sent as it was typed on the other side, not as it was read: else each save would escape it once
/// more, and what comes back would be taken for an edit.
fn escaped(
    here: &Customer,
    there: &Customer,
    base: Option<&Base>,
    side: Side,
    project: Project<'_>,
) -> Values {
    let is_agreed = |field: Field| {
        let is = |side, now: &Customer| base.and_then(|base| base.of(side, field)) == Some(now.get(field));
        is(side, here) && is(side.other(), there)
    };
    let sent_anew = |field: &Field| {
        let typed = there.get(*field);
        is_agreed(*field) && is_escaped(*field, typed, &project(side, *field, typed), here.get(*field))
    };
    both_ways()
        .filter(sent_anew)
        .map(|field| (field, there.get(field).to_owned()))
        .collect()
}

/// The values that a write asks for.
#[must_use]
pub fn asked(fields: &BTreeMap<Field, Sent>) -> Values {
    let written = fields.iter().filter(|(_, sent)| sent.written);
    written
        .map(|(field, sent)| (*field, sent.leaves.clone()))
        .collect()
}

/// The create of what `met` says on `side`. `not_ours`: records there that were found by its keys and are not it.
pub(super) fn create(
    seen: &Seen,
    side: Side,
    met: &Customer,
    not_ours: Vec<String>,
    config: &Config,
) -> (Create, Customer) {
    let goes = |flow| match side {
        Side::Crm => flow == Flow::Both || flow == Flow::ToCrm,
        Side::Finance => flow == Flow::Both || flow == Flow::ToFinance,
    };
    let mut customer = Customer::new(met.kind);
    // Nobody is made without a name. Nothing is known then of what is left out, so that the next look sees that it is missing.
    let open = |field| field == Field::Name || config.policy.directions.are_open(field, side);
    let left_out = taken::left_out(seen, side);
    let sent = |spec: &&FieldSpec| goes(spec.flow) && open(spec.field) && !left_out.contains(&spec.field);
    for spec in TABLE.iter().filter(sent) {
        customer.set(spec.field, met.get(spec.field));
    }
    if side == Side::Crm && customer.get(Field::CustomerNumber).is_empty() {
        let number = config.numbering.number(met.get(Field::FinanceCode));
        customer.set(Field::CustomerNumber, number.unwrap_or_default());
    }
    let names = both_ways().chain(customer.values.keys().copied());
    let fields = names
        .filter(|field| !left_out.contains(field))
        .map(|field| {
            let sent = Sent {
                leaves: customer.get(field).to_owned(),
                source: Some(met.get(field).to_owned()),
                base: None,
                written: !customer.get(field).is_empty(),
                pending: false,
            };
            (field, sent)
        })
        .collect();
    let decided = told_of(side, &customer.values);
    let create = Create {
        side,
        at: seen.now,
        fields,
        not_ours,
        empty_looks: 0,
        made: None,
        places: None,
        decided,
    };
    (create, customer)
}

/// The audit of a record that did not exist before.
fn told_of(side: Side, values: &Values) -> Vec<Change> {
    let change = |(field, value): (&Field, &String)| {
        let (crm, finance) = match side {
            Side::Crm => (String::new(), value.clone()),
            Side::Finance => (value.clone(), String::new()),
        };
        Change {
            field: *field,
            crm,
            finance,
            winner: Some(side.other()),
            reason: Reason::OtherIsEmpty,
        }
    };
    values.iter().map(change).collect()
}

/// What is known of a pair one half of which a create of ours has made: what was sent, and from what. Whatever differs from
/// that now was typed since; but what is empty there is filled, as at any first meeting: it may be another's record after
/// all, typed without it.
pub(super) fn made(base: &mut Base, create: &Create, holds: Option<&Customer>, project: Project<'_>) {
    let side = create.side;
    for (field, sent) in &create.fields {
        let projected = project(side, *field, &sent.leaves);
        if holds.is_some_and(|holds| holds.hidden.contains(field)) {
            continue;
        }
        let now = holds.map(|holds| holds.get(*field));
        if !sent.leaves.is_empty() && now.is_some_and(str::is_empty) {
            continue;
        }
        let here = now
            .filter(|now| form_of(*field, &sent.leaves, &projected, now).is_some())
            .unwrap_or(&projected);
        base.agree_on(side, *field, here, sent.source.as_deref().unwrap_or_default());
    }
}

/// What was sent was answered and is read back: what came back in a form that is known is agreed on; anything else is held,
/// since it may be an edit of that moment. What was not sent and is there now is an edit.
pub(super) fn read_back(
    base: &mut Base,
    write: &Write,
    holds: &Customer,
    at: DateTime<Utc>,
    project: Project<'_>,
) {
    let (side, fields) = match write {
        Write::Create(create) => (create.side, &create.fields),
        Write::Update(update) => (update.side, &update.fields),
        Write::Issue(_) => return,
    };
    let is_new = matches!(write, Write::Create(_));
    for (field, sent) in fields.iter().filter(|(_, sent)| sent.written || is_new) {
        let source = sent.source.as_deref().unwrap_or_default();
        if holds.hidden.contains(field) {
            base.agree_on(side, *field, &sent.leaves, source);
            continue;
        }
        let came = holds.get(*field);
        let projected = project(side, *field, &sent.leaves);
        if form_of(*field, &sent.leaves, &projected, came).is_some() {
            base.agree_on(side, *field, came, source);
        } else if !sent.written {
            // A create that left it empty: whatever is there was typed since.
            base.agree_on(side, *field, &sent.leaves, source);
        } else if field.spec().flow == Flow::Both {
            base.alter(side, *field, came, source);
        }
    }
    let written = fields.iter().filter(|(_, sent)| sent.written && !is_new);
    let remembered = written.map(|(field, sent)| Written {
        field: *field,
        side,
        value: normal(*field, &sent.leaves),
        at,
    });
    base.written.extend(remembered);
    base.written.retain(|written| written.at + REMEMBERED_FOR > at);
    let excess = base.written.len().saturating_sub(REMEMBERED);
    base.written.drain(..excess);
}
