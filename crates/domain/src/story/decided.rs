//! What was decided, and why: field by field, or of a document in what it differs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Facts;
use crate::change::{Change, Reason};
use crate::customer::Field;
use crate::document::Difference;
use crate::side::Side;
use crate::store::{Ruling, Status};

/// What a run has decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// Of a customer, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Decision>,
    /// Of a document: in what it is not as it was issued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// Of a document: an operator has ruled about what was sent at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<DateTime<Utc>>,
    /// The row whose run covered this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_by: Option<Uuid>,
    /// Rows that the run of this one covered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<Uuid>,
}

/// What was decided of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The field.
    pub field: Field,
    /// What the CRM held.
    pub crm: String,
    /// What finance held.
    pub finance: String,
    /// What they were last known to hold before, as far as that can still be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// Whose value was taken; `None`: a human decides.
    pub winner: Option<Side>,
    /// Why.
    pub reason: Reason,
}

/// What the sides were last known to hold; `None`: not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    /// The CRM.
    pub crm: Option<String>,
    /// Finance.
    pub finance: Option<String>,
}

pub(super) fn of(facts: &Facts) -> Decided {
    let row = &facts.row;
    let about = match row.ruling() {
        Some(Ruling::SendAgain { sent_at } | Ruling::Exists { sent_at, .. }) => Some(sent_at),
        _ => None,
    };
    let changes = changes(facts).into_iter();
    Decided {
        fields: changes.map(|change| decision(facts, change)).collect(),
        differences: if row.is_document() {
            row.differences()
        } else {
            Vec::new()
        },
        about: about.filter(|_| row.is_document()),
        covered_by: row.covered_by,
        covers: facts.covers.clone(),
    }
}

/// All changes of the row's runs, each once.
pub(super) fn changes(facts: &Facts) -> Vec<Change> {
    let mut all: Vec<Change> = Vec::new();
    if facts.row.is_document() {
        return all;
    }
    for change in facts.rows().flat_map(super::Row::changes) {
        // What both sides have none of tells nothing.
        let says_something = !(change.crm.is_empty() && change.finance.is_empty());
        if says_something && !all.contains(&change) {
            all.push(change);
        }
    }
    all
}

fn decision(facts: &Facts, change: Change) -> Decision {
    Decision {
        before: before(facts, &change),
        field: change.field,
        crm: change.crm,
        finance: change.finance,
        winner: change.winner,
        reason: change.reason,
    }
}

/// The base of a field that still waits is the link's; the side that was not edited still held it.
fn before(facts: &Facts, change: &Change) -> Option<Before> {
    match (change.winner, change.reason) {
        (None, _) if facts.row.status == Status::Conflict => {
            let base = facts.link.as_ref()?.base.as_ref()?;
            let (crm, finance) = base.pair(change.field);
            Some(Before { crm, finance }).filter(|before| before.crm.is_some() || before.finance.is_some())
        }
        (Some(Side::Crm), Reason::OnlyThisChanged) => Some(Before {
            crm: None,
            finance: Some(change.finance.clone()),
        }),
        (Some(Side::Finance), Reason::OnlyThisChanged) => Some(Before {
            crm: Some(change.crm.clone()),
            finance: None,
        }),
        _ => None,
    }
}
