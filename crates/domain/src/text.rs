//! Comparing what people type, field by field: which two values are one and the same to a human reader.
//!
//! Only for comparing and matching. What a user typed is stored and sent as typed.

use crate::customer::Field;
use crate::fields::Form;
use crate::letters::fold;
use crate::phone;

/// The normal form of a field's value: equal normal forms are one and the same to us.
#[must_use]
pub fn normal(field: Field, value: &str) -> String {
    match field.spec().form {
        Form::Text | Form::Lines => fold(value),
        Form::Phone => phone::normal(value),
        Form::Code => fold(value).to_lowercase().replace(' ', ""),
        Form::Digits => {
            let folded = fold(value).to_lowercase();
            folded.chars().filter(|c| *c != ' ' && !is_hyphen(*c)).collect()
        }
    }
}

/// A hyphen or a dash of any length: people part digits by them as they like.
fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Whether two values of a field are the same to a human reader.
#[must_use]
pub fn same(field: Field, a: &str, b: &str) -> bool {
    a == b || normal(field, a) == normal(field, b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_compared_in_the_form_of_their_field() {
        assert!(same(Field::Email, "Ali@Example.com ", "ali@example.com"));
        assert!(same(Field::Mobile, "+98 912 345 6789", "۰۹۱۲۳۴۵۶۷۸۹"));
        assert!(same(Field::Address, "تهران\nزند", "تهران زند"));
        assert!(!same(Field::Name, "ALI", "ali"));
        assert!(same(Field::NationalId, "۰۰۱-۲۳۴۵۶۷-۹", "0012345679"));
        assert!(!same(Field::NationalId, "12345679", "0012345679"));
        assert!(same(Field::PostalCode, "12345-67890", "1234567890"));
        assert!(!same(Field::CustomerNumber, "100-7", "1007"));
    }

    #[test]
    fn case_21_hyphens_say_nothing_in_a_national_id_or_a_postal_code() {
        for spelt in [
            "001-234567-9",
            "001–234567–9",
            "۰۰۱-۲۳۴۵۶۷-۹",
            " 0012345679 ",
            "001 234567 9",
        ] {
            assert!(same(Field::NationalId, spelt, "0012345679"), "{spelt}");
        }
        assert!(same(Field::PostalCode, "71345-67890", "7134567890"));
        assert!(
            !same(Field::NationalId, "12345679", "0012345679"),
            "leading zeros count as given"
        );
        assert!(
            !same(Field::CustomerNumber, "100-505", "100505"),
            "a customer number's hyphen parts two numbers"
        );
        assert!(same(Field::NationalId, "-", ""), "no digits are no id");
    }

    proptest! {
        #[test]
        fn every_form_is_idempotent(text in "[ 0-9۰-۹٠-٩+()a-zA-Zا-ی\u{200c}-]{0,24}") {
            for spec in &crate::fields::TABLE {
                let once = normal(spec.field, &text);
                prop_assert_eq!(normal(spec.field, &once), once);
            }
        }
    }
}
