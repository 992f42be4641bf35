//! The three-way merge of one customer, field by field. Pure: no I/O, no clock.
//!
//! A field's **base** is what each side was last known to hold when both were in agreement. A side that
//! equals its base was not edited since; that is what stops the echo of our own writes, too.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::base::Base;
use crate::change::{Change, Reason};
use crate::customer::{Customer, Field, Values};
use crate::fields::{Directions, Flow, TABLE};
use crate::side::Side;
use crate::text::same;

/// Who wins when both sides changed one field to different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictStrategy {
    /// The later change, by the times known (see [`Times`]).
    #[default]
    LastWriteWins,
    /// The CRM.
    CrmPriority,
    /// Finance.
    FinancePriority,
    /// Nobody: the field is held for a human.
    Manual,
}

/// How conflicts are settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Who wins.
    pub strategy: ConflictStrategy,
    /// Who wins when it can't be said which change is the later.
    pub tie_breaker: Side,
    /// Changes of the CRM are carried to finance (`SYNC_CRM_TO_FINANCE`).
    pub to_finance: bool,
    /// Changes of finance are carried to the CRM (`SYNC_FINANCE_TO_CRM`).
    pub to_crm: bool,
    /// What is closed to single fields.
    pub directions: Directions,
}

impl Policy {
    /// Whether anything may be written to that side.
    #[must_use]
    pub fn carries_to(&self, side: Side) -> bool {
        match side {
            Side::Crm => self.to_crm,
            Side::Finance => self.to_finance,
        }
    }

    /// Whether that field of that side may be written.
    #[must_use]
    pub fn carries(&self, field: Field, to: Side) -> bool {
        self.carries_to(to) && self.directions.are_open(field, to)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            strategy: ConflictStrategy::default(),
            tie_breaker: Side::Crm,
            to_finance: true,
            to_crm: true,
            directions: Directions::default(),
        }
    }
}

/// What is known of when the sides changed a field. Finance tells no time of change: its change lies between the
/// last look that found it equal to its base and this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// The time of the read. A CRM's time after it says nothing: its clock is wrong.
    pub now: Option<DateTime<Utc>>,
    /// The CRM's `modifyDate`.
    pub crm_modified: Option<DateTime<Utc>>,
    /// The last look before this one at which finance still held its base.
    pub finance_last_seen: Option<DateTime<Utc>>,
    /// The first look that found finance's change, if there was one before this.
    pub finance_change_seen: Option<DateTime<Utc>>,
}

/// What is to be done about one field on which the sides differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The field.
    pub field: Field,
    /// Whose value is taken; `None`: held for a human.
    pub winner: Option<Side>,
    /// Why.
    pub reason: Reason,
    /// The CRM's value before.
    pub crm: String,
    /// Finance's value before.
    pub finance: String,
}

impl Decision {
    /// The side that is to be written, and with what.
    #[must_use]
    pub fn write(&self) -> Option<(Side, &str)> {
        self.winner.map(|winner| match winner {
            Side::Crm => (Side::Finance, self.crm.as_str()),
            Side::Finance => (Side::Crm, self.finance.as_str()),
        })
    }

    /// Whether both sides had changed, so that one value loses.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.reason.is_conflict()
    }

    /// As an audit row says it.
    #[must_use]
    pub fn change(&self) -> Change {
        Change {
            field: self.field,
            crm: self.crm.clone(),
            finance: self.finance.clone(),
            winner: self.winner,
            reason: self.reason,
        }
    }
}

/// The result of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merge {
    /// Fields on which the sides differ and something is to be done, or held.
    pub decisions: Vec<Decision>,
    /// Fields on which they agree now, with each side's own form: (field, CRM, finance).
    pub agreed: Vec<(Field, String, String)>,
}

impl Merge {
    /// What is to be written to a side.
    #[must_use]
    pub fn writes_to(&self, side: Side) -> Values {
        let mine = self.decisions.iter().filter_map(|d| Some((d.field, d.write()?)));
        mine.filter(|(_, (to, _))| *to == side)
            .map(|(field, (_, value))| (field, value.to_owned()))
            .collect()
    }

    /// Fields that wait for a human.
    pub fn held(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|d| d.winner.is_none())
    }
}

/// "This value as that system would hold it."
pub type Project<'a> = &'a dyn Fn(Side, Field, &str) -> String;

/// Whether the two sides say the same, as far as each of them can hold it.
#[must_use]
pub fn agrees(project: Project<'_>, field: Field, crm: &str, finance: &str) -> bool {
    same(field, crm, finance)
        || same(field, &project(Side::Finance, field, crm), finance)
        || same(field, crm, &project(Side::Crm, field, finance))
}

