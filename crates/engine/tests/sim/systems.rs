//! The two outside systems, as harsh as their contracts: a save writes the whole object, finance cuts and normalises
//! what it holds, refuses a mobile that it has already, and does not show `tmpid`.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::customer::{Customer, Field, Kind, Values};
use domain::message::{Code, Message};
use domain::ports::{MatchKeys, PortError, SetAside, Side, Snapshot};
use domain::text::{normal, same};

use crate::companies::{FIRST, code_of, key_of, owner_of};
use crate::manner::Manner;
use crate::odd::Odd;
use crate::people::Edits;
use crate::sched::Time;
use crate::sent::Whole;

/// Fields that travel both ways and that users edit here.
pub const FIELDS: [Field; 7] = [
    Field::Name,
    Field::Mobile,
    Field::Phone,
    Field::Email,
    Field::NationalId,
    Field::Description,
    Field::Address,
];

/// A record of one system.
#[derive(Debug, Clone)]
pub struct Record {
    pub person: u32,
    pub kind: Kind,
    pub values: Values,
    /// Of the CRM's: its customer numbers, and since when it has each.
    pub numbers: Vec<(Time, String)>,
    /// What the engine does not map.
    pub extra: String,
    pub alive: bool,
    /// It is there, and nobody can read it.
    pub unreadable: bool,
    pub ours: bool,
    /// How often the engine has saved it.
    pub saves: u64,
    pub born: Time,
    /// The record that it was created for, and when that was sent.
    pub made_for: Option<(String, Time)>,
    /// When a link first paired it, and when a user deleted it.
    pub linked: Option<Time>,
    pub died: Option<Time>,
    pub modified: Time,
    /// The last edit of a user that still stands in the field, and since when the field holds what it holds.
    pub standing: BTreeMap<Field, usize>,
    pub since: BTreeMap<Field, Time>,
    pub extra_edit: Option<usize>,
}

/// One system.
#[derive(Debug)]
pub struct System {
    pub side: Side,
    pub manner: Manner,
    pub records: BTreeMap<String, Record>,
    /// Who stood under an id before it was given again, the oldest first.
    pub former: Vec<(String, Record)>,
    pub saves: u64,
    next: u64,
    /// The same for codes of the second company.
    next_of_second: u64,
    /// Two records may have one mobile.
    doubles: bool,
    /// It shows its own mark of each record.
    marks: bool,
}

impl System {
    pub fn new(side: Side, odd: Odd) -> Self {
        Self {
            side,
            manner: odd.manner,
            records: BTreeMap::new(),
            former: Vec::new(),
            saves: 0,
            next: 0,
            next_of_second: 0,
            doubles: odd.doubles || side == Side::Crm,
            marks: odd.marks && side == Side::Finance,
        }
    }

    /// The value as this system holds it.
    pub fn held(&self, field: Field, value: &str) -> String {
        self.manner.held(self.side, field, value)
    }

    /// All that ever stood under that id, the newest first.
    pub fn bearers<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Record> {
        let former = self.former.iter().rev().filter(move |(of, _)| of == id);
        self.records
            .get(id)
            .into_iter()
            .chain(former.map(|(_, record)| record))
    }

    /// Whether that id is or was this person's.
    pub fn was(&self, id: &str, person: u32) -> bool {
        self.bearers(id).any(|record| record.person == person)
    }

    pub fn alive(&self) -> impl Iterator<Item = (&String, &Record)> {
        self.records.iter().filter(|(_, record)| record.alive)
    }

    /// That company's finance system refuses a mobile that another contact of it has.
    pub fn refuses(&self, company: Company, id: Option<&str>, values: &Values) -> bool {
        let mobile = values.get(&Field::Mobile).map(|m| normal(Field::Mobile, m));
        !self.doubles
            && mobile.is_some_and(|mobile| {
                self.alive().any(|(other, record)| {
                    Some(other.as_str()) != id
                        && owner_of(other) == company
                        && record
                            .values
                            .get(&Field::Mobile)
                            .is_some_and(|m| normal(Field::Mobile, m) == mobile)
                })
            })
    }

