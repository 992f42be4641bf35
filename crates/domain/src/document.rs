//! The canonical sales document: what a CRM quote or invoice says, in exact decimals.
//!
//! It never rounds, never uses a float, and knows neither system's names.

use chrono::{DateTime, NaiveDate, Utc};
pub use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::entity::EntityType;

mod check;
mod differ;

pub use check::{problems, rounded};
pub use differ::{Difference, differences};

/// Which of the CRM's sales documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DocumentKind {
    /// A sales quote: `PREINVOICE` in the tables.
    Quote,
    /// A sales invoice: `INVOICE` in the tables.
    Invoice,
}

impl DocumentKind {
    /// Its type in the tables.
    #[must_use]
    pub fn entity_type(self) -> EntityType {
        match self {
            Self::Quote => EntityType::PreInvoice,
            Self::Invoice => EntityType::Invoice,
        }
    }

    /// The kind of that type; `None` for customers.
    #[must_use]
    pub fn of(entity_type: EntityType) -> Option<Self> {
        match entity_type {
            EntityType::PreInvoice => Some(Self::Quote),
            EntityType::Invoice => Some(Self::Invoice),
            EntityType::Customer => None,
        }
    }

    /// The word for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Invoice => "invoice",
        }
    }
}

/// A sales document as the CRM holds it. Money in rial; texts as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Quote or invoice.
    pub kind: DocumentKind,
    /// The CRM's own number of it.
    pub number: String,
    /// The CRM's code of its type, such as `PI_5`.
    pub object_type: String,
    /// The customer's CRM id.
    pub customer: String,
    /// Its subject.
    pub subject: String,
    /// Its description.
    pub description: String,
    /// Its day in the CRM's zone: its own date, else that of its creation.
    pub date: Option<NaiveDate>,
    /// Its state, in the CRM's word.
    pub state: String,
    /// Invoices: the CRM id of the quote that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_quote: Option<String>,
    /// What the header says of its sums.
    pub totals: Totals,
    /// Its rows, in their order.
    pub rows: Vec<Row>,
}

impl Document {
    /// What is to be paid, in rial: the header's word, else reckoned from the rows; `None`: more than can be reckoned
    /// with.
    #[must_use]
    pub fn value(&self) -> Option<Decimal> {
        if let Some(value) = self.totals.final_value {
            return Some(value);
        }
        self.rows.iter().try_fold(Decimal::ZERO, |sum, row| {
            let price = row.count.checked_mul(row.unit_price)?;
            sum.checked_add(price)?
                .checked_sub(row.discount)?
                .checked_add(row.vat)?
                .checked_add(row.toll)
        })
    }
}

/// The sums of a header, in rial; `None`: the CRM does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Before discount, tax and costs.
    pub total: Option<Decimal>,
    /// Discount.
    pub discount: Option<Decimal>,
    /// Value-added tax.
    pub vat: Option<Decimal>,
    /// Toll.
    pub toll: Option<Decimal>,
    /// Additional costs.
    pub additional_costs: Option<Decimal>,
    /// To be paid.
    pub final_value: Option<Decimal>,
}

/// One row of a document. Money in rial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The product's code, by which finance knows it.
    pub product_code: String,
    /// The product's name.
    pub product_name: String,
    /// A service, not goods.
    pub is_service: bool,
    /// The unit's name.
    pub unit: String,
    /// How many.
    pub count: Decimal,
    /// How many of them were given back.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub returned: Decimal,
    /// Price of one before discount and tax.
    pub unit_price: Decimal,
    /// `count` times price, as the CRM says; `None`: it does not.
    pub total_price: Option<Decimal>,
    /// Discount of the row.
    pub discount: Decimal,
    /// Value-added tax of the row.
    pub vat: Decimal,
    /// Toll of the row.
    pub toll: Decimal,
    /// The row's description.
    pub description: String,
}

/// A document as the CRM held it at the moment of a read.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentSnapshot {
    /// The CRM's guid.
    pub id: String,
    /// In canonical terms.
    pub document: Document,
    /// What the CRM notes as its reference: the number in finance, once it is noted there.
    pub ref_id: String,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub modified_at: Option<DateTime<Utc>>,
    /// The object as it was read, opaque to everyone but the connector.
    pub whole: serde_json::Value,
}

/// What finance answered to a document that it issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// The document's id in finance.
    pub id: String,
    /// Its number, as people speak of it; the id where the answer names none.
    pub number: String,
    /// What was sent, value by value, for the audit row.
    pub sent: serde_json::Value,
}

#[cfg(test)]
mod tests;
