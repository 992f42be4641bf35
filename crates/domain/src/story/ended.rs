//! How a row ended, or how far it is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Facts;
use crate::message::Message;
use crate::side::Side;
use crate::store::Status;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// How it stands.
    pub status: Status,
    /// When; `None`: not yet.
    pub at: Option<DateTime<Utc>>,
    /// How often it was tried.
    pub tries: u32,
    /// How long its last run took.
    pub duration_ms: Option<i32>,
    /// What is said of it; `None` where an earlier version has left only a text, or nothing is to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// The same in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The class of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Other rows of the same run, and of earlier tries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Also>,
}

/// A row that says what was done besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Also {
    /// The row.
    pub row: Uuid,
    /// The side from which was carried.
    pub from: Side,
    /// How that ended.
    pub status: Status,
    /// An earlier try did it, not the last run.
    pub earlier: bool,
}

pub(super) fn of(facts: &Facts) -> Ended {
    let row = &facts.row;
    let also = facts.others.iter().map(|other| Also {
        row: other.id,
        from: other.source,
        status: other.status,
        earlier: other.transaction != row.transaction,
    });
    Ended {
        status: row.status,
        at: row.completed_at,
        tries: row.retries + 1,
        duration_ms: row.duration_ms,
        text: row
            .text
            .clone()
            .or_else(|| row.message.as_ref().map(Message::english)),
        message: row.message.clone(),
        class: row.error_class.clone(),
        also: also.collect(),
    }
}