/// Merges the present states of both sides against the base.
///
/// The result depends on nothing but its arguments; merging again what it asks for asks for nothing.
#[must_use]
pub fn merge(
    base: &Base,
    crm: &Customer,
    finance: &Customer,
    times: &dyn Fn(Field) -> Times,
    policy: Policy,
    project: Project<'_>,
) -> Merge {
    let mut result = Merge::default();
    for spec in &TABLE {
        let field = spec.field;
        let (Some(in_crm), Some(in_finance)) = (
            present(base, Side::Crm, crm, field),
            present(base, Side::Finance, finance, field),
        ) else {
            // A side neither shows the field nor has ever: only a value to be carried there is of interest.
            if spec.flow == Flow::ToFinance && policy.to_finance && !crm.get(field).is_empty() {
                result
                    .decisions
                    .push(one_way(field, Side::Crm, crm.get(field), ""));
            }
            continue;
        };
        let agree = agrees(project, field, in_crm, in_finance);
        let decision = match spec.flow {
            Flow::Kept => continue,
            _ if agree => None,
            // Nobody is asked about a field that goes nowhere.
            Flow::Both if Side::BOTH.iter().all(|to| !policy.carries(field, *to)) => continue,
            Flow::ToFinance if in_crm.is_empty() => continue,
            Flow::ToFinance => Some(one_way(field, Side::Crm, in_crm, in_finance)),
            Flow::ToCrm if in_finance.is_empty() => continue,
            // Only what is empty, or was ours and is finance's no more.
            Flow::ToCrm if !in_crm.is_empty() && !is_outdated(base, field, in_crm, in_finance) => continue,
            Flow::ToCrm => Some(one_way(field, Side::Finance, in_crm, in_finance)),
            Flow::Both => match both_ways(base, field, in_crm, in_finance, &|| times(field), policy) {
                Some((winner, reason)) => Some(Decision {
                    field,
                    winner,
                    reason,
                    crm: in_crm.to_owned(),
                    finance: in_finance.to_owned(),
                }),
                None => continue,
            },
        };
        match decision {
            // Its direction is switched off: the sides stay as they are.
            Some(decision) if decision.write().is_some_and(|(to, _)| !policy.carries(field, to)) => {}
            Some(decision) => result.decisions.push(decision),
            None => result
                .agreed
                .push((field, in_crm.to_owned(), in_finance.to_owned())),
        }
    }
    result
}

/// Whether the CRM still holds what finance had when the two agreed, and has no more.
fn is_outdated(base: &Base, field: Field, in_crm: &str, in_finance: &str) -> bool {
    let is = |side, now: &str| base.of(side, field).map(|was| same(field, was, now));
    is(Side::Crm, in_crm) == Some(true) && is(Side::Finance, in_finance) == Some(false)
}

/// What a side holds now: shown, or (where the side does not show the field) last known.
fn present<'a>(base: &'a Base, side: Side, customer: &'a Customer, field: Field) -> Option<&'a str> {
    if customer.hidden.contains(&field) {
        base.of(side, field)
    } else {
        Some(customer.get(field))
    }
}

fn one_way(field: Field, winner: Side, crm: &str, finance: &str) -> Decision {
    Decision {
        field,
        winner: Some(winner),
        reason: Reason::OneWay,
        crm: crm.to_owned(),
        finance: finance.to_owned(),
    }
}

/// Who wins a field on which the sides differ; `None` when neither has changed: nothing to carry over.
fn both_ways(
    base: &Base,
    field: Field,
    crm: &str,
    finance: &str,
    times: &dyn Fn() -> Times,
    policy: Policy,
) -> Option<(Option<Side>, Reason)> {
    let changed = |side, now: &str| base.of(side, field).map(|was| !same(field, was, now));
    let changed = (changed(Side::Crm, crm), changed(Side::Finance, finance));
    if let Some(put_back) = base.put_back.get(&field) {
        let typed_since = match put_back {
            Side::Crm => changed.0,
            Side::Finance => changed.1,
        };
        if typed_since != Some(true) {
            return Some((Some(put_back.other()), Reason::TakenBack));
        }
    }
    match (base.altered.get(&field), changed) {
        (Some(_), (Some(false), Some(false))) => return Some((None, Reason::Altered)),
        // What came back altered may be an edit of that moment.
        (Some(Side::Finance), (Some(true), _)) | (Some(Side::Crm), (_, Some(true))) => {
            return Some(settle(times(), policy));
        }
        _ => {}
    }
    match changed {
        (Some(false), Some(false)) => None,
        (Some(true), Some(false)) => Some((Some(Side::Crm), Reason::OnlyThisChanged)),
        (Some(false), Some(true)) => Some((Some(Side::Finance), Reason::OnlyThisChanged)),
        (Some(true), Some(true)) => Some(settle(times(), policy)),
        // First meeting: a value fills an empty field; two values are a conflict.
        _ if finance.is_empty() => Some((Some(Side::Crm), Reason::OtherIsEmpty)),
        _ if crm.is_empty() => Some((Some(Side::Finance), Reason::OtherIsEmpty)),
        _ => Some(settle(times(), policy)),
    }
}

fn settle(times: Times, policy: Policy) -> (Option<Side>, Reason) {
    match policy.strategy {
        ConflictStrategy::CrmPriority => (Some(Side::Crm), Reason::Priority),
        ConflictStrategy::FinancePriority => (Some(Side::Finance), Reason::Priority),
        ConflictStrategy::Manual => (None, Reason::HeldForHuman),
        ConflictStrategy::LastWriteWins => {
            let known = |at: &DateTime<Utc>| times.now.is_none_or(|now| *at <= now);
            let Some(crm) = times.crm_modified.filter(known) else {
                return (Some(policy.tie_breaker), Reason::Tie);
            };
            if times.finance_last_seen.is_some_and(|seen| crm < seen) {
                // Finance still held its base after the CRM's change: finance changed later.
                (Some(Side::Finance), Reason::LaterWins)
            } else if times.finance_change_seen.is_some_and(|seen| crm > seen) {
                (Some(Side::Crm), Reason::LaterWins)
            } else {
                (Some(policy.tie_breaker), Reason::Tie)
            }
        }
    }
}

#[cfg(test)]
mod tests;
