//! The two outside systems, as harsh as their contracts: a save writes the whole object, finance cuts and normalises
//! what it holds, refuses a mobile that it has already, and does not show `tmpid`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::customer::{Customer, Field, Kind, Values};
use domain::ports::{MatchKeys, PortError, Side, Snapshot};
use domain::text::{normal, same};

use crate::people::Edits;
use crate::sched::Time;

/// Fields that travel both ways and that users edit here.
pub const FIELDS: [Field; 6] = [
    Field::Name,
    Field::Mobile,
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
    /// What the engine does not map.
    pub extra: String,
    pub alive: bool,
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

/// The object as it was read, which a save sends back.
#[derive(Debug, Clone)]
pub struct Whole {
    pub values: Values,
    pub extra: String,
    pub read_at: Time,
    /// Which outside call of its process showed it.
    pub call: u64,
}

/// A write of the engine, which may still be on its way.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When that was intended.
    pub at: Time,
    /// By the engine's word.
    pub intended: DateTime<Utc>,
    /// Then it has landed, or never will. The first look after that may still take for it what is there.
    pub until: Time,
    pub side: Side,
    /// Of a create: once it has landed.
    pub record: String,
    pub values: Values,
    /// What was read before, and is sent along.
    pub whole: Values,
    /// Whether it was sent at all, and answered.
    pub left: bool,
    pub answered: bool,
    /// Answered and read back, or refused: it is over with the commit that says so.
    pub seen: bool,
    pub over: bool,
    /// An update: when it replaced the object.
    pub landed: Option<Time>,
    /// A user has typed what it sends before it landed: it looks landed, and what it takes back then looks typed.
    pub masked: bool,
}

impl Sent {
    /// Whether nothing tells a user who types `value` now from this write, or from its never having landed.
    pub fn is_like(&self, field: Field, value: &str) -> bool {
        let is =
            |values: &Values| held(self.side, field, values.get(&field).map_or("", String::as_str)) == value;
        // A create has no whole object before it.
        !self.over
            && ((!self.whole.is_empty() && is(&self.whole))
                || (self.values.contains_key(&field) && is(&self.values)))
    }

    /// Whether that is what it writes into the field.
    pub fn sends(&self, field: Field, value: &str) -> bool {
        let sent = self.values.get(&field);
        !self.over && self.landed.is_none() && sent.is_some_and(|sent| held(self.side, field, sent) == value)
    }

    /// What a read after its answer shows.
    pub fn read_back(&mut self, shown: &Values) {
        let came = |(field, value): (&Field, &String)| {
            let shown = shown.get(field).map_or("", String::as_str);
            *field == Field::CustomerNumber || held(self.side, *field, value) == shown
        };
        self.seen |= self.answered && self.values.iter().all(came);
    }
}

/// One system.
#[derive(Debug)]
pub struct System {
    pub side: Side,
    pub records: BTreeMap<String, Record>,
    pub saves: u64,
    next: u64,
}