    /// A new record, of a customer of that company.
    pub fn insert(
        &mut self,
        company: Company,
        (person, kind): (u32, Kind),
        values: &Values,
        ours: bool,
        now: Time,
    ) -> String {
        let next = match self.side == Side::Crm || company == FIRST {
            true => &mut self.next,
            false => &mut self.next_of_second,
        };
        *next += 1;
        let next = *next;
        let (id, mut values) = match self.side {
            Side::Crm => (format!("c{next}"), values.clone()),
            Side::Finance => (key_of(company, &next.to_string()), values.clone()),
        };
        if self.side == Side::Crm {
            let number = format!("{company}-{}", 500 + next);
            values.entry(Field::CustomerNumber).or_insert(number);
        }
        let record = self.record(person, kind, &values, ours, now);
        self.records.insert(id.clone(), record);
        id
    }

    /// The id of a contact that is no more is given to another.
    pub fn give_again(&mut self, id: &str, person: u32, kind: Kind, values: &Values, now: Time) {
        let record = self.record(person, kind, values, false, now);
        if let Some(former) = self.records.insert(id.to_owned(), record) {
            self.former.push((id.to_owned(), former));
        }
    }

    /// A save that was made of what stood there before the id was given again makes it that person's once more: of the new
    /// one nothing is left.
    fn take_back(&mut self, id: &str, read_at: Time) {
        let is_newer = self.records.get(id).is_some_and(|record| record.born > read_at);
        let place = self
            .former
            .iter()
            .rposition(|(of, former)| of == id && former.born <= read_at);
        if let Some(place) = place.filter(|_| is_newer) {
            let (_, mut old) = self.former.remove(place);
            old.alive = true;
            if let Some(new) = self.records.insert(id.to_owned(), old) {
                self.former.push((id.to_owned(), new));
            }
        }
    }

    fn record(&self, person: u32, kind: Kind, values: &Values, ours: bool, now: Time) -> Record {
        let held = values
            .iter()
            .map(|(field, value)| (*field, self.held(*field, value)));
        let values: Values = held.filter(|(_, value)| !value.is_empty()).collect();
        let number = values
            .get(&Field::CustomerNumber)
            .filter(|_| self.side == Side::Crm);
        Record {
            person,
            kind,
            numbers: number.map(|number| (now, number.clone())).into_iter().collect(),
            since: values.keys().map(|f| (*f, now)).collect(),
            values,
            extra: String::new(),
            alive: true,
            unreadable: false,
            ours,
            saves: u64::from(ours),
            born: now,
            made_for: None,
            linked: None,
            died: None,
            modified: now,
            standing: BTreeMap::new(),
            extra_edit: None,
        }
    }

    /// Why that record can't be read, if it is there and can't.
    pub fn aside(&self, id: &str) -> Option<SetAside> {
        self.records
            .get(id)
            .filter(|record| record.alive && record.unreadable)?;
        let why = Message::new(Code::Words).with("words", "half of a letter");
        let id = code_of(id).to_owned();
        Some(SetAside { id, why })
    }

    /// A record as the system shows it, if it is there.
    pub fn shown(&self, id: &str) -> Option<Customer> {
        let record = self.records.get(id).filter(|record| record.alive)?;
        let mut customer = Customer::new(record.kind);
        customer.values = record.values.clone();
        if self.side == Side::Finance {
            customer.values.remove(&Field::CustomerNumber);
            customer.hidden.push(Field::CustomerNumber);
            customer.set(Field::FinanceCode, code_of(id));
        }
        if self.marks {
            customer.set(Field::MARKS[0], record.born.to_string());
        }
        Some(customer)
    }

    /// A read: the whole object is kept for the save that may follow.
    pub fn show(
        &self,
        id: &str,
        reads: &mut Vec<Whole>,
        (call, now): (u64, Time),
        at: chrono::DateTime<chrono::Utc>,
    ) -> Option<Snapshot> {
        let customer = self.shown(id)?;
        reads.push(Whole {
            values: customer.values.clone(),
            extra: self.records.get(id)?.extra.clone(),
            read_at: now,
            call,
        });
        Some(Snapshot {
            id: code_of(id).to_owned(),
            customer,
            modified_at: (self.side == Side::Crm).then_some(at),
            whole: serde_json::Value::from(reads.len() - 1),
        })
    }

