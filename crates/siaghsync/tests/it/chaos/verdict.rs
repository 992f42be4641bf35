//! The dust has settled: both systems and the tables against the log of what was typed.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::store::entities::{link, log, retry};
use domain::store::{EntityType, LinkState, Status};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use simulator::{Simulator, System};

use super::field::{FIELDS, Field, text};
use super::users::{self, Edit, Users, in_crm, in_finance};
use super::windows::{CLOSE, Windows};
use crate::deployment::Deployment;

/// What was found. All lists are empty when all is well.
#[derive(Default)]
pub struct Verdict {
    /// Edits that nobody can find again, and customers who are not in both systems.
    pub lost: Vec<String>,
    pub duplicated: Vec<String>,
    /// Rows, retries and links that are not at an end.
    pub stuck: Vec<String>,
    /// Values that nobody typed, and such that no sync may touch.
    pub invented: Vec<String>,
    /// Typed between a read and the landing of its save.
    pub exempt: usize,
    /// Saves with another call of the same run between them and their read.
    pub from_an_older_look: usize,
    /// Both sides edited, and finance's times are too coarse to say which was later; the loser is told.
    pub ties: usize,
    /// Cleared before the first meeting, and filled again by it.
    pub filled: usize,
    /// Losers of conflicts that stand in audit rows.
    pub recorded: usize,
    /// Those of them whose rows don't speak of a conflict.
    pub unsaid: usize,
}

impl Verdict {
    pub fn is_fine(&self) -> bool {
        [&self.lost, &self.duplicated, &self.stuck, &self.invented]
            .iter()
            .all(|list| list.is_empty())
    }

    pub fn print(&self) {
        let lists = [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("stuck", &self.stuck),
            ("invented", &self.invented),
        ];
        for (name, list) in lists {
            for line in list.iter().take(20) {
                println!("{name}: {line}");
            }
        }
    }
}

pub async fn judge(d: &Deployment, users: &Users) -> Verdict {
    let links = d.links().await;
    let mut judge = Judge {
        users,
        windows: Windows::of(&d.sim, &links),
        rows: d.rows().await,
        losses: losses(&d.rows().await),
        verdict: Verdict::default(),
    };
    judge.stuck(d).await;
    judge.verdict.from_an_older_look = judge.windows.from_an_older_look;
    let links = of_customers(links, |link| link.entity_type);
    judge.counts(d, &links);
    for person in 0..users.people.len() {
        judge.person(d, person, &links);
    }
    judge.verdict
}

/// Takes last words back to what had been typed before, in both systems, as a product would that loses them. Says how
/// many.
pub fn take_back(sim: &Simulator, users: &Users) -> usize {
    let mut taken_back = 0;
    for (number, person) in users.people.iter().enumerate() {
        for field in FIELDS {
            let (Some(object), Some(contact)) =
                (in_crm(sim, &person.sample), in_finance(sim, &person.sample))
            else {
                continue;
            };
            let held = field.of_object(&object);
            let edits = users.edits.iter();
            let mut edits = edits.rev().filter(|e| e.person == number && e.field == field);
            let stands = edits.next().is_some_and(|last| last.value == held);
            let before = edits
                .map(|e| e.value.as_str())
                .find(|value| !value.is_empty() && *value != held);
            if let Some(before) = before.filter(|_| stands) {
                let id = text(&object["crmId"]);
                sim.crm().edit(&id, field.patch(&object, before)).unwrap();
                let code = contact["Code"].as_i64().unwrap();
                sim.finance()
                    .edit(code, json!({ field.column(): before }))
                    .unwrap();
                taken_back += 1;
            }
        }
    }
    taken_back
}

/// Documents are judged by themselves: `document_verdict`.
fn of_customers<T>(all: Vec<T>, entity_type: impl Fn(&T) -> EntityType) -> Vec<T> {
    let customers = |one: &T| entity_type(one) == EntityType::Customer;
    all.into_iter().filter(customers).collect()
}

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
struct Loss {
    /// When the row ended.
    at: DateTime<Utc>,
    reason: String,
    /// The other side's value.
    to: String,
}

type Losses = HashMap<Key, Vec<Loss>>;

struct Judge<'a> {
    users: &'a Users,
    windows: Windows,
    rows: Vec<log::Model>,
    losses: Losses,
    verdict: Verdict,
}

