//! What speaks for and against an edit that does not stand: when it was typed, what the systems were asked meanwhile,
//! and what the audit rows say of how it gave way.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::store::Status;
use domain::store::entities::{link, log};
use serde_json::Value;
use simulator::System;

use super::field::{FIELDS, Field, text};
use super::users::{Edit, Users};
use super::windows::{CLOSE, Windows};

/// The reasons of an audit row that speak of a conflict, or of what a write of ours went over.
const CONFLICTS: [&str; 8] = [
    "later_wins",
    "tie",
    "priority",
    "held_for_human",
    "settled_by_hand",
    "oscillates",
    "confirmed_later",
    "taken_back",
];

/// Link, field, side and value.
type Key = (String, &'static str, System, String);

/// An audit row says that a value gave way.
pub struct Loss {
    /// When the row ended.
    pub at: DateTime<Utc>,
    reason: String,
    /// The other side's value.
    to: String,
    /// In the run that an operator's word had linked the two.
    by_hand: bool,
}

type Losses = HashMap<Key, Vec<Loss>>;

/// All that is known.
pub struct Evidence<'a> {
    pub users: &'a Users,
    pub windows: Windows,
    pub rows: Vec<log::Model>,
    losses: Losses,
}

/// One field of one customer, with everything that was typed into it.
pub struct Case<'a> {
    pub field: Field,
    pub edits: Vec<&'a Edit>,
    pub link: &'a link::Model,
    pub held: String,
}

impl<'a> Evidence<'a> {
    pub fn new(users: &'a Users, windows: Windows, rows: Vec<log::Model>) -> Self {
        Self {
            users,
            windows,
            losses: losses(&rows),
            rows,
        }
    }

    pub fn exempt(&self, case: &Case<'_>, edit: &Edit) -> bool {
        let id = match edit.side {
            System::Crm => &case.link.crm_id,
            System::Finance => &case.link.finance_id,
        };
        let id = id.as_deref().unwrap_or_default();
        self.windows.hold(edit.side, id, edit.at) || self.taken_back(case, edit).is_some()
    }

