//! Siagh's requests and answers as they travel (`contracts/siagh.md`). Nothing here knows the canonical customer.

use domain::letters::fold;
use outside::record;
use serde::Serialize;
use serde_json::Value;

/// `POST /GeneralApi/LoginUser`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Login<'a> {
    pub(crate) user_name: &'a str,
    /// MD5 of the password, hexadecimal in capitals.
    pub(crate) password: &'a str,
}

/// `POST /BpmsApi/SaveFormData`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SaveForm<'a> {
    pub(crate) form_id: &'static str,
    pub(crate) ctrl_values: &'a str,
    pub(crate) parameters: &'a str,
    /// JSON within JSON: the rows of a document; `[]` for contacts.
    pub(crate) data_rows: &'a str,
    pub(crate) attachments: &'static str,
    pub(crate) post_code: &'a str,
    pub(crate) flow_id: &'static str,
}

/// What a form save came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    /// Done.
    Done(Receipt),
    /// Refused, in Siagh's own words.
    Refused(String),
}

/// The answer of a save that was carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// `ReturnCode`: the record's code.
    pub(crate) code: String,
    /// `FinalMessages`, in one line.
    pub(crate) message: String,
}

/// Reads the answer of a form save, which is HTTP 200 in any case.
///
/// # Errors
/// Why it can't be understood.
pub(crate) fn saved(body: &[u8]) -> Result<Saved, &'static str> {
    let Some(value) = parse(body) else {
        // A script failure of the server's own may come as bare text.
        let text = String::from_utf8_lossy(body);
        return if text.contains(RUNTIME_ERROR) {
            Ok(Saved::Refused(line(&text)))
        } else {
            Err("it is no JSON")
        };
    };
    let entries = value.get("Errors").and_then(Value::as_array);
    let failed = |entry: &&Value| text(entry, "ErrorType").eq_ignore_ascii_case("ErrError");
    let errors: Vec<_> = entries
        .into_iter()
        .flatten()
        .filter(failed)
        .filter_map(described)
        .collect();
    let has_error = entries.into_iter().flatten().any(|entry| failed(&entry));
    let Some(done) = flag(value.get("ReturnValue")) else {
        let words = final_messages(&value);
        return if words.contains(RUNTIME_ERROR) || has_error {
            Ok(Saved::Refused(if errors.is_empty() {
                words
            } else {
                errors.join("; ")
            }))
        } else {
            Err("it holds no ReturnValue")
        };
    };
    if done && !has_error {
        return Ok(Saved::Done(Receipt {
            code: text(&value, "ReturnCode").trim().to_owned(),
            message: final_messages(&value),
        }));
    }
    let any = || {
        entries
            .into_iter()
            .flatten()
            .find_map(described)
            .unwrap_or_else(|| final_messages(&value))
    };
    let words = if errors.is_empty() {
        any()
    } else {
        errors.join("; ")
    };
    Ok(Saved::Refused(if words.is_empty() {
        "it gives no reason".to_owned()
    } else {
        words
    }))
}

/// "The telephone number can't be a double": another contact has it. The words don't say which of the two columns.
/// Without spaces: some write one word for two of it.
const PHONE_IS_TAKEN: &str = "شمارهتلفننمیتواندتکراریباشد";

/// Whether a save was refused, in these words, for another contact's sake.
pub(crate) fn is_taken(words: &str) -> bool {
    fold(words).replace(' ', "").contains(PHONE_IS_TAKEN)
}

const RUNTIME_ERROR: &str = "RUNTIME ERROR";

fn described(entry: &Value) -> Option<String> {
    ["Description", "MessageText", "Solution"]
        .iter()
        .map(|key| text(entry, key))
        .find(|text| !text.trim().is_empty())
}

fn final_messages(value: &Value) -> String {
    let messages = value
        .get("FinalMessages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    messages.filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
}

/// What Siagh says of a failure: its `Message`, if the body is JSON with one.
pub(crate) fn words_of(body: &[u8]) -> Option<String> {
    let value = parse(body)?;
    let words = ["Message", "message", "ExceptionMessage"]
        .iter()
        .map(|key| text(&value, key))
        .find(|text| !text.trim().is_empty());
    words.map(|words| line(&words))
}

/// The JSON of a body, whatever it is; `None` when it is none.
pub(crate) fn parse(body: &[u8]) -> Option<Value> {
    serde_json::from_str(&record::text(body)).ok()
}

/// A text property; a number counts as its digits, a truth value as `1` or `0`. Empty when there is none.
pub(crate) fn text(object: &Value, name: &str) -> String {
    object.get(name).map_or(String::new(), plain)
}

/// A value as text; see [`text`].
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => u8::from(*truth).to_string(),
        _ => String::new(),
    }
}

/// A truth value in any of its spellings: `true`, `1`, `"1"`, `"True"`.
pub(crate) fn flag(value: Option<&Value>) -> Option<bool> {
    match plain(value?).trim().to_ascii_lowercase().as_str() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(500)
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_another_contacts_is_known_by_its_words_alone() {
        for words in [
            "شماره تلفن نمی تواند تکراری باشد.",
            "شماره تلفن نمي‌تواند تکراري باشد",
            "ثبت نشد; شماره تلفن نمی تواند تکراری باشد.",
        ] {
            assert!(super::is_taken(words), "{words}");
        }
        for words in ["شماره تلفن نمی تواند خالی باشد.", "کد تکراری است", ""]
        {
            assert!(!super::is_taken(words), "{words}");
        }
    }

    use super::*;

    #[test]
    fn answers_of_a_save() {
        let saved = |text: &str| saved(text.as_bytes());
        let done = |code: &str, message: &str| {
            let (code, message) = (code.to_owned(), message.to_owned());
            Ok(Saved::Done(Receipt { code, message }))
        };
        let warned = r#"{"Errors":[{"ErrorType":"ErrSuccs","Description":""},{"ErrorType":"ErrWarning","Description":"w"}],"ReturnValue":true,"ReturnCode":"22"}"#;
        assert_eq!(saved(warned), done("22", ""));
        assert_eq!(
            saved(r#"{"FinalMessages":["ثبت گردید"],"ReturnValue":true,"ReturnCode":22}"#),
            done("22", "ثبت گردید")
        );
        let phone = r#"{"Errors":[{"ErrorType":"ErrError","Description":"شماره تلفن نمی تواند تکراری باشد.","ErrorCode":-1}],"ReturnValue":true,"ReturnCode":"22"}"#;
        assert_eq!(
            saved(phone),
            Ok(Saved::Refused("شماره تلفن نمی تواند تکراری باشد.".into()))
        );
        assert_eq!(
            saved(r#"{"FinalMessages":["نشد"],"ReturnValue":false}"#),
            Ok(Saved::Refused("نشد".into()))
        );
        assert_eq!(
            saved(r#"{"ReturnValue":false}"#),
            Ok(Saved::Refused("it gives no reason".into()))
        );
        let script = "RUNTIME ERROR 12: Field 'Code' not found";
        assert_eq!(saved(script), Ok(Saved::Refused(script.into())));
        for unreadable in ["", "<html>", "[]", "{}", r#"{"ReturnValue":true"#] {
            assert!(saved(unreadable).is_err(), "{unreadable}");
        }
    }
}
