//! What each side held before anything was written.

use serde::{Deserialize, Serialize};

use super::Facts;
use crate::customer::{Customer, Field};
use crate::document::Document;
use crate::fields::{Flow, TABLE};
use crate::side::Side;
use crate::store::Status;
use crate::text::same;

/// What was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "read", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Sides {
    /// Nothing.
    Nothing,
    /// A customer of one side only.
    One {
        /// The side.
        side: Side,
        /// What it held.
        holds: Customer,
        /// Its counterpart.
        counterpart: Counterpart,
    },
    /// A customer of both sides.
    Both {
        /// What the CRM held.
        crm: Customer,
        /// What finance held.
        finance: Customer,
        /// Fields that were the same on both, and of which nothing was decided.
        same: Vec<Field>,
        /// Fields that differed, and of which nothing is decided yet.
        different: Vec<Field>,
    },
    /// A document of the CRM.
    Document {
        /// What it said.
        document: Box<Document>,
    },
}

/// A record that was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum Counterpart {
    /// It is known, and was not read.
    NotRead {
        /// Its id.
        id: String,
    },
    /// None was linked.
    NotLinked,
}

pub(super) fn of(facts: &Facts) -> Sides {
    let row = &facts.row;
    if row.is_document() {
        return row.document().map_or(Sides::Nothing, |document| Sides::Document {
            document: Box::new(document),
        });
    }
    let Some(holds) = row.customer() else {
        return Sides::Nothing;
    };
    let Some(other) = row.customer_before() else {
        let counterpart = match &row.target_id {
            Some(id) if !row.status.is_final() => Counterpart::NotRead { id: id.clone() },
            _ => Counterpart::NotLinked,
        };
        return Sides::One {
            side: row.source,
            holds,
            counterpart,
        };
    };
    let (crm, finance) = match row.source {
        Side::Crm => (holds, other),
        Side::Finance => (other, holds),
    };
    let (same, different) = compared(facts, &crm, &finance);
    Sides::Both {
        crm,
        finance,
        same,
        different,
    }
}

/// The fields of which nothing was decided: the same on both sides, and different.
fn compared(facts: &Facts, crm: &Customer, finance: &Customer) -> (Vec<Field>, Vec<Field>) {
    let changes = super::decided::changes(facts);
    let open = |field: &Field| !changes.iter().any(|change| change.field == *field);
    let alike = |field: &Field| same(*field, crm.get(*field), finance.get(*field));
    let fields = || TABLE.iter().map(|spec| spec.field).filter(open);
    let both = fields()
        .filter(|field| !crm.get(*field).is_empty() && alike(field))
        .collect();
    // A run that wrote something noted all that it was about; of any other, that is what differs.
    if matches!(facts.row.status, Status::Success | Status::Skipped) {
        return (both, Vec::new());
    }
    let shown = |field: &Field| !crm.hidden.contains(field) && !finance.hidden.contains(field);
    let carried = |field: &Field| field.spec().flow != Flow::Kept;
    let different = fields()
        .filter(carried)
        .filter(shown)
        .filter(|field| !alike(field))
        .collect();
    (both, different)
}
