//! Whose record it is: by its id where a user has entered it, else by what it holds and only one customer was typed with.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::field::{Field, text};
use super::people::Customer;

/// What tells customers apart, the surest first.
const KEYS: [Field; 5] = [
    Field::NationalId,
    Field::Email,
    Field::Name,
    Field::Mobile,
    Field::Phone,
];

pub struct Owners {
    codes: HashMap<String, usize>,
    ids: HashMap<String, usize>,
    keys: HashMap<(Field, String), BTreeSet<usize>>,
}

impl Owners {
    pub fn of(all: &[Customer]) -> Self {
        let mut owners = Self {
            codes: HashMap::new(),
            ids: HashMap::new(),
            keys: HashMap::new(),
        };
        for (place, customer) in all.iter().enumerate() {
            let codes = customer.codes.iter().map(|code| (code.to_string(), place));
            owners.codes.extend(codes);
            owners
                .ids
                .extend(customer.ids.iter().map(|id| (id.clone(), place)));
            for typed in customer.typed.iter().filter(|typed| KEYS.contains(&typed.field)) {
                let key = (typed.field, typed.field.meant(&typed.value));
                owners.keys.entry(key).or_default().insert(place);
            }
        }
        owners
    }

    pub fn of_contact(&self, contact: &Value) -> Option<usize> {
        let entered = self.codes.get(&text(&contact["Code"])).copied();
        entered.or_else(|| self.by_keys(|field| field.of_contact(contact)))
    }

    pub fn of_identity(&self, identity: &Value) -> Option<usize> {
        let entered = self.ids.get(&text(&identity["crmId"])).copied();
        entered.or_else(|| self.by_keys(|field| field.of_identity(identity)))
    }

    fn by_keys(&self, held: impl Fn(Field) -> String) -> Option<usize> {
        let holders = KEYS
            .iter()
            .filter_map(|field| self.keys.get(&(*field, field.meant(&held(*field)))));
        let mut alone = holders.filter(|holders| holders.len() == 1);
        alone.next()?.first().copied()
    }
}
