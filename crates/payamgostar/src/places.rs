//! Where the CRM keeps each canonical field (`contracts/payamgostar.md`): the one table of its names.
//!
//! It never says how a place such as "the default mobile" is found in an object: that is [`crate::contacts`]'
//! matter, and [`crate::translate`]'s.

use std::collections::BTreeMap;

use domain::customer::Field;

/// Fields that an installation keeps in an extended property of its own, each with that property's `userKey`
/// (`CRM_FIELD_…=extended:…`). None of them is one that the CRM is searched by.
pub type Extended = BTreeMap<Field, String>;

/// A place in a person or an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// `nickName`, else `firstName lastName`.
    DisplayName,
    /// Default (else first) mobile in `phoneContacts`.
    Mobile,
    /// First landline in `phoneContacts`.
    Landline,
    /// This property of the default (else first) of `addressContacts`.
    InAddress(&'static str),
    /// A text property of the object itself.
    Property(&'static str),
    /// The `value` of the entry of `extendedProperties` that has this `userKey`.
    Extended(&'a str),
}

/// The table. A field that is not in it has no place in the CRM.
#[rustfmt::skip]
pub(crate) static PLACES: [(Field, Place<'static>); 11] = [
    (Field::Name,           Place::DisplayName),
    (Field::Mobile,         Place::Mobile),
    (Field::Phone,          Place::Landline),
    (Field::Email,          Place::Property("email")),
    (Field::Website,        Place::Property("website")),
    (Field::NationalId,     Place::Property("nationalCode")),
    (Field::Description,    Place::Property("description")),
    (Field::Address,        Place::InAddress("address")),
    (Field::PostalCode,     Place::InAddress("zipCode")),
    (Field::CustomerNumber, Place::Property("customerNumber")),
    (Field::FinanceCode,    Place::Property("refId")),
];

/// Where a field stands by the table; `None`: the CRM has no such field.
pub(crate) fn by_the_table(field: Field) -> Option<Place<'static>> {
    let row = PLACES.iter().find(|(placed, _)| *placed == field);
    row.map(|(_, place)| *place)
}

/// Where a field stands in an installation that keeps these elsewhere.
pub(crate) fn place_of(field: Field, extended: &Extended) -> Option<Place<'_>> {
    let place = by_the_table(field)?;
    Some(extended.get(&field).map_or(place, |key| Place::Extended(key)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::fields::{Flow, TABLE};

    use super::*;

    #[test]
    fn every_field_that_travels_has_a_place_of_its_own() {
        for spec in &TABLE {
            let travels = spec.flow != Flow::Kept;
            assert_eq!(by_the_table(spec.field).is_some(), travels, "{}", spec.field);
        }
        let fields: HashSet<_> = PLACES.iter().map(|(field, _)| field.name()).collect();
        let places: HashSet<_> = PLACES.iter().map(|(_, place)| format!("{place:?}")).collect();
        assert_eq!((fields.len(), places.len()), (PLACES.len(), PLACES.len()));
    }
}
