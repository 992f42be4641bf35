//! What a row of `"SyncLog"` says ↔ a message: three of its columns.

use sea_orm::{DbErr, QueryResult};
use serde_json::Value;

use crate::message::{Code, Message};
use crate::store::entities::log;

/// The columns of [`Said`].
pub(super) const SAID: &str = r#""errorCode", "errorArguments", "errorMessage""#;

/// What a row says: a code with arguments, and its English text.
pub(in crate::store) struct Said {
    pub(in crate::store) code: Option<String>,
    pub(in crate::store) arguments: Option<Value>,
    pub(in crate::store) text: Option<String>,
}

impl From<Option<&Message>> for Said {
    fn from(message: Option<&Message>) -> Self {
        Self {
            code: message.map(|message| message.code.as_str().to_owned()),
            arguments: message
                .filter(|message| !message.arguments.is_empty())
                .map(|message| Value::Object(message.arguments.clone())),
            text: message.map(Message::english),
        }
    }
}

impl Said {
    pub(super) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            code: row.try_get("", "errorCode")?,
            arguments: row.try_get("", "errorArguments")?,
            text: row.try_get("", "errorMessage")?,
        })
    }

    /// The message; of a row that has no code (version 0.1's), its words.
    pub(super) fn message(self) -> Option<Message> {
        let Some(code) = self.code else {
            let words = self.text.filter(|text| !text.is_empty())?;
            return Some(Message::new(Code::Words).with("words", words));
        };
        let arguments = match self.arguments {
            Some(Value::Object(arguments)) => arguments,
            _ => serde_json::Map::new(),
        };
        Some(Message {
            code: Code::named(&code),
            arguments,
        })
    }
}

/// What a row says, if it says anything.
#[must_use]
pub fn message_of(row: &log::Model) -> Option<Message> {
    let said = Said {
        code: row.error_code.clone(),
        arguments: row.error_arguments.clone(),
        text: row.error_message.clone(),
    };
    said.message()
}
