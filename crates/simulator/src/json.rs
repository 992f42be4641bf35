//! Small helpers for JSON as these systems treat it.

use std::collections::BTreeMap;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Applies an RFC 7396 merge patch: `null` removes, objects merge, everything else replaces.
pub(crate) fn merge_patch(target: &mut Object, patch: &Object) {
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.remove(key);
            }
            Value::Object(inner) => {
                let slot = target.entry(key.clone()).or_insert(Value::Null);
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(object) = slot {
                    merge_patch(object, inner);
                }
            }
            other => {
                target.insert(key.clone(), other.clone());
            }
        }
    }
}

/// The text of a scalar; none for null, arrays and objects.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A property's text, empty when it has none.
pub(crate) fn text<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// `creatDate` → `CreatDate`, in every object.
pub(crate) fn pascal_case(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(key, value)| (first(&key, char::to_ascii_uppercase), pascal_case(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(pascal_case).collect()),
        other => other,
    }
}

/// `CreatDate` → `creatDate`, in every object.
pub(crate) fn camel_case(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let renamed = object
                .into_iter()
                .map(|(key, value)| (camel(&key), camel_case(value)));
            Value::Object(renamed.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(camel_case).collect()),
        other => other,
    }
}

/// `crmId` → `CrmId`.
pub(crate) fn pascal(name: &str) -> String {
    first(name, char::to_ascii_uppercase)
}

/// `ModifyDate` → `modifyDate`.
pub(crate) fn camel(name: &str) -> String {
    first(name, char::to_ascii_lowercase)
}

fn first(name: &str, change: fn(&char) -> char) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |letter| {
        let mut changed = String::with_capacity(name.len());
        changed.push(change(&letter));
        changed.push_str(letters.as_str());
        changed
    })
}

/// An answer with these texts in the place of those.
pub(crate) fn with_raw_texts(mut body: String, raw: &BTreeMap<String, String>) -> String {
    for (text, by) in raw {
        if body.contains(text) {
            body = body.replace(text, by);
        }
    }
    body
}

/// Whether a text of it holds what a careful web server takes for a tag: `<b`, `</b`, `<!`.
pub(crate) fn holds_markup(value: &Value) -> bool {
    match value {
        Value::String(text) => text.match_indices('<').any(|(at, _)| {
            text[at + 1..].starts_with(|next: char| next.is_ascii_alphabetic() || "/!?".contains(next))
        }),
        Value::Array(items) => items.iter().any(holds_markup),
        Value::Object(object) => object.values().any(holds_markup),
        _ => false,
    }
}

/// What such a server says.
pub(crate) fn refuses_markup(status: u16) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, kind, DANGEROUS).into_response()
}

const DANGEROUS: &str = "<!DOCTYPE html>\r\n<html><head><title>A potentially dangerous Request value was detected from \
                         the client.</title></head><body><h1>Server Error in '/' Application.</h1><h2>A potentially \
                         dangerous Request value was detected from the client.</h2></body></html>";

/// The path of the first property, at any depth, that begins with a capital letter.
pub(crate) fn capital_key(value: &Value) -> Option<String> {
    match value {
        Value::Object(object) => object.iter().find_map(|(key, value)| {
            if key.starts_with(|letter: char| letter.is_ascii_uppercase()) {
                Some(key.clone())
            } else {
                capital_key(value).map(|inner| format!("{key}.{inner}"))
            }
        }),
        Value::Array(items) => items.iter().find_map(capital_key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_merge_patch_merges() {
        let mut target = object(json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1]}));
        merge_patch(
            &mut target,
            &object(json!({"a": null, "b": {"c": 9}, "e": [2], "f": {"g": 1}})),
        );
        assert_eq!(
            Value::Object(target),
            json!({"b": {"c": 9, "d": 3}, "e": [2], "f": {"g": 1}})
        );
    }

    #[test]
    fn cases() {
        assert_eq!(
            pascal_case(json!({"creatDate": [{"userKey": "x"}]})),
            json!({"CreatDate": [{"UserKey": "x"}]})
        );
        assert_eq!(camel("ModifyDate"), "modifyDate");
        assert_eq!(capital_key(&json!({"a": [{"Key": 1}]})), Some("a.Key".to_owned()));
        assert_eq!(capital_key(&json!({"a": "B"})), None);
    }

    #[test]
    fn tags_are_markup_and_a_comparison_is_none() {
        for (text, is) in [
            ("<b>x", true),
            ("a </i", true),
            ("<!-- x", true),
            ("3 < 4", false),
            ("<3", false),
            ("a<", false),
        ] {
            assert_eq!(holds_markup(&json!([{ "x": text }])), is, "{text}");
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        let value: Value = serde_json::from_str("[1.0000, 12345678901234567890.123456789]").unwrap();
        assert_eq!(value.to_string(), "[1.0000,12345678901234567890.123456789]");
    }
}
