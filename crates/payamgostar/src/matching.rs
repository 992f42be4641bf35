//! How the CRM is searched for a customer of the other system.
//!
//! It asks for more than it needs and never decides who is who: the engine compares.

use std::collections::BTreeSet;

use domain::customer::Field;
use domain::matching::{mobile_spellings, national_id_spellings};
use domain::ports::MatchKeys;
use domain::text::{normal, same};
use serde_json::Value;

use crate::contacts;
use crate::places::{Place, by_the_table};
use crate::wire::{Query, text};

/// The keys that `find` can ask for: the field's name in queries, the field, and the key's value.
fn queryable(keys: &MatchKeys) -> [(&'static str, Field, &Option<String>); 4] {
    [
        ("RefId", Field::FinanceCode, &keys.id),
        ("CustomerNumber", Field::CustomerNumber, &keys.customer_number),
        ("NationalCode", Field::NationalId, &keys.national_id),
        ("Email", Field::Email, &keys.email),
    ]
}

/// The property that holds such a field.
fn property_of(field: Field) -> Option<&'static str> {
    match by_the_table(field) {
        Some(Place::Property(name)) => Some(name),
        _ => None,
    }
}

/// The keys as alternatives of one search, each as it was typed and in its normal form; a national id in all the ways in
/// which people write it.
pub(crate) fn queries(keys: &MatchKeys) -> Vec<Query> {
    let mut queries = Vec::new();
    for (name, field, key) in queryable(keys) {
        let Some(key) = key.as_deref().map(str::trim).filter(|key| !key.is_empty()) else {
            continue;
        };
        let mut spellings = BTreeSet::from([key.to_owned(), normal(field, key)]);
        if field == Field::NationalId {
            spellings.extend(national_id_spellings(key));
        }
        queries.extend(spellings.into_iter().map(|value| Query::or_equal(name, value)));
    }
    queries
}

/// Whether a row of a search may be one that was asked for: it agrees with a key, or does not show one of the
/// properties. (Nothing but a guard for an installation that ignores conditions.)
pub(crate) fn may_match(row: &Value, keys: &MatchKeys) -> bool {
    queryable(keys).iter().any(|(_, field, key)| match key {
        Some(key) if !key.trim().is_empty() => property_of(*field).is_none_or(|property| {
            row.get(property).is_none() || is_spelt(*field, &text(row, property), key)
        }),
        _ => false,
    })
}

/// Whether it is that key in one of the ways in which it was asked for.
fn is_spelt(field: Field, shown: &str, key: &str) -> bool {
    let spelt = match field {
        Field::NationalId => national_id_spellings(key),
        _ => Vec::new(),
    };
    same(field, shown, key) || spelt.iter().any(|one| same(field, shown, one))
}

/// The term for `identity/search` that finds a mobile. **Unverified**: the contract knows no field by which a
/// telephone can be asked for. Taken here: the term is looked for inside the telephones, so an Iranian number goes
/// without its prefix, which every way of writing it contains.
pub(crate) fn mobile_term(keys: &MatchKeys) -> Option<String> {
    let mobile = keys.mobile.as_deref()?.trim();
    // The shortest is contained in the others.
    let spelt = mobile_spellings(mobile).into_iter();
    let term = spelt.min_by_key(String::len).unwrap_or_default();
    (!term.is_empty()).then_some(term)
}

/// Whether the object holds the mobile among its telephones.
pub(crate) fn holds_mobile(object: &Value, keys: &MatchKeys) -> bool {
    let Some(mobile) = &keys.mobile else { return false };
    contacts::numbers(object).any(|number| same(Field::Mobile, &number, mobile))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for_by_name_is_the_property_that_holds_the_field() {
        for (name, field, _) in queryable(&MatchKeys::default()) {
            let property = property_of(field).unwrap();
            assert_eq!(name[1..], property[1..]);
            assert!(name.eq_ignore_ascii_case(property) && name.starts_with(char::is_uppercase));
        }
    }

    #[test]
    fn a_row_that_shows_another_value_was_not_asked_for() {
        let keys = MatchKeys {
            id: Some("۲۲".to_owned()),
            ..MatchKeys::default()
        };
        assert!(may_match(&json!({"refId": "22"}), &keys));
        assert!(may_match(&json!({"nickName": "not shown"}), &keys));
        assert!(!may_match(&json!({"refId": "23"}), &keys));
        // It was asked for with the zero that a number has lost, too.
        let keys = MatchKeys {
            national_id: Some("790419904".to_owned()),
            ..MatchKeys::default()
        };
        assert!(may_match(&json!({"nationalCode": "0790419904"}), &keys));
        assert!(!may_match(&json!({"nationalCode": "0790419912"}), &keys));
    }
}
