//! A record in a few bytes: enough to say whether it changed, and whether a change is only our own echo.
//!
//! Pure. Only canonical fields go in, so that what must never be kept (passwords, pictures) can't.

use std::hash::{DefaultHasher, Hash, Hasher};

use sha2::{Digest, Sha256};

use crate::base::Base;
use crate::customer::{Customer, Kind};
use crate::document::Document;
use crate::fields::{Flow, TABLE};
use crate::ports::Side;
use crate::text::normal;

/// A checksum of the canonical values as they were typed, in hex: stored, so it must be the same in every version.
/// Fields that no sync carries are left out.
#[must_use]
pub fn checksum(customer: &Customer) -> String {
    let mut sha = Sha256::new();
    sha.update(match customer.kind {
        Kind::Person => "p",
        Kind::Organization => "o",
    });
    for spec in TABLE.iter().filter(|spec| spec.flow != Flow::Kept) {
        sha.update(customer.get(spec.field));
        sha.update([0x1f]);
    }
    hex::encode(&sha.finalize()[..16])
}

/// The same of a document: everything that it says.
#[must_use]
pub fn document_checksum(document: &Document) -> String {
    // No value of a document is one that JSON can't hold.
    let text = serde_json::to_string(document).unwrap_or_default();
    hex::encode(&Sha256::digest(text)[..16])
}

/// A hash of each field's normal form; `None` where the read did not show the field. Lives within one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([Option<u64>; TABLE.len()]);

impl Fingerprint {
    /// Of what a side holds.
    #[must_use]
    pub fn of(customer: &Customer) -> Self {
        let mut hashes = [None; TABLE.len()];
        for (spec, hash) in TABLE.iter().zip(&mut hashes) {
            if !customer.hidden.contains(&spec.field) {
                *hash = Some(digest(&normal(spec.field, customer.get(spec.field))));
            }
        }
        Self(hashes)
    }

    /// Whether that side holds what it was last known to hold: then nobody edited it since, and the change that
    /// was seen is the echo of our own write, or of something that no sync carries.
    #[must_use]
    pub fn echoes(&self, base: &Base, side: Side) -> bool {
        TABLE.iter().zip(&self.0).all(|(spec, hash)| {
            let (Some(hash), true) = (hash, spec.flow != Flow::Kept) else {
                return true;
            };
            match base.of(side, spec.field) {
                Some(known) => digest(&normal(spec.field, known)) == *hash,
                // A field that goes one way only is unknown as long as it says nothing to the other side.
                None => match spec.flow {
                    Flow::Both => false,
                    Flow::ToFinance => side == Side::Finance || *hash == digest(""),
                    Flow::ToCrm | Flow::Kept => true,
                },
            }
        })
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::Field;

    fn known(values: &[(Field, &str)]) -> Base {
        let mut base = Base::new(Kind::Person);
        for spec in TABLE.iter().filter(|spec| spec.flow == Flow::Both) {
            base.agree(spec.field, "", "");
        }
        for (field, value) in values {
            base.agree(*field, value, value);
        }
        base
    }

    #[test]
    fn a_checksum_sees_every_typed_change_and_no_other() {
        let a = Customer::new(Kind::Person)
            .with(Field::Name, "علی")
            .with(Field::Mobile, "0912");
        assert_eq!(
            checksum(&a),
            checksum(&a.clone().with(Field::Active, "0")),
            "no sync carries it"
        );
        assert_ne!(checksum(&a), checksum(&a.clone().with(Field::Name, "علي")));
        let moved = Customer::new(Kind::Person)
            .with(Field::Mobile, "علی")
            .with(Field::Name, "0912");
        assert_ne!(checksum(&a), checksum(&moved));
        let company = Customer {
            kind: Kind::Organization,
            ..a.clone()
        };
        assert_ne!(checksum(&a), checksum(&company));
        assert_eq!(checksum(&a).len(), 32);
    }

    #[test]
    fn an_echo_is_what_the_base_says_in_any_letter_form() {
        let base = known(&[(Field::Name, "علی کریمی"), (Field::Mobile, "09121111111")]);
        let mut now = Customer::new(Kind::Person)
            .with(Field::Name, "علي كريمي")
            .with(Field::Mobile, "+98 912 111 1111")
            .with(Field::FinanceCode, "22");
        now.hidden.push(Field::CustomerNumber);
        assert!(Fingerprint::of(&now).echoes(&base, Side::Finance));
        now.set(Field::Email, "a@b.ir");
        assert!(
            !Fingerprint::of(&now).echoes(&base, Side::Finance),
            "a new value is an edit"
        );
        now.set(Field::Email, "");
        now.set(Field::Mobile, "");
        assert!(
            !Fingerprint::of(&now).echoes(&base, Side::Finance),
            "a cleared value is an edit"
        );
    }

    #[test]
    fn what_the_base_does_not_know_is_an_edit_only_where_it_would_travel() {
        let base = known(&[]);
        let numbered = Customer::new(Kind::Person).with(Field::CustomerNumber, "100-7");
        assert!(!Fingerprint::of(&numbered).echoes(&base, Side::Crm));
        assert!(Fingerprint::of(&numbered).echoes(&base, Side::Finance));
        let foreign_ref = Customer::new(Kind::Person).with(Field::FinanceCode, "X-1");
        assert!(Fingerprint::of(&foreign_ref).echoes(&base, Side::Crm));
        let named = Customer::new(Kind::Person).with(Field::Name, "x");
        assert!(!Fingerprint::of(&named).echoes(&Base::new(Kind::Person), Side::Crm));
    }
}
