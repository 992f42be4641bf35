//! The field table: which way each canonical field travels, and how two values of it are compared.
//!
//! It never says where a system keeps a field: that stands in a table of the system's own connector.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::side::Side;

/// One canonical field of a customer, by its name. [`TABLE`] says how each travels and is compared; where a
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
        let known = TABLE.iter().find(|spec| spec.field.0 == name);
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

/// Which way a field travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Both ways.
    Both,
    /// CRM to finance only.
    ToFinance,
    /// Finance to CRM only, and only into an empty field.
    ToCrm,
    /// Neither: kept as read.
    Kept,
}

/// How two values of a field are compared (see [`crate::text`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text with Persian-aware folding.
    Text,
    /// Text of several lines: line breaks count as spaces.
    Lines,
    /// A telephone number, by its number.
    Phone,
    /// Folded, letters in one case, no spaces.
    Code,
    /// As a code, and without hyphens: a national id, a postal code.
    Digits,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// The canonical field.
    pub field: Field,
    /// Which way it travels.
    pub flow: Flow,
    /// How it is compared.
    pub form: Form,
}

const fn row(field: Field, flow: Flow, form: Form) -> FieldSpec {
    FieldSpec { field, flow, form }
}

/// The table itself, in the order in which fields are shown to people.
#[rustfmt::skip]
pub const TABLE: [FieldSpec; 12] = {
    use {Field as F, Flow as To, Form as As};
    [
        row(F::Name,           To::Both,      As::Text),
        row(F::Mobile,         To::Both,      As::Phone),
        row(F::Phone,          To::Both,      As::Phone),
        row(F::Email,          To::Both,      As::Code),
        row(F::Website,        To::Both,      As::Code),
        row(F::NationalId,     To::Both,      As::Digits),
        row(F::Description,    To::Both,      As::Lines),
        row(F::Address,        To::Both,      As::Lines),
        row(F::PostalCode,     To::Both,      As::Digits),
        row(F::CustomerNumber, To::ToFinance, As::Code),
        row(F::FinanceCode,    To::ToCrm,     As::Code),
        row(F::Active,         To::Kept,      As::Code),
    ]
};

/// What is known of a field that only a newer version knows: nothing, so that it stays as it is.
static UNKNOWN: FieldSpec = row(Field::Name, Flow::Kept, Form::Text);

impl Field {
    /// This field's row of the table.
    #[must_use]
    pub fn spec(self) -> &'static FieldSpec {
        TABLE.iter().find(|spec| spec.field == self).unwrap_or(&UNKNOWN)
    }
}

/// Which directions are closed to changes of fields that travel both ways (`FIELDS_OFF`, `FIELDS_TO_FINANCE`,
/// `FIELDS_TO_CRM`); none by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Directions {
    /// By the side that nothing goes to: a bit for each field, by its place in [`TABLE`].
    closed: [u16; 2],
}

impl Directions {
    /// From now on no change of that field goes to that side.
    pub fn close(&mut self, field: Field, to: Side) {
        self.closed[to as usize] |= bit(field);
    }

    /// Whether changes of that field go to that side.
    #[must_use]
    pub fn are_open(&self, field: Field, to: Side) -> bool {
        self.closed[to as usize] & bit(field) == 0
    }
}

fn bit(field: Field) -> u16 {
    let at = TABLE.iter().position(|spec| spec.field == field);
    at.map_or(0, |at| 1 << at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_direction_closes_no_other() {
        let mut directions = Directions::default();
        directions.close(Field::Website, Side::Crm);
        assert!(!directions.are_open(Field::Website, Side::Crm));
        assert!(directions.are_open(Field::Website, Side::Finance));
        assert!(directions.are_open(Field::Email, Side::Crm));
    }

    #[test]
    fn every_field_finds_its_row_and_a_newer_ones_name_survives() {
        for spec in &TABLE {
            assert_eq!(spec.field.spec().field, spec.field);
        }
        let newer: Field = serde_json::from_str("\"taxOffice\"").unwrap();
        assert_eq!(newer.spec().flow, Flow::Kept);
        assert_eq!(serde_json::to_value(newer).unwrap(), "taxOffice");
        assert_eq!(newer, Field::named("taxOffice"));
    }

    #[test]
    fn names_are_those_of_the_serialised_form() {
        for spec in &TABLE {
            assert_eq!(serde_json::to_value(spec.field).unwrap(), spec.field.name());
        }
    }
}
