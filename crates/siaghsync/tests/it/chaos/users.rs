//! The users of both systems, and the log of all that they type: the only oracle.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use domain::store::entities::log;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Map, Value, json};
use simulator::sample::{self, SampleCustomer};
use simulator::{Simulator, System};

use super::field::{FIELDS, Field, text};
use super::operator::altered_in;

/// Both systems held the same for so long: whoever edits now competes with nobody.
const QUIET: TimeDelta = TimeDelta::seconds(8);

/// One value that a user typed into one field.
#[derive(Clone, Debug)]
pub struct Edit {
    pub at: DateTime<Utc>,
    pub side: System,
    pub person: usize,
    pub field: Field,
    pub value: String,
    /// What the field held there until then.
    pub before: String,
    /// The other system held the same as `before`, and nobody had edited the customer in the CRM for a while.
    pub quiet: bool,
}

/// A customer, whom the national id identifies: it is typed once and never edited.
pub struct Person {
    pub sample: SampleCustomer,
    /// Where it was typed first.
    pub typed_in: System,
    cleared: HashSet<Field>,
}

/// What a user is about to do.
type Intent = (DateTime<Utc>, usize, System, Field);

pub struct Users {
    rng: StdRng,
    pub people: Vec<Person>,
    pub edits: Vec<Edit>,
    /// Changes so far; to type a new customer is one.
    pub changes: usize,
    strangers: std::vec::IntoIter<SampleCustomer>,
    /// The second halves of duels, and the rest of bursts.
    next: Vec<Intent>,
    number: u64,
}

impl Users {
    pub fn new(seed: u64, most: usize) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            people: Vec::new(),
            edits: Vec::new(),
            changes: 0,
            strangers: sample::customers(seed, most).into_iter(),
            next: Vec::new(),
            number: 0,
        }
    }

    /// One change on either side.
    pub fn act(&mut self, sim: &Simulator) {
        self.changes += 1;
        let now = sim.clock().now();
        if let Some(at) = self.next.iter().position(|intent| intent.0 <= now) {
            let (_, person, side, field) = self.next.swap_remove(at);
            return self.edit(sim, person, side, field);
        }
        if self.people.len() < 10 || self.rng.random_bool(0.15) {
            return self.new_person(sim);
        }
        let person = self.rng.random_range(0..self.people.len());
        let side = self.side();
        let field = *FIELDS.choose(&mut self.rng).unwrap();
        match self.rng.random_range(0..100) {
            // The same field on the other side, within half a second.
            0..15 => {
                let later = now + TimeDelta::milliseconds(self.rng.random_range(0..500));
                self.next.push((later, person, other(side), field));
            }
            // A burst: someone saves again and again.
            15..20 => {
                for n in 1..=4 {
                    let field = *FIELDS.choose(&mut self.rng).unwrap();
                    self.next
                        .push((now + TimeDelta::milliseconds(100 * n), person, side, field));
                }
            }
            _ => {}
        }
        self.edit(sim, person, side, field);
    }

    fn side(&mut self) -> System {
        if self.rng.random_bool(0.5) {
            System::Crm
        } else {
            System::Finance
        }
    }

    fn new_person(&mut self, sim: &Simulator) {
        let sample = self.strangers.next().unwrap();
        let side = self.side();
        let person = self.people.len();
        self.people.push(Person {
            sample,
            typed_in: side,
            cleared: HashSet::new(),
        });
        self.type_record(sim, person, side);
        // Some are in both systems before the two ever hear of one another.
        if self.rng.random_bool(0.1) {
            self.type_record(sim, person, other(side));
        }
    }

    fn type_record(&mut self, sim: &Simulator, person: usize, side: System) {
        let sample = self.people[person].sample.clone();
        let mut values = Vec::new();
        for field in FIELDS {
            if field == Field::Name || self.rng.random_bool(0.7) {
                values.push((field, self.new_value(field, &sample.name)));
            }
        }
        match side {
            System::Crm => {
                let mut object =
                    json!({"nationalCode": sample.national_id, "extendedProperties": unmapped(person)});
                for (field, value) in &values {
                    let patch = field.patch(&object, value);
                    merge(&mut object, patch);
                }
                sim.crm().create(sample.kind, object).unwrap();
            }
            System::Finance => {
                let organization = sample.kind == simulator::Kind::Organization;
                let mut contact = json!({
                    "NationalCode": sample.national_id, "TowardType": organization,
                    "CityCode": 41, "FatherName": unmapped_name(person),
                });
                for (field, value) in &values {
                    contact[field.column()] = value.as_str().into();
                }
                sim.finance().create(contact).unwrap();
            }
        }
        let at = sim.clock().now();
        for (field, value) in values {
            self.edits.push(Edit {
                at,
                side,
                person,
                field,
                value,
                before: String::new(),
                quiet: false,
            });
        }
    }

    /// Types into a field of a customer on that side, or on the other one if only that has them.
    fn edit(&mut self, sim: &Simulator, person: usize, side: System, field: Field) {
        let sample = &self.people[person].sample;
        let (object, contact) = (in_crm(sim, sample), in_finance(sim, sample));
        let side = match side {
            System::Crm if object.is_none() => System::Finance,
            System::Finance if contact.is_none() => System::Crm,
            side => side,
        };
        let (crm, finance) = (
            object.as_ref().map(|o| field.of_object(o)),
            contact.as_ref().map(|c| field.of_contact(c)),
        );
        let before = match side {
            System::Crm => crm.clone(),
            System::Finance => finance.clone(),
        }
        .unwrap();
        let clear = field != Field::Name && !before.is_empty() && self.rng.random_bool(0.04);
        let value = if clear && self.people[person].cleared.insert(field) {
            String::new()
        } else {
            let name = self.people[person].sample.name.clone();
            self.new_value(field, &name)
        };
        let since = object.as_ref().map(|object| not_edited_for(sim, object));
        let quiet = crm == finance && since.is_some_and(|since| since > QUIET);
        match side {
            System::Crm => {
                let object = object.unwrap();
                let id = text(&object["crmId"]);
                sim.crm().edit(&id, field.patch(&object, &value)).unwrap();
            }
            System::Finance => {
                let code = contact.unwrap()["Code"].as_i64().unwrap();
                let value = Some(value.as_str()).filter(|value| !value.is_empty());
                sim.finance()
                    .edit(code, json!({ field.column(): value }))
                    .unwrap();
            }
        }
        self.edits.push(Edit {
            at: sim.clock().now(),
            side,
            person,
            field,
            value,
            before,
            quiet,
        });
    }

    fn new_value(&mut self, field: Field, name: &str) -> String {
        self.number += 1;
        field.typed(name, self.number)
    }
}

