//! Where Siagh keeps each canonical field (`contracts/siagh.md`, "Columns"): the one table of its names.
//!
//! It never says what else a save sends: that is [`crate::translate`]'s matter.

use domain::customer::Field;

/// Where one field stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) field: Field,
    /// Its column in `GetAll`.
    pub(crate) read: &'static str,
    /// Its control in form `2BFDA`, without `gn_web_users.`; empty: it is not written.
    pub(crate) written: &'static str,
}

const fn column(field: Field, read: &'static str, written: &'static str) -> Column {
    Column { field, read, written }
}

/// The table.
#[rustfmt::skip]
pub(crate) static COLUMNS: [Column; 12] = [
    column(Field::Name,           "Name",           "fullname"),
    column(Field::Mobile,         "MobileNo",       "mobileno"),
    column(Field::Phone,          "TelNo",          "telno"),
    column(Field::Email,          "Email",          "email"),
    column(Field::Website,        "WebSiteAddress", "websiteaddress"),
    column(Field::NationalId,     "NationalCode",   "passno"),
    column(Field::Description,    "Description",    "tozihat"),
    column(Field::Address,        "Address",        "address"),
    column(Field::PostalCode,     "PostalCode",     "pocode"),
    column(Field::CustomerNumber, "tmpid",          "tmpid"),
    column(Field::FinanceCode,    "Code",           ""),
    column(Field::Active,         "IsActive",       "isactive"),
];

/// Siagh's own marks of a record: they are read, never written.
pub(crate) const MARKS: [(Field, &str); 2] = [(Field::MARKS[0], "RegDate"), (Field::MARKS[1], "RecordId")];

/// The column of a field in a read; of a field that Siagh doesn't have, a name that no column has.
pub(crate) fn read(field: Field) -> &'static str {
    of(field).map_or("", |column| column.read)
}

/// The control that writes a field; empty: none does.
pub(crate) fn written(field: Field) -> &'static str {
    of(field).map_or("", |column| column.written)
}

fn of(field: Field) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.field == field)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::fields::{Flow, TABLE};

    use super::*;

    #[test]
    fn every_field_is_read_and_whatever_travels_to_finance_is_written() {
        for spec in &TABLE {
            assert_ne!(read(spec.field), "", "{}", spec.field);
            let arrives = matches!(spec.flow, Flow::Both | Flow::ToFinance);
            assert!(!arrives || !written(spec.field).is_empty(), "{}", spec.field);
        }
        assert_eq!(
            written(Field::FinanceCode),
            "",
            "finance gives the code, nobody else"
        );
    }

    #[test]
    fn no_two_fields_share_a_column_or_a_control() {
        let all = COLUMNS.len();
        let reads: HashSet<_> = COLUMNS.iter().map(|column| column.read).collect();
        let fields: HashSet<_> = COLUMNS.iter().map(|column| column.field.name()).collect();
        let controls = COLUMNS.iter().map(|column| column.written);
        let controls: HashSet<_> = controls.filter(|control| !control.is_empty()).collect();
        assert_eq!((reads.len(), fields.len(), controls.len()), (all, all, all - 1));
    }
}
