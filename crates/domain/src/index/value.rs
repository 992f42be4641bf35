//! What the index keeps a record findable by: its forms, and whom each counts for.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::matching::{Key, Profile, forms};

/// Longer ones are kept as their digests.
const LONGEST: usize = 64;

/// A row of `"RecordValue"`: a form that a record holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// What it is of.
    pub key: Key,
    /// The form, as it is [`stored`].
    pub value: String,
    /// Whom it counts for, where holders are counted: the record's name, else the record.
    pub holder: String,
}

/// A form as the index keeps it.
#[must_use]
pub fn stored(value: &str) -> Cow<'_, str> {
    if value.len() <= LONGEST {
        return Cow::Borrowed(value);
    }
    Cow::Owned(hex::encode(&Sha256::digest(value)[..16]))
}

/// All values of the record with that id, each once.
#[must_use]
pub fn values(id: &str, profile: &Profile) -> Vec<Value> {
    let name = profile.name.letters();
    let mut all: Vec<Value> = forms(profile)
        .into_iter()
        .map(|form| {
            let by_name = form.key.counts_names() && !name.is_empty();
            Value {
                key: form.key,
                value: stored(&form.value).into_owned(),
                holder: if by_name {
                    stored(&name).into_owned()
                } else {
                    format!("#{id}")
                },
            }
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::Company;
    use crate::customer::{Customer, Field, Kind};
    use crate::matching::Numbering;
    use crate::side::Side;

    #[test]
    fn a_long_value_is_kept_as_its_digest_and_a_name_holds_what_is_not_a_records_own() {
        let numbering = Numbering::of_one(Company::default(), 0);
        let customer = Customer::new(Kind::Person)
            .with(Field::Name, "علی رضایی")
            .with(Field::Mobile, "0912 345 0017 - 0935 111 2345")
            .with(Field::NationalId, "0499370899")
            .with(
                Field::Address,
                format!("تهران، {}، پلاک 12", "خیابان ".repeat(3) + &"نام".repeat(40)),
            );
        let profile = Profile::of_record("22", &customer, Side::Finance, numbering);
        let all = values("22", &profile);
        let of = |key| {
            all.iter()
                .filter(move |value| value.key == key)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(Key::Mobile).len(), 2);
        assert!(
            of(Key::Mobile)
                .iter()
                .all(|value| value.holder == profile.name.letters())
        );
        assert_eq!(of(Key::NationalId)[0].holder, "#22");
        assert_eq!(of(Key::Code)[0].value, "22");
        assert_eq!(of(Key::Address)[0].value.len(), 32);
    }
}