/// The customer's object in the CRM, the first if there were several.
pub fn in_crm(sim: &Simulator, sample: &SampleCustomer) -> Option<Value> {
    let found = sim
        .crm()
        .find(sample.kind, "nationalCode", &sample.national_id.as_str().into());
    found.into_iter().next()
}

impl Users {
    /// The customer one of whose records has that id, and both records: whoever typed them knows.
    fn whose(&self, sim: &Simulator, id: &str) -> Option<(usize, (String, String))> {
        self.people.iter().enumerate().find_map(|(number, person)| {
            let (object, contact) = (in_crm(sim, &person.sample)?, in_finance(sim, &person.sample)?);
            let pair = (text(&object["crmId"]), text(&contact["Code"]));
            (pair.0 == id || pair.1 == id).then_some((number, pair))
        })
    }

    /// Both records of the customer one of whose records has that id.
    pub fn pair(&self, sim: &Simulator, id: &str) -> Option<(String, String)> {
        self.whose(sim, id).map(|(_, pair)| pair)
    }

    /// The side, as `--keep` wants it, into which the last was typed of what an audit row holds back because it came back
    /// altered; `None`: what stands there nobody has typed.
    pub fn typed_last(&self, sim: &Simulator, row: &log::Model) -> Option<&'static str> {
        let (person, _) = self.whose(sim, &row.source_entity_id)?;
        let held = altered_in(row.changes.as_ref()?).next()?;
        let typed = |edit: &&Edit| {
            let value = match edit.side {
                System::Crm => &held["crm"],
                System::Finance => &held["finance"],
            };
            edit.person == person && held["field"] == edit.field.in_audit() && *value == edit.value
        };
        let last = self.edits.iter().rev().find(typed)?;
        Some(match last.side {
            System::Crm => "crm",
            System::Finance => "finance",
        })
    }
}

/// The customer's contact in finance, the first if there were several.
pub fn in_finance(sim: &Simulator, sample: &SampleCustomer) -> Option<Value> {
    let found = sim
        .finance()
        .find("NationalCode", &sample.national_id.as_str().into());
    found.into_iter().next()
}

/// What no sync maps, in the CRM.
pub fn unmapped(person: usize) -> Value {
    json!([{"userKey": "Grade", "value": unmapped_name(person)}])
}

/// The same in finance.
pub fn unmapped_name(person: usize) -> String {
    format!("unmapped {person}")
}

pub fn other(side: System) -> System {
    match side {
        System::Crm => System::Finance,
        System::Finance => System::Crm,
    }
}

fn not_edited_for(sim: &Simulator, object: &Value) -> TimeDelta {
    let modified: NaiveDateTime = object["modifyDate"].as_str().unwrap().parse().unwrap();
    sim.clock().local(sim.crm().config().timezone) - modified
}

fn merge(object: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else { return };
    let object: &mut Map<String, Value> = object.as_object_mut().unwrap();
    object.extend(patch);
}