    /// What the CRM, or that company's finance system, can find by keys; finance can't be asked for `tmpid`.
    pub fn matching(&self, company: Company, keys: &MatchKeys) -> Vec<String> {
        let prefix = format!("{company}-");
        let is_there = |id: &str| self.side == Side::Crm || owner_of(id) == company;
        let fits = |(id, record): &(&String, &Record)| {
            let agrees = |field, key: &Option<String>| {
                let value = record.values.get(&field);
                // A connector asks for a national id without its zeros, too.
                let bare = |text: &str| text.trim_start_matches('0').to_owned();
                let fits = |key: &str, value: &String| {
                    same(field, key, value)
                        || field == Field::NationalId && same(field, &bare(key), &bare(value))
                };
                key.as_deref()
                    .is_some_and(|key| value.is_some_and(|value| fits(key, value)))
            };
            let number = match self.side {
                Side::Crm => agrees(Field::CustomerNumber, &keys.customer_number),
                Side::Finance => {
                    keys.customer_number
                        .as_deref()
                        .and_then(|n| n.strip_prefix(&prefix))
                        == Some(code_of(id))
                }
            };
            number
                || agrees(Field::NationalId, &keys.national_id)
                || agrees(Field::Mobile, &keys.mobile)
                || agrees(Field::Email, &keys.email)
                || match self.side {
                    Side::Crm => agrees(Field::FinanceCode, &keys.id),
                    Side::Finance => keys.id.as_deref() == Some(code_of(id)),
                }
        };
        let there = self.alive().filter(|(id, _)| is_there(id));
        there.filter(fits).map(|(id, _)| id.clone()).collect()
    }

    fn with_changes(&self, whole: &Whole, changes: &Values) -> Values {
        let mut values = whole.values.clone();
        for (field, value) in changes {
            let value = self.held(*field, value);
            if value.is_empty() {
                values.remove(field);
            } else {
                values.insert(*field, value);
            }
        }
        if self.side == Side::Finance {
            values.remove(&Field::FinanceCode);
            values.remove(&Field::MARKS[0]);
        }
        values
    }

    /// A save lands: the whole object is replaced by what was read, with the changes. Edits that were made since that
    /// read are overwritten and exempt; says how many.
    pub fn replace(
        &mut self,
        id: &str,
        whole: &Whole,
        changes: &Values,
        edits: &mut Edits,
        now: Time,
    ) -> Result<usize, PortError> {
        let values = self.with_changes(whole, changes);
        if self.refuses(owner_of(id), Some(id), &values) {
            return Err(PortError::Taken {
                fields: vec![Field::Mobile, Field::Phone],
                words: "شماره تلفن نمی تواند تکراری باشد.".into(),
            });
        }
        if self.records.get(id).is_none_or(|record| !record.alive) {
            return Err(PortError::Refused("no such record".into()));
        }
        let was = self.records[id].person;
        self.take_back(id, whole.read_at);
        let Some(record) = self.records.get_mut(id) else {
            return Err(PortError::Refused("no such record".into()));
        };
        if was != record.person {
            edits.overwrite(was);
        }
        self.saves += 1;
        record.saves += 1;
        let mut exempt = 0;
        for field in FIELDS {
            if record.values.get(&field) == values.get(&field) {
                continue;
            }
            record.since.insert(field, now);
            if let Some(edit) = record.standing.remove(&field) {
                exempt += edits.overwrite_since(edit, whole.read_at);
            }
        }
        if record.extra != whole.extra
            && let Some(edit) = record.extra_edit.take()
        {
            edits.0[edit].exempt |= edits.0[edit].at >= whole.read_at;
            exempt += usize::from(edits.0[edit].exempt);
        }
        record.extra.clone_from(&whole.extra);
        // A save that was read before a number was corrected takes that back.
        if let Some(number) = values.get(&Field::CustomerNumber)
            && self.side == Side::Crm
            && record.numbers.last().is_none_or(|(_, last)| last != number)
        {
            record.numbers.push((now, number.clone()));
        }
        record.values = values;
        record.modified = now;
        Ok(exempt)
    }
}
