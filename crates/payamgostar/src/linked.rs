//! Of several telephones the one that is linked: remembered by its id, so that clearing or changing it touches no other, and
//! none of the others moves up into its place. Pure.
//!
//! What is remembered is JSON that nobody else looks into: per line the entry's `id`; and, once it was cleared by us, the ids
//! of the `others` that were there then.

use domain::customer::{Customer, Field, Values};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contacts::{Line, chosen, line_of, phones};
use crate::wire::text;

/// The entry of one line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    /// Empty: there was none.
    id: String,
    /// All others of the line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<String>,
    /// We have cleared it: the others are not it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cleared: bool,
}

/// What is remembered of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Places {
    mobile: Entry,
    phone: Entry,
}

/// Reads both numbers from the entries that are linked, and says which those are.
pub(crate) fn placed(object: &Value, customer: &mut Customer, known: Option<&Value>) -> Option<Value> {
    let known = known.and_then(|known| serde_json::from_value::<Places>(known.clone()).ok());
    let known = known.unwrap_or_default();
    let mut read = |line, field, entry: &Entry| {
        let (number, entry) = linked(phones(object), line, entry);
        customer.set(field, number);
        entry
    };
    let places = Places {
        mobile: read(Line::Mobile, Field::Mobile, &known.mobile),
        phone: read(Line::Landline, Field::Phone, &known.phone),
    };
    serde_json::to_value(places).ok()
}

/// An update is about to clear these fields.
pub(crate) fn clearing(places: &mut Value, changes: &Values) {
    let Ok(mut known) = serde_json::from_value::<Places>(places.clone()) else {
        return;
    };
    for (field, entry) in [
        (Field::Mobile, &mut known.mobile),
        (Field::Phone, &mut known.phone),
    ] {
        if changes.get(&field).is_some_and(|value| value.trim().is_empty()) {
            entry.cleared = true;
        }
    }
    if let Ok(known) = serde_json::to_value(known) {
        *places = known;
    }
}

/// The entry that was linked, while it is there. When a user has taken it away, the next one counts; when we have, only one
/// that was not there before does.
fn linked(phones: &[Value], line: Line, known: &Entry) -> (String, Entry) {
    let id = |index: usize| text(&phones[index], "id");
    let number = |index: usize| text(&phones[index], "phoneNumber");
    let of_line = |index: &usize| line_of(&phones[*index]) == Some(line) && !number(*index).trim().is_empty();
    let all: Vec<usize> = (0..phones.len()).filter(of_line).collect();
    let before = all
        .iter()
        .copied()
        .find(|index| !known.id.is_empty() && id(*index) == known.id);
    let is_new = |index: &usize| !id(*index).is_empty() && !known.others.contains(&id(*index));
    let next = || match known.cleared {
        false => chosen(phones, line),
        true => all.iter().copied().find(is_new),
    };
    let Some(index) = before.or_else(next) else {
        return (String::new(), known.clone());
    };
    let others = all
        .iter()
        .filter(|other| **other != index)
        .map(|other| id(*other));
    let entry = Entry {
        id: id(index),
        others: others.filter(|id| !id.is_empty()).collect(),
        // Our save may still be on its way.
        cleared: known.cleared && before.is_some(),
    };
    (number(index), entry)
}

#[cfg(test)]
mod tests {
    use domain::customer::Kind;
    use serde_json::json;

    use super::*;

    fn mobiles(entries: &[(&str, &str, bool)]) -> Value {
        let entries = entries.iter().map(|(id, number, default)| {
            json!({"id": id, "default": default, "phoneType": "Mobile", "phoneNumber": number})
        });
        json!({ "phoneContacts": entries.collect::<Vec<_>>() })
    }

    fn read(object: &Value, known: &mut Option<Value>) -> String {
        let mut customer = Customer::new(Kind::Person);
        *known = placed(object, &mut customer, known.as_ref());
        customer.get(Field::Mobile).to_owned()
    }

    fn clear(known: &mut Option<Value>) {
        clearing(
            known.as_mut().unwrap(),
            &Values::from([(Field::Mobile, String::new())]),
        );
    }

    #[test]
    fn case_20_what_we_cleared_stays_empty_whatever_stands_beside_it() {
        let mut known = None;
        let three = [("a", "1", false), ("b", "2", true), ("c", "3", false)];
        assert_eq!(read(&mobiles(&three), &mut known), "2", "the default one");
        clear(&mut known);
        assert_eq!(read(&mobiles(&three), &mut known), "2", "the save has not landed");
        // The CRM makes another one the default.
        let two = [("a", "1", true), ("c", "3", false)];
        assert_eq!(read(&mobiles(&two), &mut known), "");
        assert_eq!(read(&mobiles(&two), &mut known), "", "for good");
        let again = [("a", "1", true), ("c", "3", false), ("d", "4", false)];
        assert_eq!(read(&mobiles(&again), &mut known), "4", "a new one counts");
        let without = [("a", "1", true), ("c", "3", false)];
        assert_eq!(
            read(&mobiles(&without), &mut known),
            "1",
            "a user has taken it away: the next one counts"
        );
    }

    #[test]
    fn the_linked_one_stays_linked_when_others_come_and_go() {
        let mut known = None;
        assert_eq!(read(&mobiles(&[("b", "2", false)]), &mut known), "2");
        let more = [("a", "1", true), ("b", "22", false)];
        assert_eq!(
            read(&mobiles(&more), &mut known),
            "22",
            "changed, and no longer the first"
        );
        assert_eq!(read(&mobiles(&[]), &mut known), "");
        assert_eq!(read(&mobiles(&[("x", "9", false)]), &mut known), "9");
    }
}