/// One field of one customer, with everything that was typed into it.
struct Case<'a> {
    field: Field,
    edits: Vec<&'a Edit>,
    link: &'a link::Model,
    held: String,
}

impl Judge<'_> {
    async fn stuck(&mut self, d: &Deployment) {
        let stuck = &mut self.verdict.stuck;
        for row in of_customers(d.rows().await, |row| row.entity_type) {
            let fine = matches!(row.status, Status::Success | Status::Skipped);
            if !fine {
                stuck.push(format!(
                    "{:?} {} {}: {:?}",
                    row.status, row.source_system, row.source_entity_id, row.error_message
                ));
            }
        }
        for entry in retry::Entity::find().all(d.db.store.db()).await.unwrap() {
            stuck.push(format!("a retry of row {}", entry.sync_log_id));
        }
        for link in of_customers(d.links().await, |link| link.entity_type) {
            let whole = link.crm_id.is_some() && link.finance_id.is_some() && link.base.is_some();
            if !whole || link.state != LinkState::Active || link.lease_owner.is_some() {
                stuck.push(format!(
                    "link {} {:?} {:?}: {:?}, lease {:?}",
                    link.id, link.crm_id, link.finance_id, link.state, link.lease_owner
                ));
            }
        }
    }

    /// One object, one contact and one link for each customer, and none besides.
    fn counts(&mut self, d: &Deployment, links: &[link::Model]) {
        let mut seen: HashMap<(System, String), usize> = HashMap::new();
        for object in d.sim.crm().customers() {
            *seen
                .entry((System::Crm, text(&object["nationalCode"])))
                .or_default() += 1;
        }
        for contact in d.sim.finance().contacts() {
            *seen
                .entry((System::Finance, text(&contact["NationalCode"])))
                .or_default() += 1;
        }
        for (n, person) in self.users.people.iter().enumerate() {
            for side in [System::Crm, System::Finance] {
                let times = seen
                    .remove(&(side, person.sample.national_id.clone()))
                    .unwrap_or(0);
                match times {
                    0 => self.verdict.lost.push(format!(
                        "customer {n}, typed in {:?}, is not in {side:?}",
                        person.typed_in
                    )),
                    1 => {}
                    times => self
                        .verdict
                        .duplicated
                        .push(format!("customer {n} is {times} times in {side:?}")),
                }
            }
        }
        for (side, national) in seen.keys() {
            self.verdict.invented.push(format!(
                "{side:?} has a customer with the national id {national:?}"
            ));
        }
        if links.len() > self.users.people.len() {
            self.verdict.duplicated.push(format!(
                "{} links for {} customers",
                links.len(),
                self.users.people.len()
            ));
        }
    }

    fn person(&mut self, d: &Deployment, person: usize, links: &[link::Model]) {
        let known = &self.users.people[person];
        let (object, contact) = (in_crm(&d.sim, &known.sample), in_finance(&d.sim, &known.sample));
        // Told by the counts.
        let (Some(object), Some(contact)) = (object, contact) else {
            return;
        };
        let (id, code) = (text(&object["crmId"]), text(&contact["Code"]));
        let pair = |m: &&link::Model| m.crm_id.as_ref() == Some(&id) && m.finance_id.as_ref() == Some(&code);
        let Some(link) = links.iter().find(pair) else {
            self.verdict
                .lost
                .push(format!("customer {person}: no link of {id} and {code}"));
            return;
        };
        if text(&object["refId"]) != code || object["customerNumber"] != contact["tmpid"] {
            self.verdict.lost.push(format!(
                "customer {person}: {id} and {code} don't have one another's numbers: {} {}, {}",
                object["refId"], object["customerNumber"], contact["tmpid"]
            ));
        }
        self.unmapped(person, &object, &contact);
        for field in FIELDS {
            let (crm, finance) = (field.of_object(&object), field.of_contact(&contact));
            if crm != finance {
                self.verdict.lost.push(format!(
                    "customer {person} {field:?}: {crm:?} in the CRM ({id}), {finance:?} in finance ({code})"
                ));
                continue;
            }
            let edits = self.users.edits.iter();
            let edits = edits.filter(|e| e.person == person && e.field == field);
            self.field(&Case {
                field,
                edits: edits.collect(),
                link,
                held: crm,
            });
        }
    }

    /// What no sync maps is as it was typed.
    fn unmapped(&mut self, person: usize, object: &Value, contact: &Value) {
        let fine = match self.users.people[person].typed_in {
            System::Crm => object["extendedProperties"][0]["value"] == users::unmapped(person)[0]["value"],
            System::Finance => {
                contact["CityCode"] == 41 && contact["FatherName"] == users::unmapped_name(person)
            }
        };
        if !fine {
            self.verdict
                .invented
                .push(format!("customer {person}: what is not mapped was changed"));
        }
    }

    /// The last word must stand, unless finance had it while the CRM had one of its own; then the loser must be told.
    fn field(&mut self, case: &Case<'_>) {
        let Case {
            field, edits, held, ..
        } = case;
        // An empty field is as it was before anyone typed: whether what was typed since is lost, is told below.
        if !held.is_empty() && !edits.iter().any(|e| e.value == *held) {
            self.verdict
                .invented
                .push(format!("{field:?}: nobody typed {held:?}"));
            return;
        }
        let mut open: Vec<&Edit> = edits.clone();
        let (mut why, mut all_exempt) = (None, true);
        while let Some(last) = open.last().copied().filter(|last| last.value != *held) {
            if self.exempt(case, last) {
                self.verdict.exempt += 1;
                open.pop();
                continue;
            }
            all_exempt = false;
            if self.is_filled(case, last) {
                self.verdict.filled += 1;
            } else if self.is_tie(case, &open) {
                self.verdict.ties += 1;
            } else {
                why = Some(last);
                break;
            }
            typed_over(&mut open, last.side, held);
        }
        let Some(winner) = open.last().copied() else {
            // Nothing that was typed stands, and that is nobody's word.
            if let Some(last) = edits.last().filter(|_| !all_exempt) {
                let message = format!("by nothing: {}", self.story(case, last));
                self.verdict.lost.push(message);
            }
            return;
        };
        if let Some(last) = why {
            let message = self.story(case, last);
            self.verdict.lost.push(message);
            return;
        }
        let loser = edits.iter().rev().find(|e| e.side != winner.side);
        let Some(loser) = loser.filter(|e| e.value != *held) else {
            return;
        };
        let typed_over = edits.iter().any(|e| e.at >= loser.at && e.before == loser.value);
        // It lost to a later edit: its value must be kept, for whatever reason it is said to have given way.
        if self.losses(case, loser).next().is_some() {
            self.verdict.recorded += 1;
            self.verdict.unsaid += usize::from(!typed_over && self.told(case, loser).is_none());
        } else if !typed_over && !self.exempt(case, loser) {
            let message = format!("without a word: {}", self.story(case, loser));
            self.verdict.lost.push(message);
        }
    }

    fn exempt(&self, case: &Case<'_>, edit: &Edit) -> bool {
        let id = match edit.side {
            System::Crm => &case.link.crm_id,
            System::Finance => &case.link.finance_id,
        };
        let id = id.as_deref().unwrap_or_default();
        self.windows.hold(edit.side, id, edit.at)
    }

    /// What audit rows say of how it gave way after it was typed. That a row carried it as the winner is no such word.
    fn losses(&self, case: &Case<'_>, edit: &Edit) -> impl Iterator<Item = &Loss> {
        let of_value = self.losses.get(&key(case, edit)).into_iter().flatten();
        let at = edit.at;
        of_value.filter(move |loss| loss.at > at)
    }

    /// When the first audit row ended that speaks of a conflict which this lost.
    fn told(&self, case: &Case<'_>, edit: &Edit) -> Option<DateTime<Utc>> {
        let losses = self.losses(case, edit);
        let conflicts = losses.filter(|loss| CONFLICTS.contains(&loss.reason.as_str()));
        conflicts.map(|loss| loss.at).min()
    }

    /// Cleared before the two were met (of a create whose answer was lost, nobody knows yet that it is ours): a first
    /// meeting fills what only one side has, and says so; or, where the answer to that was lost, that it was confirmed.
    fn is_filled(&self, case: &Case<'_>, edit: &Edit) -> bool {
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
    fn is_tie(&self, case: &Case<'_>, open: &[&Edit]) -> bool {
        let Some((last, told)) = open.last().and_then(|last| Some((last, self.told(case, last)?))) else {
            return false;
        };
        // Whoever typed over what stands competes with nobody: each value is typed but once.
        let one_hand = open
            .iter()
            .rev()
            .take_while(|e| e.side == last.side && e.value != case.held);
        let saw = one_hand.clone().any(|e| e.before == case.held) && !case.held.is_empty();
        !saw && (self.is_overtaken(last, told) || is_unsettled(&case.edits, last))
    }

    /// When the first run ended that has carried something between the two.
    fn met(&self, case: &Case<'_>) -> Option<DateTime<Utc>> {
        let rows = self.rows.iter();
        let ended =
            rows.filter(|row| row.entity_mapping_id == Some(case.link.id) && row.status == Status::Success);
        ended.filter_map(|row| row.completed_at).min()
    }

    /// Finance has no times: a change of any of a contact's fields makes the whole contact as new as the look that saw
    /// it (design, "The engine", 3). So an edit in the CRM may lose against an earlier one of finance if anything else
    /// was typed into the contact at the same time or later, before the loss was told: that may take long in a storm.
    fn is_overtaken(&self, edit: &Edit, told: DateTime<Utc>) -> bool {
        let later = |e: &Edit| e.at + CLOSE >= edit.at && e.at <= told;
        edit.side == System::Crm && self.in_finance(edit.person).any(later)
    }

    /// All that was typed into the customer's contact.
    fn in_finance(&self, person: usize) -> impl Iterator<Item = &Edit> {
        let edits = self.users.edits.iter();
        edits.filter(move |e| e.person == person && e.side == System::Finance)
    }

    fn story(&self, case: &Case<'_>, lost: &Edit) -> String {
        let edits: Vec<_> = case.edits.iter().rev().take(6).rev().collect();
        let lines: Vec<_> = edits
            .iter()
            .map(|e| {
                let time = e.at.format("%H:%M:%S%.3f");
                let exempt = if self.exempt(case, e) { ", exempt" } else { "" };
                let quiet = if e.quiet { ", quiet" } else { "" };
                format!(
                    "{time} {:?} {:?} over {:?}{quiet}{exempt}",
                    e.side, e.value, e.before
                )
            })
            .collect();
        format!(
            "{:?} of {:?}/{:?} is {:?}, lost is {:?}, told {:?}; typed: {}\n{}",
            case.field,
            case.link.crm_id,
            case.link.finance_id,
            case.held,
            lost.value,
            self.told(case, lost)
                .map(|at| at.format("%H:%M:%S%.3f").to_string()),
            lines.join("; "),
            self.happened(case, lost).join("\n")
        )
    }

    /// What was asked of both systems about the customer around the edit, and what the audit rows say.
    fn happened(&self, case: &Case<'_>, lost: &Edit) -> Vec<String> {
        let told = self.told(case, lost).unwrap_or(lost.at);
        let (from, to) = (
            lost.at - TimeDelta::seconds(10),
            told.max(lost.at + TimeDelta::seconds(12)),
        );
        let around = |at| from <= at && at <= to;
        let ids = [&case.link.crm_id, &case.link.finance_id];
        let mut happened: Vec<_> = self
            .windows
            .about(ids, Some(case.field))
            .into_iter()
            .filter(|(at, _)| around(*at))
            .collect();
        let of_mapping =
            |row: &&log::Model| row.entity_mapping_id == Some(case.link.id) && around(row.started_at);
        happened.extend(self.rows.iter().filter(of_mapping).map(|row| {
            let line = format!(
                "row {} {} {:?} lapses {} heard, ended {:?}: {:?} {:?}",
                row.id,
                row.direction,
                row.status,
                row.lapses,
                row.completed_at.map(|at| at.format("%S%.3f").to_string()),
                row.error_message,
                row.changes.as_ref().map(ToString::to_string)
            );
            (row.started_at, line)
        }));
        let others = self.in_finance(lost.person).filter(|e| e.field != case.field);
        let typed = |e: &Edit| (e.at, format!("typed in finance: {:?} {:?}", e.field, e.value));
        happened.extend(others.filter(|e| around(e.at)).map(typed));
        happened.sort();
        happened
            .into_iter()
            .map(|(at, line)| format!("    {} {line}", at.format("%H:%M:%S%.3f")))
            .collect()
    }
}

/// What the same hand typed before its last edit, it typed over.
fn typed_over(open: &mut Vec<&Edit>, side: System, held: &str) {
    while open.last().is_some_and(|e| e.side == side && e.value != held) {
        open.pop();
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
                });
            }
        }
    }
    losses
}