/// The value as `side` holds it.
pub fn held(side: Side, field: Field, value: &str) -> String {
    if side == Side::Crm {
        return value.trim().to_owned();
    }
    let text: String = value
        .chars()
        .map(|c| match c {
            '|' => '/',
            '\n' => ' ',
            'ی' => 'ي',
            'ک' => 'ك',
            c => c,
        })
        .collect();
    let most = if field == Field::Name { 18 } else { 40 };
    text.trim()
        .chars()
        .take(most)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// As the connector projects: what can't be held; letter forms are left to the comparison.
pub fn project(side: Side, field: Field, value: &str) -> String {
    if side == Side::Crm {
        return value.to_owned();
    }
    let most = if field == Field::Name { 18 } else { 40 };
    let text = value.replace('|', "/").replace('\n', " ");
    text.trim()
        .chars()
        .take(most)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Whether both hold the same, as far as finance can.
pub fn agree(field: Field, crm: &str, finance: &str) -> bool {
    same(field, crm, finance) || same(field, &held(Side::Finance, field, crm), finance)
}

impl System {
    pub fn new(side: Side) -> Self {
        Self {
            side,
            records: BTreeMap::new(),
            saves: 0,
            next: 0,
        }
    }

    pub fn alive(&self) -> impl Iterator<Item = (&String, &Record)> {
        self.records.iter().filter(|(_, record)| record.alive)
    }

    /// Finance's refusal of a mobile that another contact has.
    pub fn refuses(&self, id: Option<&str>, values: &Values) -> bool {
        let mobile = values.get(&Field::Mobile).map(|m| normal(Field::Mobile, m));
        self.side == Side::Finance
            && mobile.is_some_and(|mobile| {
                self.alive().any(|(other, record)| {
                    Some(other.as_str()) != id
                        && record
                            .values
                            .get(&Field::Mobile)
                            .is_some_and(|m| normal(Field::Mobile, m) == mobile)
                })
            })
    }

    pub fn insert(&mut self, person: u32, kind: Kind, values: &Values, ours: bool, now: Time) -> String {
        self.next += 1;
        let id = match self.side {
            Side::Crm => format!("c{}", self.next),
            Side::Finance => self.next.to_string(),
        };
        let held = values.iter().map(|(f, v)| (*f, held(self.side, *f, v)));
        let mut values: Values = held.filter(|(_, v)| !v.is_empty()).collect();
        if self.side == Side::Crm {
            let number = format!("100-{}", 500 + self.next);
            values.entry(Field::CustomerNumber).or_insert(number);
        }
        let record = Record {
            person,
            kind,
            since: values.keys().map(|f| (*f, now)).collect(),
            values,
            extra: String::new(),
            alive: true,
            ours,
            saves: u64::from(ours),
            born: now,
            made_for: None,
            linked: None,
            died: None,
            modified: now,
            standing: BTreeMap::new(),
            extra_edit: None,
        };
        self.records.insert(id.clone(), record);
        id
    }

    /// A record as the system shows it, if it is there.
    pub fn shown(&self, id: &str) -> Option<Customer> {
        let record = self.records.get(id).filter(|record| record.alive)?;
        let mut customer = Customer::new(record.kind);
        customer.values = record.values.clone();
        if self.side == Side::Finance {
            customer.values.remove(&Field::CustomerNumber);
            customer.hidden.push(Field::CustomerNumber);
            customer.set(Field::FinanceCode, id);
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
            id: id.to_owned(),
            customer,
            modified_at: (self.side == Side::Crm).then_some(at),
            whole: serde_json::Value::from(reads.len() - 1),
        })
    }

    /// What the system can find by keys; finance can't be asked for `tmpid`.
    pub fn matching(&self, keys: &MatchKeys) -> Vec<String> {
        let fits = |(id, record): &(&String, &Record)| {
            let agrees = |field, key: &Option<String>| {
                let value = record.values.get(&field);
                key.as_deref()
                    .is_some_and(|key| value.is_some_and(|value| same(field, key, value)))
            };
            let number = match self.side {
                Side::Crm => agrees(Field::CustomerNumber, &keys.customer_number),
                Side::Finance => {
                    keys.customer_number
                        .as_deref()
                        .and_then(|n| n.strip_prefix("100-"))
                        == Some(id.as_str())
                }
            };
            number
                || agrees(Field::NationalId, &keys.national_id)
                || agrees(Field::Mobile, &keys.mobile)
                || agrees(Field::Email, &keys.email)
                || match self.side {
                    Side::Crm => agrees(Field::FinanceCode, &keys.id),
                    Side::Finance => keys.id.as_deref() == Some(id.as_str()),
                }
        };
        self.alive().filter(fits).map(|(id, _)| id.clone()).collect()
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
        let mut values = whole.values.clone();
        for (field, value) in changes {
            let value = held(self.side, *field, value);
            if value.is_empty() {
                values.remove(field);
            } else {
                values.insert(*field, value);
            }
        }
        if self.side == Side::Finance {
            values.remove(&Field::FinanceCode);
        }
        if self.refuses(Some(id), &values) {
            return Err(PortError::Taken {
                fields: vec![Field::Mobile, Field::Phone],
                words: "شماره تلفن نمی تواند تکراری باشد.".into(),
            });
        }
        let Some(record) = self.records.get_mut(id).filter(|record| record.alive) else {
            return Err(PortError::Refused("no such record".into()));
        };
        self.saves += 1;
        record.saves += 1;
        let mut exempt = 0;
        for field in FIELDS {
            if record.values.get(&field) == values.get(&field) {
                continue;
            }
            record.since.insert(field, now);
            if let Some(edit) = record.standing.remove(&field)
                && edits.0[edit].at >= whole.read_at
            {
                edits.0[edit].exempt = true;
                exempt += 1;
            }
        }
        if record.extra != whole.extra
            && let Some(edit) = record.extra_edit.take()
        {
            edits.0[edit].exempt |= edits.0[edit].at >= whole.read_at;
            exempt += usize::from(edits.0[edit].exempt);
        }
        record.extra.clone_from(&whole.extra);
        record.values = values;
        record.modified = now;
        Ok(exempt)
    }
}
