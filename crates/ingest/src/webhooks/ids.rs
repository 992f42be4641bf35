//! One record, one id: whatever spelling a sender uses, `SyncLog.sourceEntityId` is the same.

use domain::ports::Side;
use serde_json::Value;
use uuid::Uuid;

/// The id of a record of that side, in its one spelling: a CRM guid in lower case with hyphens, a finance code
/// in decimal without leading zeros. `Err` says what is wrong with it.
pub(super) fn normal(side: Side, id: &Value) -> Result<String, &'static str> {
    match (side, id) {
        (Side::Crm, Value::String(text)) => guid(text),
        (Side::Crm, _) => Err("must be the record's guid, as text"),
        (Side::Finance, Value::String(text)) => code(text.trim()),
        (Side::Finance, Value::Number(number)) => code(number.as_str()),
        (Side::Finance, _) => Err("must be the record's Code, a number"),
    }
}

/// A guid with or without hyphens and braces, in either case. The CRM itself is asked by it and takes any
/// spelling; the nil guid is no record's.
pub(super) fn guid(text: &str) -> Result<String, &'static str> {
    match Uuid::try_parse(text.trim()) {
        Ok(id) if id.is_nil() => Err("is the empty guid: send the record's own"),
        Ok(id) => Ok(id.hyphenated().to_string()),
        Err(_) => Err("must be the record's guid, as 3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
    }
}

fn code(text: &str) -> Result<String, &'static str> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(code) if digits && code > 0 => Ok(code.to_string()),
        _ => Err("must be the record's Code, a whole number above 0"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_of_a_guid_is_one_id() {
        let one = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
        for text in [
            one.to_owned(),
            one.to_uppercase(),
            format!("{{{one}}}"),
            one.replace('-', ""),
            format!(" {one}\n"),
        ] {
            assert_eq!(guid(&text).as_deref(), Ok(one), "{text}");
        }
        for bad in [
            "",
            "{}",
            "22",
            "3f2504e0-4f89-11d3-9a0c-0305e82c330",
            "۳f2504e0-4f89-11d3-9a0c-0305e82c3301",
        ] {
            assert!(guid(bad).is_err(), "{bad}");
        }
        assert!(guid(&Uuid::nil().to_string()).is_err());
    }

    #[test]
    fn a_code_is_a_positive_whole_number() {
        for good in [json!(505), json!("505"), json!("00505"), json!(" 505 ")] {
            assert_eq!(normal(Side::Finance, &good).as_deref(), Ok("505"), "{good}");
        }
        for bad in [
            json!(0),
            json!(-1),
            json!(1.5),
            json!(""),
            json!("+5"),
            json!("9999999999999999999"),
            json!(null),
            json!([1]),
        ] {
            assert!(normal(Side::Finance, &bad).is_err(), "{bad}");
        }
    }
}
