//! The CRM's records as an answer shows them, each read by itself: one that can't be read is named, and the others go on.
//!
//! It never calls anything, and never says what a good record means.

use domain::message::{Code, Message};
use domain::ports::SetAside;
use outside::record::{self, Broken};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::contacts;
use crate::places::{PLACES, Place};
use crate::wire::{camel_keys, id, no_text};

/// An id, or a time, that is longer is none.
const LONGEST: usize = 64;

/// A row of an answer, with camelCase names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The record, or what of it could be read.
    pub(crate) object: Value,
    /// Why it is no record.
    pub(crate) wrong: Option<Message>,
}

impl Row {
    /// From the [`record::text`] of one record, whose id stands in that property.
    pub(crate) fn read(json: &str, id_in: &str) -> Self {
        let (object, wrong) = match record::object::<serde_json::Map<String, Value>>(json) {
            Ok(object) => (object, None),
            Err(Broken { shown, why }) => (shown, Some(why)),
        };
        let object = camel_keys(Value::Object(object));
        let wrong = wrong.or_else(|| misnamed(&id(&object, id_in)));
        Self { object, wrong }
    }

    /// The record, or what stands in its place among what is set aside.
    pub(crate) fn good(self) -> Result<Value, SetAside> {
        match self.wrong {
            None => Ok(self.object),
            Some(why) => Err(aside(&self.object, why)),
        }
    }
}

/// The rows of `find`'s answer: the list under `data`, in either spelling; `None`: there is no list.
pub(crate) fn data(json: &str) -> Option<Vec<Row>> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow, alias = "Data")]
        data: &'a RawValue,
    }
    let answer: Answer<'_> = serde_json::from_str(json).ok()?;
    rows(answer.data.get(), "crmId")
}

/// The rows of a bare list; `None`: it is none.
pub(crate) fn rows(json: &str, id_in: &str) -> Option<Vec<Row>> {
    let elements = record::elements(json).ok()?;
    Some(elements.iter().map(|one| Row::read(one.get(), id_in)).collect())
}

/// Why a customer of the CRM can't be taken as it stands: where a text or a list is expected, something else is. To
/// read it as empty would clear it on the other side.
pub(crate) fn misshapen(object: &Value) -> Option<Message> {
    let texts = PLACES.iter().filter_map(|(_, place)| match place {
        Place::Property(name) => Some(*name),
        _ => None,
    });
    let names = ["nickName", "firstName", "lastName"];
    let of_object = texts.chain(names).find_map(|name| no_text(object, name));
    of_object
        .or_else(|| contacts::misshapen(object))
        .or_else(|| mistimed(object))
}

/// Times stand in event keys and cursors as the server wrote them. One that can't be read as a time is unknown; one that
/// can't be a time at all speaks against the record.
pub(crate) fn mistimed(object: &Value) -> Option<Message> {
    let bad = ["modifyDate", "creatDate"]
        .into_iter()
        .find(|name| !is_plain(&crate::wire::text(object, name)))?;
    Some(Message::new(Code::AsideBadTime).with("property", bad))
}

fn misnamed(id: &str) -> Option<Message> {
    match id {
        "" => Some(Message::new(Code::AsideNoId)),
        id if !is_plain(id) => Some(Message::new(Code::AsideBadId)),
        _ => None,
    }
}

fn is_plain(text: &str) -> bool {
    text.chars().count() <= LONGEST && !text.chars().any(char::is_control)
}

/// A record that is set aside, under as much of its id as can be stored.
pub(crate) fn aside(object: &Value, why: Message) -> SetAside {
    let id = id(object, "crmId");
    let plain = id.chars().filter(|c| !c.is_control()).take(LONGEST);
    SetAside {
        id: plain.collect(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_read_row_by_row_in_either_spelling() {
        let long = "x".repeat(100);
        let json = format!(
            r#"{{"Data":[{{"CrmId":"A","NickName":"a"}},{{"crmId":"b","x":"\ud83d"}},7,{{"crmId":null}},{{"crmId":"{long}"}}],"Total":5}}"#
        );
        let rows = data(&json).unwrap();
        assert_eq!(rows[0].object, json!({"crmId": "A", "nickName": "a"}));
        let reasons = rows
            .into_iter()
            .map(|row| row.good().err().map(|aside| aside.why.code));
        assert_eq!(
            reasons.collect::<Vec<_>>(),
            [
                None,
                Some(Code::AsideUnreadable),
                Some(Code::AsideNoObject),
                Some(Code::AsideNoId),
                Some(Code::AsideBadId)
            ]
        );
        for none in [
            r#"{"data":null}"#,
            r#"{"data":{}}"#,
            "{}",
            "[]",
            r#"{"data":[{]}"#,
        ] {
            assert_eq!(data(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_no_text_where_one_is_expected_is_not_taken_for_empty() {
        let wrong = |object: Value| misshapen(&object).map(|why| why.arguments["property"].clone());
        assert_eq!(
            wrong(json!({"email": null, "nickName": 7, "phoneContacts": []})),
            None
        );
        assert_eq!(wrong(json!({"email": {"value": "a@b.ir"}})), Some(json!("email")));
        assert_eq!(wrong(json!({"nickName": ["a"]})), Some(json!("nickName")));
        assert_eq!(wrong(json!({"refId": false})), Some(json!("refId")));
        assert_eq!(
            wrong(json!({"phoneContacts": "0912"})),
            Some(json!("phoneContacts"))
        );
        assert_eq!(
            wrong(json!({"phoneContacts": [{"phoneNumber": ["0912"]}]})),
            Some(json!("phoneNumber"))
        );
        assert_eq!(
            wrong(json!({"addressContacts": [{"zipCode": {}}]})),
            Some(json!("zipCode"))
        );
        assert_eq!(
            wrong(json!({"modifyDate": "x".repeat(65)})),
            Some(json!("modifyDate"))
        );
    }
}
