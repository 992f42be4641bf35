//! The canonical customer: what both systems can say about a person or an organization.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// One canonical field of a customer, by its name. [`crate::fields`] says how each travels and is compared; where a
/// system keeps it is that system's connector's business.
///
/// A name that this version does not know (a newer worker has written it) is a field like any other, but never
/// travels: so it survives being read and written back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Field(&'static str);

#[allow(
    missing_docs,
    non_upper_case_globals,
    reason = "named like the values of an enum, which they stand for"
)]
impl Field {
    pub const Name: Self = Self("name");
    pub const Mobile: Self = Self("mobile");
    pub const Phone: Self = Self("phone");
    pub const Email: Self = Self("email");
    pub const Website: Self = Self("website");
    pub const NationalId: Self = Self("nationalId");
    pub const Description: Self = Self("description");
    pub const Address: Self = Self("address");
    pub const PostalCode: Self = Self("postalCode");
    pub const CustomerNumber: Self = Self("customerNumber");
    pub const FinanceCode: Self = Self("financeCode");
    pub const Active: Self = Self("active");
}

impl Field {
    /// A system's own marks of a record, which no one types and no sync carries: the day on which it was registered, and
    /// its number. Another mark under one id is another record.
    pub const MARKS: [Self; 2] = [Self("registeredOn"), Self("recordId")];
    /// What a record was called when it was last looked at. It stands in the base alone, for those on whose name the two
    /// sides have never agreed.
    pub const CALLED: Self = Self("called");
}

impl Field {
    /// The field of that name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let known = crate::fields::TABLE.iter().find(|spec| spec.field.0 == name);
        known.map_or_else(|| Self(interned(name)), |spec| spec.field)
    }

    /// The canonical name, as it stands in the audit rows (camelCase).
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// Names of newer versions, kept for as long as the process lives: there are only ever a few.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.0)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::named(&name))
    }
}

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
