//! What was written: per side, what over what, and how it came back.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Facts, Record, Row};
use crate::change::Change;
use crate::customer::Field;
use crate::side::Side;
use crate::store::Status;
use crate::text::same;

/// What one side was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// The audit row that says it. The row itself, or another of the same run or of an earlier try: also a row that was
    /// skipped, or has failed, may have written something.
    pub row: Uuid,
    /// The record that was written.
    pub to: Record,
    /// Of a customer, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Put>,
    /// Of a document: the pre-invoice's number that finance gave it, or that the CRM was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// One field of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Put {
    /// The field.
    pub field: Field,
    /// What stood there.
    pub over: String,
    /// What was sent.
    pub value: String,
    /// As what it came back; `None`: it was not read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
}

impl Put {
    /// Whether it came back as another value.
    #[must_use]
    pub fn is_other(&self) -> bool {
        let holds = self.holds.as_ref();
        holds.is_some_and(|holds| !same(self.field, &self.value, holds))
    }
}

pub(super) fn of(facts: &Facts) -> Vec<Written> {
    let rows = facts.rows();
    if facts.row.is_document() {
        return rows.filter_map(document).collect();
    }
    rows.filter_map(|row| customer(facts, row)).collect()
}

fn customer(facts: &Facts, row: &Row) -> Option<Written> {
    if !matches!(row.status, Status::Success | Status::Conflict) {
        return None;
    }
    let mut own = row.changes();
    if own.is_empty() {
        let run = facts.rows().filter(|other| other.transaction == row.transaction);
        own = run.flat_map(Row::changes).collect();
    }
    let sent = own.into_iter().filter(|change| change.winner == Some(row.source));
    let sent = sent.filter(|change| !(change.crm.is_empty() && change.finance.is_empty()));
    let after = row.customer_after();
    let put = |change: Change| {
        let shown = after
            .as_ref()
            .filter(|after| !after.hidden.contains(&change.field));
        let holds = shown.map(|after| after.get(change.field).to_owned());
        let (value, over) = match row.source {
            Side::Crm => (change.crm, change.finance),
            Side::Finance => (change.finance, change.crm),
        };
        Put {
            field: change.field,
            over,
            value,
            holds,
        }
    };
    let fields: Vec<Put> = sent.map(put).collect();
    (!fields.is_empty()).then(|| Written {
        row: row.id,
        to: row.target_record(),
        fields,
        number: None,
    })
}

fn document(row: &Row) -> Option<Written> {
    if row.status != Status::Success {
        return None;
    }
    let written = |id: Option<String>, number| Written {
        row: row.id,
        to: Record {
            side: row.source.other(),
            id,
        },
        fields: Vec::new(),
        number,
    };
    match row.source {
        Side::Crm => {
            let after = row
                .target_after
                .as_ref()
                .filter(|after| after.get("sent").is_some())?;
            let text = |name: &str| after.get(name).and_then(Value::as_str).map(str::to_owned);
            Some(written(text("id"), text("number")))
        }
        Side::Finance => {
            let number = row.differences().into_iter().next().map(|noted| noted.now);
            Some(written(row.target_id.clone(), number))
        }
    }
}
