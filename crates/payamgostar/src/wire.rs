//! The CRM's requests and answers as they travel (`contracts/payamgostar.md`).
//!
//! Objects stay JSON, since what is not known must survive an update; only their property names are brought
//! into one spelling. Nothing here knows the canonical customer.

use domain::entity::normal_id;
use domain::message::{Code, Message};
use domain::ports::Side;
use outside::{holds_markup, record};
use serde::Serialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// `POST /api/v2/auth/login`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Login<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    pub(crate) device_id: &'static str,
    /// 4 is Linux.
    pub(crate) platform_type: u8,
}

/// `POST /api/v2/auth/token/refresh`; the body is unverified.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refresh<'a> {
    pub(crate) refresh_token: &'a str,
}

/// `…/get`.
#[derive(Serialize)]
pub(crate) struct Id<'a> {
    pub(crate) id: &'a str,
}

/// `identity/search`; pages count from 0.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Search<'a> {
    pub(crate) page_number: u32,
    pub(crate) page_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) search_term: Option<&'a str>,
}

/// `…/find`; pages count from 1.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Find<'a> {
    pub(crate) type_key: &'a str,
    pub(crate) queries: Vec<Query>,
    pub(crate) orders: Vec<Order>,
    pub(crate) page_number: u32,
    pub(crate) page_size: u32,
}

/// One condition of a search.
#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Query {
    /// 0 and, 1 or.
    pub(crate) logical_operator: u8,
    /// In PascalCase.
    pub(crate) field: &'static str,
    pub(crate) operator: u8,
    pub(crate) value: String,
}

impl Query {
    /// This field equals the value, as one of several alternatives.
    pub(crate) fn or_equal(field: &'static str, value: String) -> Self {
        Self {
            logical_operator: 1,
            field,
            operator: 0,
            value,
        }
    }

    /// This field is at least the value.
    pub(crate) fn at_least(field: &'static str, value: String) -> Self {
        Self {
            logical_operator: 0,
            field,
            operator: 2,
            value,
        }
    }
}

/// One key of an order.
#[derive(Serialize)]
pub(crate) struct Order {
    pub(crate) field: &'static str,
    /// 0 ascending, 1 descending.
    pub(crate) order: u8,
}

/// `POST /api/webhooks`.
#[derive(Serialize)]
pub(crate) struct Webhook<'a> {
    pub(crate) url: &'a str,
    pub(crate) events: &'a [&'a str],
}

/// The JSON of an answer with camelCase names; `None` for a body that is empty.
pub(crate) fn parse(body: &[u8]) -> Result<Option<Value>, serde_json::Error> {
    let text = record::text(body);
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&text).map(|value| Some(camel_keys(value)))
}

/// Whether an answer holds no value: it is empty, `null`, `{}`, or an object whose every property is null.
pub(crate) fn says_nothing(body: &[u8]) -> bool {
    struct Nothing;
    impl<'de> Visitor<'de> for Nothing {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("nothing")
        }

        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while map.next_key::<IgnoredAny>()?.is_some() {
                map.next_value::<()>()?;
            }
            Ok(())
        }
    }
    let text = record::text(body);
    if text.trim_ascii().is_empty() {
        return true;
    }
    let mut json = serde_json::Deserializer::from_str(&text);
    json.deserialize_any(Nothing).and_then(|()| json.end()).is_ok()
}

/// Property names in camelCase throughout (installations answer in camelCase or PascalCase), values untouched.
///
/// Should an object hold both spellings of one name, each keeps its own: nothing is ever dropped.
pub(crate) fn camel_keys(value: Value) -> Value {
    // Most answers have none: looked through once, they stay as they are.
    match has_pascal_keys(&value) {
        true => in_camel(value),
        false => value,
    }
}

fn in_camel(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(in_camel).collect()),
        Value::Object(map) => {
            let mut out = Map::new();
            let (pascal, others): (Vec<_>, Vec<_>) = map.into_iter().partition(|(key, _)| is_pascal(key));
            out.extend(others.into_iter().map(|(key, value)| (key, in_camel(value))));
            for (key, value) in pascal {
                let name = camel(&key);
                let name = if out.contains_key(&name) { key } else { name };
                out.insert(name, in_camel(value));
            }
            Value::Object(out)
        }
        other => other,
    }
}

fn has_pascal_keys(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_pascal_keys),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| is_pascal(key) || has_pascal_keys(value)),
        _ => false,
    }
}

fn is_pascal(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_uppercase())
}

