//! The CRM's objects in memory, with the orders and indexes that its queries need.
//! It knows nothing of HTTP, logins or webhooks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDateTime;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use uuid::Uuid;

use super::{config::CrmConfig, kind::Kind};
use crate::json::{Object, scalar};

/// Properties whose equality is looked up instead of searched for.
const INDEXED: &[&str] = &[
    "customerNumber",
    "nationalCode",
    "refId",
    "email",
    "identityId",
    "number",
];

/// One stored object.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) type_key: String,
    pub(crate) seq: u64,
    pub(crate) created: NaiveDateTime,
    pub(crate) modified: NaiveDateTime,
    /// It shows when it was changed.
    pub(crate) dated: bool,
    pub(crate) object: Object,
}

impl Record {
    /// All that a search for a term could look into: each text, and each telephone number.
    fn searched(&self) -> String {
        let mut all = String::new();
        let mut push = |value: &Value| {
            if let Some(text) = value.as_str() {
                all.push_str(&text.to_lowercase());
                all.push('\n');
            }
        };
        for value in self.object.values() {
            match value {
                Value::Array(items) => items
                    .iter()
                    .filter_map(|item| item.get("phoneNumber"))
                    .for_each(&mut push),
                other => push(other),
            }
        }
        all
    }
}

type ByModified = BTreeSet<(NaiveDateTime, u64, Uuid)>;

pub(crate) struct Store {
    records: HashMap<Uuid, Record>,
    by_seq: BTreeMap<u64, Uuid>,
    by_modified: HashMap<(Kind, String), ByModified>,
    equal: HashMap<&'static str, HashMap<String, HashSet<Uuid>>>,
    /// By the order of creation, so that a search need not go through every object.
    searched: BTreeMap<u64, String>,
    /// What was deleted, until somebody takes it out again.
    bin: HashMap<Uuid, Record>,
    categories: BTreeMap<String, String>,
    rng: StdRng,
    next_seq: u64,
    customers_numbered: u64,
    documents_numbered: u64,
}

impl Store {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            records: HashMap::new(),
            by_seq: BTreeMap::new(),
            by_modified: HashMap::new(),
            equal: INDEXED.iter().map(|field| (*field, HashMap::new())).collect(),
            searched: BTreeMap::new(),
            bin: HashMap::new(),
            categories: BTreeMap::new(),
            rng: StdRng::seed_from_u64(seed ^ 0x0063_726d),
            next_seq: 0,
            customers_numbered: 0,
            documents_numbered: 0,
        }
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<&Record> {
        self.records.get(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// All records in the order of their creation.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.by_seq.values().filter_map(|id| self.records.get(id))
    }

    /// Those that may hold the term, in the order of their creation; an empty term stands in all.
    pub(crate) fn with_term<'a>(&'a self, term: &'a str) -> impl Iterator<Item = &'a Record> {
        let found = self.searched.iter().filter(move |(_, text)| text.contains(term));
        found.filter_map(|(seq, _)| self.records.get(self.by_seq.get(seq)?))
    }

    /// Those of one item type by their time of change.
    pub(crate) fn modified_order(&self, kind: Kind, type_key: &str) -> Option<&ByModified> {
        self.by_modified.get(&(kind, type_key.to_lowercase()))
    }

    /// Those whose indexed property has that value; none when the property is not indexed.
    pub(crate) fn equal_to(&self, field: &str, value: &str) -> Option<Vec<&Record>> {
        let index = self.equal.get(field)?;
        let found = index.get(&value.to_lowercase());
        let ids = found.into_iter().flatten();
        Some(ids.filter_map(|id| self.records.get(id)).collect())
    }

    pub(crate) fn new_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    /// A category has one id in the whole system.
    pub(crate) fn category_id(&mut self, key: &str) -> String {
        if let Some(id) = self.categories.get(key) {
            return id.clone();
        }
        let id = self.new_id().to_string();
        self.categories.insert(key.to_owned(), id.clone());
        id
    }

    pub(crate) fn next_customer_number(&mut self, config: &CrmConfig) -> String {
        loop {
            let number = config.first_customer_number + self.customers_numbered;
            self.customers_numbered += 1;
            let number = format!("{}-{number}", config.company_code);
            if self
                .equal_to("customerNumber", &number)
                .is_none_or(|found| found.is_empty())
            {
                return number;
            }
        }
    }

    pub(crate) fn next_document_number(&mut self, config: &CrmConfig) -> u64 {
        self.documents_numbered += 1;
        config.first_document_number + self.documents_numbered - 1
    }

    /// Its place in the order of creation.
    pub(super) fn next_seq(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq - 1
    }

    /// The record, as it is; nothing stands under its id.
    pub(super) fn put(&mut self, record: Record) {
        self.index(&record);
        self.records.insert(record.id, record);
    }

    pub(crate) fn remove(&mut self, id: Uuid) -> Option<Record> {
        let record = self.records.remove(&id)?;
        self.unindex(&record);
        Some(record)
    }

    /// Deletes a record; it can be taken out of the bin.
    pub(super) fn bin(&mut self, id: Uuid) -> Option<Record> {
        let record = self.remove(id)?;
        self.bin.insert(id, record.clone());
        Some(record)
    }

    /// What was deleted under that id.
    pub(super) fn take_out(&mut self, id: Uuid) -> Option<Record> {
        self.bin.remove(&id)
    }

    fn index(&mut self, record: &Record) {
        self.by_seq.insert(record.seq, record.id);
        self.searched.insert(record.seq, record.searched());
        self.by_modified
            .entry((record.kind, record.type_key.to_lowercase()))
            .or_default()
            .insert((record.modified, record.seq, record.id));
        for field in INDEXED {
            let Some(value) = indexed_value(&record.object, field) else {
                continue;
            };
            if let Some(index) = self.equal.get_mut(field) {
                index.entry(value).or_default().insert(record.id);
            }
        }
    }

    fn unindex(&mut self, record: &Record) {
        self.by_seq.remove(&record.seq);
        self.searched.remove(&record.seq);
        let key = (record.kind, record.type_key.to_lowercase());
        if let Some(order) = self.by_modified.get_mut(&key) {
            order.remove(&(record.modified, record.seq, record.id));
        }
        for field in INDEXED {
            let Some(value) = indexed_value(&record.object, field) else {
                continue;
            };
            let Some(index) = self.equal.get_mut(field) else {
                continue;
            };
            if let Some(ids) = index.get_mut(&value) {
                ids.remove(&record.id);
                if ids.is_empty() {
                    index.remove(&value);
                }
            }
        }
    }
}

fn indexed_value(object: &Object, field: &str) -> Option<String> {
    let text = scalar(object.get(field).unwrap_or(&Value::Null))?;
    (!text.is_empty()).then(|| text.to_lowercase())
}
