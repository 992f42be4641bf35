//! The CRM's identities by their match keys, in memory: about 2 KB each. Pure.
//!
//! It answers as the CRM's own search would, so that a contact is matched by the same rules as at a first meeting
//! ([`meet::decide`]), without asking the CRM once per contact.

use std::collections::{BTreeSet, HashMap};

use domain::customer::{Customer, Field};
use domain::ports::{MatchKeys, Snapshot};
use domain::text::normal;

/// All that a first meeting looks at.
const LOOKED_AT: [Field; 6] = [
    Field::Name,
    Field::Mobile,
    Field::Email,
    Field::NationalId,
    Field::CustomerNumber,
    Field::FinanceCode,
];

/// The identities, and where each key leads.
#[derive(Default)]
pub(super) struct Directory {
    identities: Vec<Snapshot>,
    by_key: HashMap<(Field, String), Vec<usize>>,
}

impl Directory {
    /// Takes an identity; only what is looked at is kept.
    pub(super) fn add(&mut self, id: &str, customer: &Customer) {
        let place = self.identities.len();
        let mut kept = Customer::new(customer.kind);
        for field in LOOKED_AT {
            kept.set(field, customer.get(field));
            let key = normal(field, customer.get(field));
            if field != Field::Name && !key.is_empty() {
                self.by_key.entry((field, key)).or_default().push(place);
            }
        }
        self.identities.push(Snapshot {
            id: id.to_owned(),
            customer: kept,
            modified_at: None,
            whole: serde_json::Value::Null,
        });
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.identities.len()
    }

    /// Those that have one of the keys.
    pub(super) fn find(&self, keys: &MatchKeys) -> Vec<Snapshot> {
        let asked = [
            (Field::FinanceCode, &keys.id),
            (Field::CustomerNumber, &keys.customer_number),
            (Field::NationalId, &keys.national_id),
            (Field::Mobile, &keys.mobile),
            (Field::Email, &keys.email),
        ];
        let mut places = BTreeSet::new();
        for (field, key) in asked {
            let Some(key) = key.as_deref().map(|key| normal(field, key)) else {
                continue;
            };
            places.extend(self.by_key.get(&(field, key)).into_iter().flatten().copied());
        }
        let found = places.into_iter().filter_map(|place| self.identities.get(place));
        found.cloned().collect()
    }
}