/// One name, as .NET's own camel case writes it: `CrmId` → `crmId`, `SMSNumber` → `smsNumber`, `ID` → `id`.
fn camel(name: &str) -> String {
    let mut run = name.bytes().take_while(u8::is_ascii_uppercase).count();
    // In a run of capitals the last one begins the next word, unless the name ends there.
    if run > 1 && run < name.len() {
        run -= 1;
    }
    name[..run].to_ascii_lowercase() + &name[run..]
}

/// What the CRM says of a failure: `message` and the details, cut to a line. `None` for an empty body or a page.
pub(crate) fn words_of(body: &[u8]) -> Option<String> {
    let value = parse(body).ok()??;
    let mut words = Vec::new();
    words.extend(
        ["message", "title", "error"]
            .iter()
            .find_map(|key| said(&value, key)),
    );
    for detail in value
        .get("errorDetails")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let field = said(detail, "field").map_or(String::new(), |field| format!("{field}: "));
        words.extend(said(detail, "message").map(|message| field + &message));
    }
    words.dedup();
    let line: String = words
        .join("; ")
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(500)
        .collect();
    (!line.is_empty()).then_some(line)
}

fn said(value: &Value, key: &str) -> Option<String> {
    value
        .get(key)?
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The properties whose texts a web server may take for markup.
pub(crate) fn markup(object: &Value) -> String {
    let properties = object.as_object().into_iter().flatten();
    let named = properties.filter(|(_, value)| value.as_str().is_some_and(holds_markup));
    named
        .map(|(name, _)| name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The id that a property holds, in its one spelling; empty when there is none.
pub(crate) fn id(object: &Value, name: &str) -> String {
    normal_id(Side::Crm, &text(object, name))
}

/// A text property; a number counts as its digits. Empty when there is none.
pub(crate) fn text(object: &Value, name: &str) -> String {
    match object.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The property, where it is no text and no number.
pub(crate) fn no_text(object: &Value, name: &str) -> Option<Message> {
    let what = match object.get(name) {
        Some(Value::Bool(_)) => "a truth value, and no text",
        Some(Value::Array(_)) => "a list, and no text",
        Some(Value::Object(_)) => "an object, and no text",
        _ => return None,
    };
    Some(bad_value(name, what))
}

pub(crate) fn bad_value(property: &str, what: &str) -> Message {
    Message::new(Code::AsideBadValue)
        .with("property", property)
        .with("what", what)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_become_camel_case_at_every_depth_and_nothing_is_lost() {
        let value = json!({"CrmId": "1", "SMSNumber": 2, "ID": 3, "Sub": [{"UserKey": {"A": null}}], "نام": 1, "nickName": "a", "NickName": "b"});
        assert_eq!(
            camel_keys(value),
            json!({"crmId": "1", "smsNumber": 2, "id": 3, "sub": [{"userKey": {"a": null}}], "نام": 1, "nickName": "a", "NickName": "b"})
        );
    }

    #[test]
    fn numbers_stay_as_they_were_written() {
        let value = parse(br#"{"Big":12345678901234567890.1230,"Count":1.0000}"#)
            .unwrap()
            .unwrap();
        assert_eq!(
            value.to_string(),
            r#"{"big":12345678901234567890.1230,"count":1.0000}"#
        );
    }

    #[test]
    fn an_answer_says_nothing_only_as_a_whole() {
        for nothing in [
            "",
            " \n",
            "null",
            "{}",
            r#"{"crmId":null,"Data":null}"#,
            "\u{feff}null",
        ] {
            assert!(says_nothing(nothing.as_bytes()), "{nothing}");
        }
        for something in [
            "[]",
            "0",
            r#"{"a":null,"b":0}"#,
            r#"{"a":{}}"#,
            "{}{",
            r#"{"a":null"#,
            "<html>",
        ] {
            assert!(!says_nothing(something.as_bytes()), "{something}");
        }
    }

    #[test]
    fn error_bodies_of_every_form() {
        let full = r#"{"code":400,"message":"نامعتبر","errorDetails":[{"statusCode":400,"field":"Email","message":"bad"}]}"#;
        assert_eq!(words_of(full.as_bytes()).unwrap(), "نامعتبر; Email: bad");
        assert_eq!(words_of(br#"{"Code":400,"Message":"no"}"#).unwrap(), "no");
        assert_eq!(words_of(b""), None);
        assert_eq!(words_of(b"<html>Bad Gateway</html>"), None);
        assert_eq!(words_of(b"\"text\""), None);
    }
}
