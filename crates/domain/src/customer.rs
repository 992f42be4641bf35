//! The canonical customer: what both systems can say about a person or an organization.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::fields::Field;

/// A natural person or an organization. Never changed by a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Person,
    Organization,
}

/// Field values; a field that is absent or empty is not in the map.
pub type Values = BTreeMap<Field, String>;

/// What one side says of a customer, in canonical terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Person or organization.
    pub kind: Kind,
    /// The values as that side holds them (as typed: nothing is normalised here).
    pub values: Values,
    /// Fields that this side holds but did not show in this read (finance usually leaves the customer number out):
    /// about them nothing is known, which is not the same as empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Field>,
}

impl Customer {
    /// A customer of that kind with no values.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            values: Values::new(),
            hidden: Vec::new(),
        }
    }

    /// The value, empty when there is none.
    #[must_use]
    pub fn get(&self, field: Field) -> &str {
        self.values.get(&field).map_or("", String::as_str)
    }

    /// Sets a value; blank text is the same as no value.
    pub fn set(&mut self, field: Field, value: impl Into<String>) {
        let value = value.into();
        if value.trim().is_empty() {
            self.values.remove(&field);
        } else {
            self.values.insert(field, value);
        }
    }

    /// [`Self::set`], for building.
    #[must_use]
    pub fn with(mut self, field: Field, value: impl Into<String>) -> Self {
        self.set(field, value);
        self
    }
}
