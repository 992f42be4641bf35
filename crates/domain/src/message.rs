//! What is told to people, as data: a code with arguments (`errorCode`, `errorArguments`), written out in one place.
//!
//! The English text of each code stands in the catalogue; other languages have theirs elsewhere, by the same codes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod catalogue;
pub mod evidence;

pub use catalogue::Code;

/// A code with its arguments: values by name. An argument may be a message itself, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What is said.
    pub code: Code,
    /// Of what.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub arguments: Map<String, Value>,
}

impl Message {
    /// A message without arguments.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self {
            code,
            arguments: Map::new(),
        }
    }

    /// With this argument, as it is written.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.arguments
            .insert(name.to_owned(), Value::from(value.to_string()));
        self
    }

    /// With an argument that is a message.
    #[must_use]
    pub fn with_message(self, name: &str, message: &Self) -> Self {
        self.with_messages(name, std::slice::from_ref(message))
    }

    /// With an argument that is a list of messages.
    #[must_use]
    pub fn with_messages(mut self, name: &str, messages: &[Self]) -> Self {
        // A message is made of text and lists of it: nothing of it can't be JSON.
        let list = messages
            .iter()
            .filter_map(|message| serde_json::to_value(message).ok());
        self.arguments
            .insert(name.to_owned(), Value::Array(list.collect()));
        self
    }

    /// Several messages that are told one after the other; `None`: there is none.
    #[must_use]
    pub fn together(mut parts: Vec<Self>) -> Option<Self> {
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(Self::new(Code::Several).with_messages("parts", &parts)),
        }
    }

    /// The text in English.
    #[must_use]
    pub fn english(&self) -> String {
        match &self.code {
            // All that can be said of it here.
            Code::Newer(code) => format!("{code}: {}", self.code.english()),
            _ => self.written_out(&|code| Some(code.english())),
        }
    }

    /// The text by a catalogue of templates, in which `{name}` stands for an argument.
    #[must_use]
    pub fn written_out(&self, template: &dyn Fn(&Code) -> Option<&'static str>) -> String {
        let Some(template_text) = template(&self.code) else {
            return self.code.as_str().to_owned();
        };
        if let Code::Newer(code) = &self.code {
            return format!("{code}: {template_text}");
        }
        let mut out = String::with_capacity(template_text.len() + 32);
        let mut rest = template_text;
        while let Some((before, behind)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, after)) = behind.split_once('}') else {
                out.push('{');
                rest = behind;
                continue;
            };
            match self.arguments.get(name) {
                Some(value) => out.push_str(&argument(value, template)),
                // It was emptied with the row (`AUDIT_RETENTION_DAYS`).
                None => out.push('…'),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

fn argument(value: &Value, template: &dyn Fn(&Code) -> Option<&'static str>) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().map(|part| argument(part, template)).collect();
            parts.join("; ")
        }
        Value::Object(_) => serde_json::from_value::<Message>(value.clone())
            .map_or_else(|_| value.to_string(), |message| message.written_out(template)),
        other => other.to_string(),
    }
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.english())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_written_out_with_those_inside_it() {
        let inner = Message::new(Code::Linked)
            .with("side", "finance")
            .with("id", "22");
        let both = Message::together(vec![inner.clone(), Message::new(Code::InStep)]).unwrap();
        assert_eq!(both.english(), "linked with finance 22; in step already");
        let stored = serde_json::to_string(&both).unwrap();
        assert_eq!(serde_json::from_str::<Message>(&stored).unwrap(), both);
        assert_eq!(Message::together(vec![inner.clone()]), Some(inner));
        assert_eq!(Message::together(Vec::new()), None);
    }

    #[test]
    fn a_code_of_a_newer_version_is_kept_and_shown_as_it_is() {
        let newer: Message =
            serde_json::from_str(r#"{"code":"from_tomorrow","arguments":{"a":"b"}}"#).unwrap();
        assert_eq!(serde_json::to_value(&newer).unwrap()["code"], "from_tomorrow");
        assert!(newer.english().contains("from_tomorrow"));
    }

    #[test]
    fn what_a_value_holds_is_no_template() {
        let message = Message::new(Code::Refused)
            .with("side", "finance")
            .with("words", "{side} } {");
        assert_eq!(message.english(), "finance: {side} } {");
    }
}
