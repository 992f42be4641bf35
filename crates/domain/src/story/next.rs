//! What comes next: what happens by itself, and what a person may do.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Facts, Row};
use crate::clock::readable;
use crate::customer::Field;
use crate::message::{Code, Message};
use crate::side::Side;
use crate::store::{Status, TAKEN};

/// What comes next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// All of it in a sentence.
    pub advice: Message,
    /// Whether it goes on by itself.
    pub goes_on: bool,
    /// What a person may do.
    pub actions: Vec<Action>,
}

/// What a person may do; named like what carries it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Action {
    /// Try it again.
    Retry {
        /// The row.
        row: Uuid,
    },
    /// Say whose value stands, in these fields.
    Keep {
        /// The row.
        row: Uuid,
        /// Those that wait.
        fields: Vec<Field>,
    },
    /// Say with whom it is one.
    Link {
        /// The CRM's id, where that is who was heard of.
        crm: Option<String>,
        /// Finance's code, where that is who was heard of.
        finance: Option<String>,
    },
    /// Say under which number the document stands in finance.
    Exists {
        /// The row.
        row: Uuid,
    },
    /// Say that the document is not in finance.
    SendAgain {
        /// The row.
        row: Uuid,
    },
    /// Say that the change of the document is handled.
    Accept {
        /// The row.
        row: Uuid,
    },
    /// Look at the record again.
    Sync {
        /// The side of the id.
        side: Side,
        /// Its id.
        id: String,
    },
    /// Let the held poll go on.
    Release {
        /// Its name.
        poll: String,
    },
    /// Drop what the held poll has found.
    Drop {
        /// Its name.
        poll: String,
    },
}

pub(super) fn of(facts: &Facts) -> Next {
    let row = &facts.row;
    let (advice, actions) = document(row).unwrap_or_else(|| any(facts));
    Next {
        advice,
        goes_on: !row.status.is_final(),
        actions,
    }
}

type Advice = (Message, Vec<Action>);

/// What only documents come to.
fn document(row: &Row) -> Option<Advice> {
    let id = row.id;
    let about = |code| Message::new(code).with("row", id);
    match (row.status, row.class()) {
        _ if !row.is_document() => None,
        (Status::Conflict, "unknown_outcome") => Some((
            about(Code::NextDocumentUnknown),
            vec![Action::Exists { row: id }, Action::SendAgain { row: id }],
        )),
        (Status::Conflict, "conflict") => {
            Some((about(Code::NextDocumentChanged), vec![Action::Accept { row: id }]))
        }
        (Status::Failed, "invalid") => {
            let advice = Message::new(Code::NextCorrectDocument);
            Some((advice, vec![Action::Retry { row: id }]))
        }
        (Status::Pending, "dependency") => Some((Message::new(Code::NextDependency), Vec::new())),
        _ => None,
    }
}

fn any(facts: &Facts) -> Advice {
    let row = &facts.row;
    let alone = |message| (message, Vec::new());
    match row.status {
        Status::Success => alone(Message::new(Code::NextNothing)),
        Status::Skipped => alone(match row.covered_by {
            Some(other) => Message::new(Code::NextCovering).with("row", other),
            None => Message::new(Code::NextNothing),
        }),
        Status::InProgress => alone(Message::new(Code::NextWorkerHasIt)),
        Status::Pending => alone(match &facts.retry {
            Some(retry) => Message::new(Code::NextTriedAgain).with("at", readable(retry.at)),
            None => Message::new(Code::NextTakenUp),
        }),
        Status::Failed => (failed(row), vec![Action::Retry { row: row.id }]),
        Status::Conflict => conflict(row),
    }
}

fn failed(row: &Row) -> Message {
    // Of what nobody is seen to hold, nobody can see that it is free.
    let held = row
        .message
        .as_ref()
        .is_none_or(|message| message.code != Code::TakenByNobody && message.code != Code::TakenPlaceholder);
    match row.class() {
        TAKEN if held => return Message::new(Code::NextTaken),
        TAKEN | "refused" => {}
        _ => return Message::new(Code::NextCheckAndRetry).with("row", row.id),
    }
    let refuses = refusing(row);
    Message::new(Code::NextCorrectWhatIsRefused)
        .with("side", refuses.other())
        .with("refuses", refuses)
        .with("row", row.id)
}

/// Who refused: a run writes either side, whichever was heard.
fn refusing(row: &Row) -> Side {
    let refused = row.message.as_ref().filter(|message| {
        message.code == Code::Refused
            || message.code == Code::TakenByNobody
            || message.code == Code::TakenPlaceholder
    });
    let named = refused.and_then(|message| message.arguments.get("side")?.as_str());
    // A text alone begins with the name.
    let text = row.text.as_deref().unwrap_or_default();
    Side::BOTH
        .into_iter()
        .find(|side| {
            named.map_or_else(
                || text.starts_with(&format!("{side}: ")),
                |named| named == side.name(),
            )
        })
        .unwrap_or(row.source.other())
}

fn conflict(row: &Row) -> Advice {
    let about = |code| Message::new(code).with("row", row.id);
    let held = row.changes().into_iter().filter(|change| change.winner.is_none());
    let fields: Vec<Field> = held.map(|change| change.field).collect();
    match row.class() {
        "guard" => {
            let poll = || row.source_id.clone();
            let actions = vec![Action::Release { poll: poll() }, Action::Drop { poll: poll() }];
            (Message::new(Code::NextGuard), actions)
        }
        "integrity" => {
            let again = Action::Sync {
                side: row.source,
                id: row.source_id.clone(),
            };
            (Message::new(Code::NextRemoveOne), vec![again])
        }
        TAKEN => (Message::new(Code::NextTaken), vec![]),
        _ if !fields.is_empty() => (about(Code::NextKeep), vec![Action::Keep { row: row.id, fields }]),
        _ if !row.is_document() => say_who(row),
        _ => (about(Code::NextResolve), Vec::new()),
    }
}

fn say_who(row: &Row) -> Advice {
    let known = |side| (row.source == side).then(|| row.source_id.clone());
    let (crm, finance) = (known(Side::Crm), known(Side::Finance));
    let advice = Message::new(Code::NextSayWho)
        .with("row", row.id)
        .with("crm", crm.as_deref().unwrap_or("<crm-id>"))
        .with("finance", finance.as_deref().unwrap_or("<finance-code>"));
    (advice, vec![Action::Link { crm, finance }])
}
