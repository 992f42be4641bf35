//! The field table: which way each canonical field travels, and how two values of it are compared.
//!
//! It never says where a system keeps a field: that stands in a table of the system's own connector.

use crate::customer::Field;

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
        row(F::NationalId,     To::Both,      As::Code),
        row(F::Description,    To::Both,      As::Lines),
        row(F::Address,        To::Both,      As::Lines),
        row(F::PostalCode,     To::Both,      As::Code),
        row(F::CustomerNumber, To::ToFinance, As::Code),
        row(F::FinanceCode,    To::ToCrm,     As::Code),
        row(F::Active,         To::Kept,      As::Code),
    ]
};

impl Field {
    /// This field's row of the table.
    #[must_use]
    pub fn spec(self) -> &'static FieldSpec {
        // The table is in the order of the enum (tested), so the discriminant is the index.
        &TABLE[self as usize]
    }

    /// The canonical name, as it stands in the audit rows (camelCase).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Mobile => "mobile",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Website => "website",
            Self::NationalId => "nationalId",
            Self::Description => "description",
            Self::Address => "address",
            Self::PostalCode => "postalCode",
            Self::CustomerNumber => "customerNumber",
            Self::FinanceCode => "financeCode",
            Self::Active => "active",
        }
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_the_order_of_the_enum() {
        for (index, spec) in TABLE.iter().enumerate() {
            assert_eq!(spec.field as usize, index, "{}", spec.field);
            assert_eq!(spec.field.spec().field, spec.field);
        }
    }

    #[test]
    fn names_are_those_of_the_serialised_form() {
        for spec in &TABLE {
            assert_eq!(serde_json::to_value(spec.field).unwrap(), spec.field.name());
        }
    }
}
