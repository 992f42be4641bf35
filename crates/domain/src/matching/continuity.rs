//! Does a known id still hold the record that it held? A code that was given again and a database that was put back show
//! another one under it.

use serde::{Deserialize, Serialize};

use super::likeness::{Likeness, likeness};
use super::names::Name;
use super::phones::numbers;
use super::profile::Profile;
use super::values::{NationalId, emails};
use crate::customer::{Customer, Field, Kind, Values};
use crate::text::same;

/// What says that it is another record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Another {
    /// Its name is another, and neither national id, mobile nor e-mail has lasted.
    Name,
    /// Its name is another, and so is its plausible national id.
    NationalId,
    /// The system itself says so: its own mark of a record ([`Field::MARKS`]) is another.
    Mark,
}

/// Why what is held under the id `now` is another record than what it was last known to hold; `None`: it is the same, and
/// whatever differs is an edit, the kind included.
#[must_use]
pub fn another(was: &Values, now: &Customer) -> Option<Another> {
    let (kind, now) = (now.kind, &now.values);
    let both = |field| Some((of(was, field), of(now, field))).filter(|(a, b)| !a.is_empty() && !b.is_empty());
    let marks = Field::MARKS.into_iter().filter_map(both);
    if marks.into_iter().any(|(a, b)| a.trim() != b.trim()) {
        return Some(Another::Mark);
    }
    if same(Field::Name, of(was, Field::Name), of(now, Field::Name)) || is_alike(was, now, kind) {
        return None;
    }
    let id = |values| NationalId::of(of(values, Field::NationalId));
    let (id_was, id_is) = (id(was), id(now));
    let plausible = id_was
        .as_ref()
        .filter(|id| id.plausible)
        .zip(id_is.as_ref().filter(|id| id.plausible));
    if plausible.is_some_and(|(a, b)| a.digits.len() == b.digits.len() && !a.is_near(b)) {
        return Some(Another::NationalId);
    }
    let lasted = id_was.is_some() && id_was == id_is
        || has_lasted(was, now, |values| numbers(of(values, Field::Mobile)))
        || has_lasted(was, now, |values| emails(of(values, Field::Email)));
    (!lasted).then_some(Another::Name)
}

/// The same, told from what the index keeps of a record: its names are unlike, and nothing else has lasted. Its marks are not
/// kept there.
#[must_use]
pub fn is_another(was: &Profile, now: &Profile) -> bool {
    let says_nothing = was.name.words.is_empty() || now.name.words.is_empty();
    let unlike = likeness(&was.name.words, &now.name.words) == Likeness::Unlike;
    let ids = was.national_id.as_ref().zip(now.national_id.as_ref());
    let lasted = ids.is_some_and(|(a, b)| a == b)
        || !was.mobiles.is_disjoint(&now.mobiles)
        || !was.emails.is_disjoint(&now.emails);
    unlike && !says_nothing && !lasted
}

/// What a record is told by, of all that it holds.
#[must_use]
pub fn told_by(holds: &Customer) -> Values {
    let fields = [Field::Name, Field::NationalId, Field::Mobile, Field::Email];
    let fields = fields.into_iter().chain(Field::MARKS);
    let held = fields.map(|field| (field, holds.get(field).to_owned()));
    held.filter(|(_, value)| !value.is_empty()).collect()
}

/// Whether the names may be one's: the same, alike, a part of one another, or saying nothing. Who had a name is not called
/// like nobody all at once («مشتری متفرقه»).
fn is_alike(was: &Values, now: &Values, kind: Kind) -> bool {
    let name = |values| Name::of(of(values, Field::Name), kind);
    let (was, now) = (name(was), name(now));
    was.nobody == now.nobody && likeness(&was.words, &now.words) != Likeness::Unlike
}

fn has_lasted<T: IntoIterator<Item = String>>(
    was: &Values,
    now: &Values,
    values: impl Fn(&Values) -> T,
) -> bool {
    let now: Vec<String> = values(now).into_iter().collect();
    values(was).into_iter().any(|value| now.contains(&value))
}

