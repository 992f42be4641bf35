//! The field table: canonical field ↔ the CRM's place ↔ Siagh's read column and written control.
//!
//! The only place that pairs the two systems' names (design, "Fields of a customer"). Connectors take
//! the names from here; how a place such as "the default mobile" is found in an object is theirs.

use crate::customer::Field;

/// Where the CRM keeps a field (`contracts/payamgostar.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrmPlace {
    /// `nickName`, else `firstName lastName`.
    DisplayName,
    /// Default (else first) mobile in `phoneContacts`.
    Mobile,
    /// First landline in `phoneContacts`.
    Landline,
    /// `address` of the default (else first) of `addressContacts`.
    Address,
    /// `zipCode` of the same address.
    ZipCode,
    /// A text property of the object itself.
    Property(&'static str),
    /// The CRM has no such field.
    Nowhere,
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
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// The canonical field.
    pub field: Field,
    /// Where the CRM keeps it.
    pub crm: CrmPlace,
    /// Siagh's column in `GetAll` (`contracts/siagh.md`, "Columns").
    pub column: &'static str,
    /// Siagh's control in form `2BFDA`, without `gn_web_users.`; empty: not written.
    pub control: &'static str,
    /// Which way it travels.
    pub flow: Flow,
    /// How it is compared.
    pub form: Form,
}

const fn row(
    field: Field,
    crm: CrmPlace,
    column: &'static str,
    control: &'static str,
    flow: Flow,
    form: Form,
) -> FieldSpec {
    FieldSpec {
        field,
        crm,
        column,
        control,
        flow,
        form,
    }
}

/// The table itself, in the order in which fields are shown to people.
#[rustfmt::skip]
pub const TABLE: [FieldSpec; 12] = {
    use {CrmPlace as Crm, Field as F, Flow as To, Form as As};
    [
        //  canonical          CRM                            Siagh read        written           travels       compared
        row(F::Name,           Crm::DisplayName,              "Name",           "fullname",       To::Both,      As::Text),
        row(F::Mobile,         Crm::Mobile,                   "MobileNo",       "mobileno",       To::Both,      As::Phone),
        row(F::Phone,          Crm::Landline,                 "TelNo",          "telno",          To::Both,      As::Phone),
        row(F::Email,          Crm::Property("email"),        "Email",          "email",          To::Both,      As::Code),
        row(F::Website,        Crm::Property("website"),      "WebSiteAddress", "websiteaddress", To::Both,      As::Code),
        row(F::NationalId,     Crm::Property("nationalCode"), "NationalCode",   "passno",         To::Both,      As::Code),
        row(F::Description,    Crm::Property("description"),  "Description",    "tozihat",        To::Both,      As::Lines),
        row(F::Address,        Crm::Address,                  "Address",        "address",        To::Both,      As::Lines),
        row(F::PostalCode,     Crm::ZipCode,                  "PostalCode",     "pocode",         To::Both,      As::Code),
        row(F::CustomerNumber, Crm::Property("customerNumber"), "tmpid",        "tmpid",          To::ToFinance, As::Code),
        row(F::FinanceCode,    Crm::Property("refId"),        "Code",           "",               To::ToCrm,     As::Code),
        row(F::Active,         Crm::Nowhere,                  "IsActive",       "isactive",       To::Kept,      As::Code),
    ]
};

/// What is known of a field that only a newer version knows: nothing, so that it stays as it is.
static UNKNOWN: FieldSpec = row(Field::Name, CrmPlace::Nowhere, "", "", Flow::Kept, Form::Text);

impl Field {
    /// This field's row of the table.
    #[must_use]
    pub fn spec(self) -> &'static FieldSpec {
        TABLE.iter().find(|spec| spec.field == self).unwrap_or(&UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
