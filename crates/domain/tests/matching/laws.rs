//! What holds for all records: order says nothing, both ends say the same, normal forms are their own.

use std::collections::BTreeSet;

use domain::customer::Kind;
use domain::matching::{
    Met, Name, NationalId, Profile, Tally, Unidentified, Verdict, emails, judge, likeness, numbers, plain,
    postal_code,
};
use domain::ports::Side;
use proptest::prelude::*;

use super::world::{record, world};

fn any_of(all: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(all).prop_map(str::to_owned)
}

/// Records of a small town, so that they meet.
fn typed() -> impl Strategy<Value = String> {
    let first = any_of(&[
        "علی",
        "رضا",
        "محمدرضا",
        "محمد رضا",
        "ع.",
        "مینا",
        "شرکت",
        "فروشگاه",
        "Ali",
        "مشتری",
    ]);
    let last = any_of(&[
        "رضایی",
        "رضایی‌نژاد",
        "رضائی نژاد",
        "کریمی",
        "کریمی (شعبه ۲)",
        "متفرقه",
        "Rezaei",
        "",
    ]);
    let id = any_of(&[
        "",
        "",
        "1273589467",
        "1273589476",
        "0058294171",
        "0483217591",
        "0483215791",
        "ندارد",
    ]);
    let phone = any_of(&[
        "",
        "09123451827",
        "+989123451827",
        "0936 111 2847",
        "021-88453312",
        "88453312",
        "09120000000",
    ]);
    let email = any_of(&["", "info@nik.ir", "a.b@x.com"]);
    let place = any_of(&["", "خیابان حافظ، کوچه 35، پلاک 152", "حافظ ک 35 پ 152", "تهران"]);
    let code = any_of(&["", "505", "506"]);
    let turned = any::<bool>();
    (first, last, id, phone, email, place, (code, turned)).prop_map(
        |(first, last, id, phone, email, place, (code, turned))| {
            let name = if turned {
                format!("{last} {first}")
            } else {
                format!("{first} {last}")
            };
            format!("{name} / id={id} / mobile={phone} / email={email} / address={place} / code={code}")
        },
    )
}

fn kind() -> impl Strategy<Value = Kind> {
    proptest::sample::select(&[Kind::Person, Kind::Organization][..])
}

fn records(side: Side, most: usize) -> impl Strategy<Value = Vec<Profile>> {
    let one = (typed(), kind()).prop_map(move |(typed, kind)| record(side, kind, &typed));
    proptest::collection::vec(one, 1..=most)
}

fn met(records: &[Profile]) -> Vec<Met<'_, usize>> {
    let met = |(id, profile)| Met {
        id,
        profile,
        linked: id % 5 == 4,
    };
    records.iter().enumerate().map(met).collect()
}

/// What one pair comes to, with its reasons.
fn judged(one: &Profile, other: &Profile, tally: &Tally) -> Verdict<u8> {
    judge(
        one,
        &[Met {
            id: 0,
            profile: other,
            linked: false,
        }],
        &[],
        tally,
    )
}

