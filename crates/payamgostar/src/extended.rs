//! Extended properties of an object of the CRM: `extendedProperties [{userKey, value}]`. Pure.

use domain::message::Message;
use serde_json::{Map, Value, json};

use crate::places::Extended;
use crate::wire::{bad_value, no_text, text};

const LIST: &str = "extendedProperties";

/// Whether the answer shows them at all.
pub(crate) fn are_shown(object: &Value) -> bool {
    object.get(LIST).is_some_and(Value::is_array)
}

fn entry<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    let entries = object.get(LIST)?.as_array()?;
    entries.iter().find(|entry| text(entry, "userKey") == key)
}

/// What stands in the property; nothing where the object has none of that key.
pub(crate) fn value(object: &Value, key: &str) -> String {
    entry(object, key).map_or_else(String::new, |entry| text(entry, "value"))
}

/// Puts a value into the property, which is added where the object has none of that key. All others stay as they are.
pub(crate) fn set(object: &mut Value, key: &str, value: Value) {
    let Some(object) = object.as_object_mut() else {
        return;
    };
    let list = object.entry(LIST).or_insert_with(|| json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    let entries = list.as_array_mut().into_iter().flatten();
    let mut own = entries.filter(|entry| entry.is_object() && text(entry, "userKey") == key);
    match own.next() {
        Some(entry) => entry["value"] = value,
        None if value.is_null() => {}
        None => {
            let entry = Map::from_iter([("userKey".to_owned(), key.into()), ("value".to_owned(), value)]);
            if let Some(entries) = list.as_array_mut() {
                entries.push(Value::Object(entry));
            }
        }
    }
}

/// Why what stands in one of the properties of these fields can't be taken as it stands.
pub(crate) fn misshapen(object: &Value, extended: &Extended) -> Option<Message> {
    let list = object.get(LIST).filter(|list| !list.is_null());
    if !extended.is_empty() && list.is_some_and(|list| !list.is_array()) {
        return Some(bad_value(LIST, "no list"));
    }
    let mut entries = extended.values().filter_map(|key| entry(object, key));
    entries.find_map(|entry| no_text(entry, "value"))
}

#[cfg(test)]
mod tests {
    use domain::customer::Field;

    use super::*;

    #[test]
    fn one_property_is_read_and_written_and_the_others_stay() {
        let mut object = json!({"extendedProperties": [{"userKey": "Grade", "value": 5}, "x", {"userKey": "Shop", "value": "a"}]});
        assert_eq!(
            (value(&object, "Shop"), value(&object, "None")),
            ("a".to_owned(), String::new())
        );
        set(&mut object, "Shop", "b".into());
        set(&mut object, "New", "c".into());
        set(&mut object, "Nothing", Value::Null);
        let expected = json!([{"userKey": "Grade", "value": 5}, "x", {"userKey": "Shop", "value": "b"}, {"userKey": "New", "value": "c"}]);
        assert_eq!(object["extendedProperties"], expected);
        set(&mut object, "Shop", Value::Null);
        assert_eq!(value(&object, "Shop"), "");
        let mut bare = json!({"crmId": "1"});
        assert!(!are_shown(&bare));
        set(&mut bare, "Shop", "b".into());
        assert_eq!(
            bare,
            json!({"crmId": "1", "extendedProperties": [{"userKey": "Shop", "value": "b"}]})
        );
    }

    #[test]
    fn what_is_no_text_speaks_against_the_record_only_where_a_field_stands_there() {
        let fields = Extended::from([(Field::Website, "Shop".to_owned())]);
        let of = |key: &str| json!({"extendedProperties": [{"userKey": key, "value": ["a"]}]});
        assert!(misshapen(&of("Shop"), &fields).is_some());
        assert!(misshapen(&of("Grade"), &fields).is_none());
        assert!(misshapen(&of("Shop"), &Extended::new()).is_none());
        assert!(misshapen(&json!({"extendedProperties": "a"}), &fields).is_some());
        assert!(misshapen(&json!({"extendedProperties": null}), &fields).is_none());
    }
}