    /// What was typed before, where its own hand put back what stood there before that, and nobody had carried it: by then
    /// neither of the two is an edit that anyone could see.
    pub fn taken_back<'e>(&self, case: &Case<'e>, edit: &Edit) -> Option<&'e Edit> {
        let (other, id) = match edit.side {
            System::Crm => (System::Finance, &case.link.finance_id),
            System::Finance => (System::Crm, &case.link.crm_id),
        };
        let earlier = case
            .edits
            .iter()
            .filter(|e| e.side == edit.side && e.at < edit.at);
        let between = earlier.max_by_key(|e| e.at).filter(|e| e.value == edit.before)?;
        let id = id.as_deref().unwrap_or_default();
        let unseen = between.before == edit.value
            && !self.windows.carried(other, id, case.field, &between.value)
            && self.losses(case, between).next().is_none();
        unseen.then_some(*between)
    }

    /// What audit rows say of how it gave way after it was typed. That a row carried it as the winner is no such word.
    pub fn losses(&self, case: &Case<'_>, edit: &Edit) -> impl Iterator<Item = &Loss> {
        let of_value = self.losses.get(&key(case, edit)).into_iter().flatten();
        let at = edit.at;
        of_value.filter(move |loss| loss.at > at)
    }

    /// When the first audit row ended that speaks of a conflict which this lost.
    pub fn told(&self, case: &Case<'_>, edit: &Edit) -> Option<DateTime<Utc>> {
        let losses = self.losses(case, edit);
        let conflicts = losses.filter(|loss| CONFLICTS.contains(&loss.reason.as_str()));
        conflicts.map(|loss| loss.at).min()
    }

    /// Cleared before the two were met (of a create whose answer was lost, nobody knows yet that it is ours): a first
    /// meeting fills what only one side has, and says so; or, where the answer to that was lost, that it was confirmed.
    pub fn is_filled(&self, case: &Case<'_>, edit: &Edit) -> bool {
        let mut losses = self.losses(case, edit);
        let filled = losses.any(|loss| ["other_is_empty", "confirmed_later"].contains(&loss.reason.as_str()));
        let unmet = self.met(case).is_some_and(|met| edit.at < met);
        edit.value.is_empty() && (filled && unmet || self.is_undone(case, edit))
    }

    /// Cleared again what a write of ours had filled that nobody had seen arrive yet: it looks as if it had not arrived.
    fn is_undone(&self, case: &Case<'_>, edit: &Edit) -> bool {
        let empty = self.losses.get(&key(case, edit)).into_iter().flatten();
        let filled = empty.filter(|loss| loss.to == edit.before).map(|loss| loss.at);
        filled.min().is_some_and(|first| first > edit.at)
    }

    /// Whether the last of `open` may lose, though it is the later edit, and the loss is told.
    pub fn is_tie(&self, case: &Case<'_>, open: &[&Edit]) -> bool {
        let Some((last, told)) = open.last().and_then(|last| Some((last, self.told(case, last)?))) else {
            return false;
        };
        // Whether one of the two was made from the other, nobody knows where they were linked by hand.
        if self
            .losses(case, last)
            .any(|loss| loss.by_hand && loss.at == told)
        {
            return true;
        }
        // Whoever typed over what stands competes with nobody, once a run has ended that brought it there: while its save is
        // not confirmed, nobody can tell what was typed over it from a form that the system has given it. Each value is typed
        // but once.
        let one_hand = open
            .iter()
            .rev()
            .take_while(|e| e.side == last.side && e.value != case.held);
        let typed_over = one_hand.filter(|e| e.before == case.held && !case.held.is_empty());
        let brought: Vec<bool> = typed_over.map(|e| self.is_brought(case, e.at)).collect();
        match brought.as_slice() {
            [] => self.is_overtaken(last, told) || is_unsettled(&case.edits, last),
            brought => !brought.contains(&true),
        }
    }

    /// Whether a run has ended by then that says that it has brought what stands.
    fn is_brought(&self, case: &Case<'_>, by: DateTime<Utc>) -> bool {
        let brings = |change: &Value| {
            let value = [&change["crm"], &change["finance"]];
            change["field"] == case.field.in_audit() && value.iter().any(|value| **value == case.held)
        };
        let says = |row: &&log::Model| {
            let changes = row.changes.as_ref().and_then(Value::as_array);
            changes.into_iter().flatten().any(brings)
        };
        let mut rows = self.successes(case).filter(says);
        rows.any(|row| row.completed_at.is_some_and(|end| end < by))
    }

    /// When the first run ended that has carried something between the two.
    fn met(&self, case: &Case<'_>) -> Option<DateTime<Utc>> {
        self.successes(case).filter_map(|row| row.completed_at).min()
    }

    /// The runs of a customer that have carried something.
    fn successes(&self, case: &Case<'_>) -> impl Iterator<Item = &log::Model> {
        let link = case.link.id;
        let of_it = self
            .rows
            .iter()
            .filter(move |row| row.entity_mapping_id == Some(link));
        of_it.filter(move |row| row.status == Status::Success)
    }

    /// Finance has no times: a change of any of a contact's fields makes the whole contact as new as the look that saw
    /// it (design, "The engine", 3). So an edit in the CRM may lose against an earlier one of finance if anything else
    /// was typed into the contact at the same time or later, before the loss was told: that may take long in a storm.
    fn is_overtaken(&self, edit: &Edit, told: DateTime<Utc>) -> bool {
        let later = |e: &Edit| e.at + CLOSE >= edit.at && e.at <= told;
        edit.side == System::Crm && self.in_finance(edit.person).any(later)
    }

    /// All that was typed into the customer's contact.
    pub fn in_finance(&self, person: usize) -> impl Iterator<Item = &Edit> {
        let edits = self.users.edits.iter();
        edits.filter(move |e| e.person == person && e.side == System::Finance)
    }
}

/// Someone else edited the field when this was typed in finance, or soon after: the polls can't tell which is the later.
fn is_unsettled(edits: &[&Edit], edit: &Edit) -> bool {
    let soon = edit.at + TimeDelta::seconds(10);
    let competes = |e: &&&Edit| e.side == System::Crm && e.at > edit.at && e.at < soon;
    edit.side == System::Finance && (!edit.quiet || edits.iter().any(|e| competes(&e)))
}

fn key(case: &Case<'_>, edit: &Edit) -> Key {
    let link = case.link.id.to_string();
    (link, case.field.in_audit(), edit.side, edit.value.clone())
}

fn losses(rows: &[log::Model]) -> Losses {
    let sides = [
        (System::Crm, "crm", "CRM"),
        (System::Finance, "finance", "FINANCE"),
    ];
    let mut losses = Losses::new();
    for row in rows {
        let (Some(link), Some(at), Some(Value::Array(changes))) =
            (row.entity_mapping_id, row.completed_at, &row.changes)
        else {
            continue;
        };
        for change in changes {
            let Some(field) = FIELDS.iter().find(|field| change["field"] == field.in_audit()) else {
                continue;
            };
            for ((side, name, _), (_, other, _)) in sides
                .iter()
                .zip(sides.iter().rev())
                .filter(|((.., winner), _)| change["winner"] != *winner)
            {
                let key = (link.to_string(), field.in_audit(), *side, text(&change[name]));
                losses.entry(key).or_default().push(Loss {
                    at,
                    reason: text(&change["reason"]),
                    to: text(&change[other]),
                    by_hand: row.error_code.as_deref() == Some("linked_by_hand"),
                });
            }
        }
    }
    losses
}