fn of(values: &Values, field: Field) -> &str {
    values.get(&field).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARS: &str = "شرکت پارس";
    const MINA: &str = "مینا کریمی";
    const GOOD: [&str; 2] = ["0499370899", "0790419904"];

    fn customer(name: &str, values: &[(Field, &str)]) -> Customer {
        let one = Customer::new(Kind::Person).with(Field::Name, name);
        values
            .iter()
            .fold(one, |one, (field, value)| one.with(*field, *value))
    }

    #[track_caller]
    fn is(was: (&str, &[(Field, &str)]), now: (&str, &[(Field, &str)]), right: Option<Another>) {
        let (was, now) = (customer(was.0, was.1), customer(now.0, now.1));
        assert_eq!(another(&was.values, &now), right, "{was:?} → {now:?}");
    }

    #[test]
    fn case_1_a_code_that_was_given_again_holds_another_record() {
        is((PARS, &[]), (MINA, &[]), Some(Another::Name));
        let phone = (Field::Mobile, "09123450017");
        is(
            (PARS, &[phone]),
            (MINA, &[(Field::Mobile, "09350000001")]),
            Some(Another::Name),
        );
        is((PARS, &[phone]), (MINA, &[]), Some(Another::Name));
    }

    #[test]
    fn case_1_a_code_that_was_given_to_nobody_holds_another_record() {
        const NOBODY: &str = "مشتری متفرقه";
        let phone = (Field::Mobile, "09123450017");
        is((PARS, &[phone]), (NOBODY, &[]), Some(Another::Name));
        is((NOBODY, &[]), (MINA, &[phone]), Some(Another::Name));
        is((PARS, &[phone]), (NOBODY, &[phone]), None);
        is((NOBODY, &[]), ("نقدی", &[]), None);
    }

    #[test]
    fn whoever_is_renamed_and_keeps_one_key_is_the_same() {
        for (field, was, now) in [
            (Field::Mobile, "09123450017", "+98 912 345 0017"),
            (Field::Email, "Info@Pars.ir", "info@pars.ir"),
            (Field::NationalId, "10101010", "10101010"),
        ] {
            is((PARS, &[(field, was)]), (MINA, &[(field, now)]), None);
        }
    }

    #[test]
    fn another_name_and_another_national_id_are_another_record_whatever_else_has_lasted() {
        let phone = (Field::Mobile, "09123450017");
        let with = |id| [phone, (Field::NationalId, id)];
        is(
            (PARS, &with(GOOD[0])),
            (MINA, &with(GOOD[1])),
            Some(Another::NationalId),
        );
        // Neither a slip, nor what can't be one, nor a person's beside an organization's.
        is((PARS, &with(GOOD[0])), (MINA, &with("0499370989")), None);
        is((PARS, &with(GOOD[0])), (MINA, &with("1111111111")), None);
        is((PARS, &with(GOOD[0])), (MINA, &with("10100342706")), None);
    }

    #[test]
    fn less_than_another_name_is_an_edit() {
        for now in ["پارس (سهامی خاص)", "شرکت پارس نو", "شركت پارس", "", "Pars"]
        {
            is((PARS, &[]), (now, &[(Field::NationalId, GOOD[0])]), None);
        }
        is(("", &[]), (MINA, &[]), None);
        is(
            ("علی رضایی", &[(Field::NationalId, GOOD[0])]),
            ("رضایی علی", &[(Field::NationalId, GOOD[1])]),
            None,
        );
        let (was, mut now) = (customer(PARS, &[]), customer("پارس", &[]));
        now.kind = Kind::Organization;
        assert_eq!(another(&was.values, &now), None, "the kind is an edit, too");
    }

    #[test]
    fn the_systems_own_mark_tells_records_apart_that_look_alike() {
        for mark in Field::MARKS {
            is(
                (PARS, &[(mark, "7")]),
                (PARS, &[(mark, "8")]),
                Some(Another::Mark),
            );
            is((PARS, &[(mark, "7")]), (PARS, &[(mark, "7 ")]), None);
            is((PARS, &[(mark, "7")]), (PARS, &[]), None);
            is((PARS, &[]), (PARS, &[(mark, "7")]), None);
        }
    }
}