proptest! {
    #[test]
    fn the_order_of_candidates_and_rivals_says_nothing(
        contacts in records(Side::Finance, 4),
        customers in records(Side::Crm, 8),
        turn in 0usize..8,
    ) {
        let tally = Tally::over(contacts.iter().chain(&customers));
        let (mut candidates, mut rivals) = (met(&customers), met(&contacts[1..]));
        let before = judge(&contacts[0], &candidates, &rivals, &tally);
        candidates.reverse();
        candidates.rotate_left(turn % customers.len());
        rivals.reverse();
        prop_assert_eq!(before, judge(&contacts[0], &candidates, &rivals, &tally));
    }

    #[test]
    fn both_ends_say_the_same(contacts in records(Side::Finance, 3), customers in records(Side::Crm, 3)) {
        let tally = Tally::over(contacts.iter().chain(&customers));
        let (contact, customer) = (&contacts[0], &customers[0]);
        if !contact.name.nobody && !customer.name.nobody {
            prop_assert_eq!(judged(contact, customer, &tally), judged(customer, contact, &tally));
        }
    }

    #[test]
    fn a_link_is_identified_and_leads(contacts in records(Side::Finance, 1), customers in records(Side::Crm, 8)) {
        let tally = Tally::over(contacts.iter().chain(&customers));
        if let Verdict::Link(best) = judge(&contacts[0], &met(&customers), &[], &tally) {
            prop_assert!(best.is_identified() && !best.linked && best.points >= domain::matching::LINK);
            let other = &customers[best.id];
            prop_assert_eq!(other.kind, contacts[0].kind);
            let ids = contacts[0].plausible_id().zip(other.plausible_id());
            prop_assert!(ids.is_none_or(|(a, b)| a.is_near(b)));
        }
    }

    #[test]
    fn an_index_keeps_a_profile_as_it_is(profiles in records(Side::Crm, 1)) {
        let json = serde_json::to_string(&profiles[0]).unwrap();
        prop_assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profiles[0].clone());
    }

    #[test]
    fn normal_forms_are_their_own(text in "\\PC{0,24}", digits in "[ 0-9۰-۹٠-٩+()./-]{0,40}", mail in "[a-cآ@., ]{0,20}") {
        let again = |all: BTreeSet<String>, form: fn(&str) -> BTreeSet<String>| {
            all.iter().all(|one| form(one) == BTreeSet::from([one.clone()]))
        };
        prop_assert_eq!(plain(&plain(&text)), plain(&text));
        prop_assert_eq!(postal_code(&postal_code(&digits)), postal_code(&digits));
        prop_assert!(again(emails(&mail), emails));
        if let Some(id) = NationalId::of(&digits) {
            prop_assert_eq!(NationalId::of(&id.digits), Some(id));
        }
        // The last eight digits of a number that nobody has may begin with a zero, which no number does.
        let there = numbers(&digits).into_iter().filter(|number| !number.starts_with('0')).collect();
        prop_assert!(again(there, numbers));
    }

    #[test]
    fn the_words_of_a_name_are_its_name(typed in typed(), kind in kind()) {
        let name = Name::of(typed.split(" / ").next().unwrap(), kind);
        prop_assert_eq!(Name::of(&name.words.join(" "), kind).words, name.words);
    }

    #[test]
    fn likeness_has_no_first(a in "[ابعلی ]{0,12}", b in "[ابعلی ]{0,12}") {
        let (a, b) = (Name::of(&a, Kind::Person).words, Name::of(&b, Kind::Person).words);
        prop_assert_eq!(likeness(&a, &b), likeness(&b, &a));
    }

    #[test]
    fn nothing_that_is_typed_breaks_it(text in "\\PC{0,40}", kind in kind()) {
        let all = format!("{} / mobile={text} / id={text} / email={text} / zip={text} / address={text} / code={text} / number={text}", text.replace(" / ", ""));
        if all.matches(" / ").count() == 7 && !text.ends_with(" /") {
            let _ = world(kind, &[&all], &[&all]).short();
        }
    }
}

/// The wire form of a verdict: what the audit row and the console read.
#[test]
fn a_doubt_is_data() {
    let met = world(
        Kind::Person,
        &["محمد رضایی / id=1273589467"],
        &["محمد رضایی / id=0058294171 / mobile=09123451827 / code=5"],
    );
    let mut one = met.judge(Side::Finance, 0);
    assert_eq!(one, Verdict::Apart);
    let met = world(
        Kind::Person,
        &["محمد رضایی / id=1273589467 / phone=88453312 / mobile=09123451827"],
        &["محمد رضایی / id=0058294171 / phone=88453312 / mobile=09123451827"],
    );
    one = met.judge(Side::Finance, 0);
    let wire = serde_json::json!({
        "verdict": "doubt",
        "candidates": [{
            "id": 0,
            "points": 7,
            "evidence": [
                {"what": "name", "finding": "agrees", "points": 5},
                {"what": "nationalId", "finding": "another", "points": -9},
                {"what": "mobile", "finding": "agrees", "points": 6},
                {"what": "landline", "finding": "agrees", "points": 5},
            ],
            "unidentified": "nationalId",
            "linked": false,
        }],
        "rivals": [],
    });
    assert_eq!(serde_json::to_value(&one).unwrap(), wire);
    assert_eq!(serde_json::to_value(Unidentified::Branch).unwrap(), "branch");
}
