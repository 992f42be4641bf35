//! How a row came about.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Facts, Record};
use crate::message::{Code, Message};
use crate::store::{Ruling, Trigger};

/// When, from where, how, and of which record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// When.
    pub at: DateTime<Utc>,
    /// Of which record.
    pub of: Record,
    /// By what.
    pub trigger: Trigger,
    /// The same in a sentence, with what an operator has ruled.
    pub how: Message,
    /// What an operator has ruled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    /// It was not heard by itself: the run of this row has written it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_in: Option<Uuid>,
    /// The sender's own id of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The trace that it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

pub(super) fn of(facts: &Facts) -> Heard {
    let row = &facts.row;
    let lead = facts.others.iter().find(|other| other.payload.is_some());
    let written_in = lead.filter(|_| row.payload.is_none()).map(|lead| lead.id);
    let ruling = row.ruling();
    let how = match (written_in, row.trigger) {
        (Some(lead), _) => Message::new(Code::HeardInTheRunOf).with("row", lead),
        (None, Trigger::Webhook) => Message::new(Code::HeardByWebhook),
        (None, Trigger::Poll) => Message::new(Code::HeardByPoll),
        (None, Trigger::Import) => Message::new(Code::HeardByImport),
        (None, Trigger::Manual) => from_an_operator(ruling.as_ref()),
    };
    Heard {
        at: row.started_at,
        of: row.source_record(),
        trigger: row.trigger,
        how,
        ruling,
        written_in,
        event_id: row.event_id.clone(),
        trace_id: row.trace_id.clone(),
    }
}

fn from_an_operator(ruling: Option<&Ruling>) -> Message {
    match ruling {
        None => Message::new(Code::HeardFromOperator),
        Some(Ruling::Keep(side)) => Message::new(Code::RulingKeep).with("side", side),
        Some(Ruling::Form) => Message::new(Code::RulingForm),
        Some(Ruling::Columns { columns }) => {
            let columns: Vec<_> = columns
                .iter()
                .map(|(side, field)| format!("{side} {field}"))
                .collect();
            Message::new(Code::RulingColumns).with("columns", columns.join(", "))
        }
        Some(Ruling::Same | Ruling::SameAs { .. }) => Message::new(Code::RulingSame),
        Some(Ruling::Separate { others }) => {
            Message::new(Code::RulingSeparate).with("ids", others.join(", "))
        }
        Some(Ruling::Link { crm, finance, .. }) => Message::new(Code::RulingLink)
            .with("crm", crm)
            .with("finance", finance),
        Some(Ruling::Exists { number, .. }) => Message::new(Code::RulingExists).with("number", number),
        Some(Ruling::SendAgain { .. }) => Message::new(Code::RulingSendAgain),
        Some(Ruling::Accept { .. }) => Message::new(Code::RulingAccept),
    }
}
