//! The dust has settled: both systems and the tables against the log of what was typed.

use std::collections::HashMap;

use domain::store::entities::{link, retry};
use domain::store::{EntityType, LinkState, Status};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use simulator::{Simulator, System};

use super::evidence::{Case, Evidence};
use super::field::{FIELDS, text};
use super::users::{self, Edit, Users, in_crm, in_finance};
use super::windows::Windows;
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
        // What waits often is why something is lost.
        let lists = [
            ("stuck", &self.stuck),
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
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
    let evidence = Evidence::new(users, Windows::of(&d.sim, &links), d.rows().await);
    let mut judge = Judge {
        verdict: Verdict {
            from_an_older_look: evidence.windows.from_an_older_look,
            ..Verdict::default()
        },
        evidence,
    };
    judge.stuck(d).await;
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

struct Judge<'a> {
    evidence: Evidence<'a>,
    verdict: Verdict,
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
        for (n, person) in self.evidence.users.people.iter().enumerate() {
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
        if links.len() > self.evidence.users.people.len() {
            self.verdict.duplicated.push(format!(
                "{} links for {} customers",
                links.len(),
                self.evidence.users.people.len()
            ));
        }
    }

    fn person(&mut self, d: &Deployment, person: usize, links: &[link::Model]) {
        let known = &self.evidence.users.people[person];
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
            let edits = self.evidence.users.edits.iter();
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
        let fine = match self.evidence.users.people[person].typed_in {
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
            if self.evidence.exempt(case, last) {
                self.verdict.exempt += 1;
                open.pop();
                if let Some(between) = self.evidence.taken_back(case, last) {
                    open.retain(|e| !std::ptr::eq(*e, between));
                }
                continue;
            }
            all_exempt = false;
            if self.evidence.is_filled(case, last) {
                self.verdict.filled += 1;
            } else if self.evidence.is_tie(case, &open) {
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
                let message = format!("by nothing: {}", self.evidence.story(case, last));
                self.verdict.lost.push(message);
            }
            return;
        };
        if let Some(last) = why {
            let message = self.evidence.story(case, last);
            self.verdict.lost.push(message);
            return;
        }
        let loser = edits.iter().rev().find(|e| e.side != winner.side);
        let Some(loser) = loser.filter(|e| e.value != *held) else {
            return;
        };
        let typed_over = edits.iter().any(|e| e.at >= loser.at && e.before == loser.value);
        // It lost to a later edit: its value must be kept, for whatever reason it is said to have given way.
        if self.evidence.losses(case, loser).next().is_some() {
            self.verdict.recorded += 1;
            self.verdict.unsaid += usize::from(!typed_over && self.evidence.told(case, loser).is_none());
        } else if !typed_over && !self.evidence.exempt(case, loser) {
            let message = format!("without a word: {}", self.evidence.story(case, loser));
            self.verdict.lost.push(message);
        }
    }
}

/// What the same hand typed before its last edit, it typed over.
fn typed_over(open: &mut Vec<&Edit>, side: System, held: &str) {
    while open.last().is_some_and(|e| e.side == side && e.value != held) {
        open.pop();
    }
}
