//! Records of an answer, each read by itself: one that can't be read is named, and stops none of the others.
//!
//! It knows no system's names; what a record means is the connector's matter.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::mend::mended;
use domain::message::{Code, Message};
use domain::ports::SetAside;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// An object that could be read in parts only.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    /// The properties that could be read: enough to tell whose it is, maybe.
    pub shown: Map<String, Value>,
    /// Why the whole can't be.
    pub why: Message,
}

impl Broken {
    /// As a record of that id; empty: it can't be told.
    #[must_use]
    pub fn set_aside(self, id: impl Into<String>) -> SetAside {
        SetAside {
            id: id.into(),
            why: self.why,
        }
    }
}

/// The JSON of an answer as text. What no database can hold is taken out ([`mended`]); bytes that are no UTF-8 become
/// an escape that a parser of values refuses and one of structure skips: they spoil the record that holds them alone.
#[must_use]
pub fn text(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    match mended(body) {
        Cow::Borrowed(body) => match std::str::from_utf8(body) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(refusing(body)),
        },
        Cow::Owned(body) => {
            Cow::Owned(String::from_utf8(body).unwrap_or_else(|error| refusing(error.as_bytes())))
        }
    }
}

fn refusing(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len() + 16);
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(r"\udfff");
        }
    }
    text
}

/// An object of an answer, from its [`text`].
///
/// # Errors
/// What of it could be read, and why the rest can't.
pub fn object<T: for<'de> Deserialize<'de>>(json: &str) -> Result<T, Broken> {
    serde_json::from_str(json).map_err(|_| broken(json))
}

fn broken(json: &str) -> Broken {
    let Ok(properties) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) else {
        let code = match json.trim_start().starts_with('{') {
            true => Code::AsideNoJson,
            false => Code::AsideNoObject,
        };
        return Broken {
            shown: Map::new(),
            why: Message::new(code),
        };
    };
    let mut unreadable = Vec::new();
    let mut shown = Map::new();
    for (name, value) in properties {
        match serde_json::from_str(value.get()) {
            Ok(value) => drop(shown.insert(name, value)),
            Err(_) => unreadable.push(name),
        }
    }
    let why = match unreadable.is_empty() {
        true => Message::new(Code::AsideNoJson),
        false => Message::new(Code::AsideUnreadable).with("properties", unreadable.join(", ")),
    };
    Broken { shown, why }
}

/// The elements of a list, from its [`text`], each as JSON of its own.
///
/// # Errors
/// It is no list.
pub fn elements(json: &str) -> serde_json::Result<Vec<&RawValue>> {
    serde_json::from_str(json)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &[u8]) -> Result<Value, Broken> {
        object(&text(body))
    }

    #[test]
    fn what_spoils_one_property_is_named_and_the_rest_is_shown() {
        let deep = format!(r#"{{"id":7,"more":{}{}}}"#, "[".repeat(300), "]".repeat(300));
        for (body, spoilt) in [
            (&b"{\"id\":7,\"note\":\"\xff\"}"[..], "note"),
            (deep.as_bytes(), "more"),
            (br#"{"id":7,"a":"\ud83d"}"#, ""),
        ] {
            match read(body) {
                Ok(whole) => assert_eq!((whole["id"].clone(), spoilt), (json!(7), "")),
                Err(broken) => {
                    assert_eq!(broken.shown.get("id"), Some(&json!(7)));
                    assert_eq!(broken.why.arguments.get("properties"), Some(&json!(spoilt)));
                }
            }
        }
    }

    #[test]
    fn what_is_no_object_at_all_says_so() {
        let why = |body: &[u8]| object::<Map<String, Value>>(&text(body)).unwrap_err().why.code;
        assert_eq!(why(b"[1]"), Code::AsideNoObject);
        assert_eq!(why(b"null"), Code::AsideNoObject);
        assert_eq!(why(b"{\"a\":}"), Code::AsideNoJson);
    }

    #[test]
    fn a_list_is_read_whatever_its_elements_hold() {
        let body = b"\xef\xbb\xbf[{\"a\":\"\xff\"},{\"a\":\"\\ud83d\"},3,{\"a\":1}]";
        let body = text(body);
        let all = elements(&body).unwrap();
        let good: Vec<bool> = all
            .iter()
            .map(|one| object::<Map<String, Value>>(one.get()).is_ok())
            .collect();
        assert_eq!(good, [false, true, false, true]);
        assert!(elements("{}").is_err() && elements("[1,").is_err());
    }
}
