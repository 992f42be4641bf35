//! How the CRM is searched for a customer of the other system.
//!
//! It asks for more than it needs and never decides who is who: the engine compares.

use std::collections::BTreeSet;

use domain::customer::Field;
use domain::phone;
use domain::ports::MatchKeys;
use domain::text::{normal, same};
use serde_json::Value;

use crate::contacts;
use crate::wire::{Query, text};

/// The keys that `find` can ask for: the field's name in queries, its property, the field, and the key's value.
fn queryable(keys: &MatchKeys) -> [(&'static str, &'static str, Field, &Option<String>); 4] {
    [
        ("RefId", "refId", Field::FinanceCode, &keys.id),
        (
            "CustomerNumber",
            "customerNumber",
            Field::CustomerNumber,
            &keys.customer_number,
        ),
        (
            "NationalCode",
            "nationalCode",
            Field::NationalId,
            &keys.national_id,
        ),
        ("Email", "email", Field::Email, &keys.email),
    ]
}

/// The keys as alternatives of one search, each as it was typed and in its normal form.
pub(crate) fn queries(keys: &MatchKeys) -> Vec<Query> {
    let mut queries = Vec::new();
    for (name, _, field, key) in queryable(keys) {
        let Some(key) = key.as_deref().map(str::trim).filter(|key| !key.is_empty()) else {
            continue;
        };
        let spellings = BTreeSet::from([key.to_owned(), normal(field, key)]);
        queries.extend(spellings.into_iter().map(|value| Query::or_equal(name, value)));
    }
    queries
}

/// Whether a row of a search may be one that was asked for: it agrees with a key, or does not show one of the
/// properties. (Nothing but a guard for an installation that ignores conditions.)
pub(crate) fn may_match(row: &Value, keys: &MatchKeys) -> bool {
    queryable(keys).iter().any(|(_, property, field, key)| match key {
        Some(key) if !key.trim().is_empty() => {
            row.get(property).is_none() || same(*field, &text(row, property), key)
        }
        _ => false,
    })
}

/// The term for `identity/search` that finds a mobile. **Unverified**: the contract knows no field by which a
/// telephone can be asked for. Taken here: the term is looked for inside the telephones, so an Iranian number goes
/// without its prefix, which every way of writing it contains.
pub(crate) fn mobile_term(keys: &MatchKeys) -> Option<String> {
    let mobile = keys.mobile.as_deref()?.trim();
    let term = if phone::is_mobile(mobile) {
        phone::normal(mobile)
    } else {
        mobile.to_owned()
    };
    (!term.is_empty()).then_some(term)
}

/// Whether the object holds the mobile among its telephones.
pub(crate) fn holds_mobile(object: &Value, keys: &MatchKeys) -> bool {
    let Some(mobile) = &keys.mobile else { return false };
    contacts::numbers(object).any(|number| same(Field::Mobile, &number, mobile))
}
