//! What is asked and reserved at a first meeting, and what says that a known id holds another record.

use std::collections::BTreeSet;

use domain::company::Company;
use domain::customer::{Customer, Field, Kind};
use domain::matching::{
    Form, Holders, Key, Numbering, Profile, Tally, findable, forms, is_another, is_placeholder, locks,
    search_keys, told_by, typed_keys,
};
use domain::ports::{MatchKeys, Side};

use crate::world::NUMBERING;

const ID: &str = "0499370899";

fn person(name: &str, values: &[(Field, &str)]) -> Customer {
    let named = Customer::new(Kind::Person).with(Field::Name, name);
    values
        .iter()
        .fold(named, |one, (field, value)| one.with(*field, *value))
}

fn of(customer: &Customer, side: Side) -> Profile {
    Profile::of(customer, side, NUMBERING)
}

fn typed(value: &str) -> Option<String> {
    Some(value.to_owned())
}

/// So many of each side hold each of these.
fn held(by: usize, all: &[(Key, &str)]) -> Tally {
    let mut tally = Tally::default();
    for (key, value) in all {
        for side in Side::BOTH {
            let form = Form {
                key: *key,
                value: (*value).to_owned(),
            };
            tally.set(side, form, by);
        }
    }
    tally
}

#[test]
fn a_customer_is_looked_for_by_what_was_typed() {
    let all = person(
        "علی رضایی",
        &[
            (Field::NationalId, " 049-937089-9 "),
            (Field::Mobile, "+98 912 345 0017"),
            (Field::Email, "Ali@Pars.ir"),
            (Field::CustomerNumber, "100-505"),
            (Field::FinanceCode, "505"),
        ],
    );
    let right = MatchKeys {
        id: typed("505"),
        customer_number: typed("100-505"),
        national_id: typed("049-937089-9"),
        mobile: typed("+98 912 345 0017"),
        email: typed("Ali@Pars.ir"),
    };
    assert_eq!(typed_keys(&all, Side::Crm, NUMBERING), right);
    let found = search_keys(
        &all,
        &of(&all, Side::Crm),
        Side::Crm,
        NUMBERING,
        &Tally::default(),
    );
    assert_eq!(found, right);
    // What an office or everybody has leads to everybody.
    let everybodys = held(
        200,
        &[
            (Key::NationalId, ID),
            (Key::Mobile, "9123450017"),
            (Key::Email, "ali@pars.ir"),
        ],
    );
    let found = search_keys(&all, &of(&all, Side::Crm), Side::Crm, NUMBERING, &everybodys);
    assert_eq!(
        found,
        MatchKeys {
            national_id: None,
            mobile: None,
            email: None,
            ..right
        }
    );
}

#[test]
fn of_several_in_one_field_one_is_asked_for() {
    let two = person(
        "علی رضایی",
        &[
            (Field::Mobile, "09123450017 - 09350000001"),
            (Field::Email, "a@pars.ir; b@pars.ir"),
        ],
    );
    let profile = of(&two, Side::Crm);
    let asked = |holders: &Tally| search_keys(&two, &profile, Side::Crm, NUMBERING, holders);
    let first = asked(&Tally::default());
    assert_eq!(
        (first.mobile, first.email),
        (typed("09123450017"), typed("a@pars.ir"))
    );
    // One of the two is nobody's: the other, in its own form, not the field as it stands.
    let left = asked(&held(
        200,
        &[(Key::Mobile, "9123450017"), (Key::Email, "a@pars.ir")],
    ));
    assert_eq!(
        (left.mobile, left.email),
        (typed("09350000001"), typed("b@pars.ir"))
    );
}

#[test]
fn a_contact_is_looked_for_by_the_number_that_its_code_gives_it() {
    let contact = person("علی رضایی", &[(Field::FinanceCode, "22")]);
    let shifted = Numbering::of_one(Company::DEFAULT, 1000);
    let number = |customer: &Customer, side| typed_keys(customer, side, shifted).customer_number;
    assert_eq!(number(&contact, Side::Finance), typed("100-1022"));
    assert_eq!(
        number(&contact, Side::Crm),
        None,
        "an identity's reference is no number"
    );
    let own = contact.with(Field::CustomerNumber, "100-7");
    assert_eq!(number(&own, Side::Finance), typed("100-7"));
    assert_eq!(number(&person("علی", &[]), Side::Finance), None);
    assert_eq!(shifted.number("۲۲"), typed("100-1022"));
    assert_eq!(shifted.number("A22"), None);
}

#[test]
fn finance_cant_be_asked_for_the_crms_number() {
    let none = MatchKeys::default();
    let all = [
        MatchKeys {
            national_id: typed(ID),
            ..none.clone()
        },
        MatchKeys {
            mobile: typed("0912"),
            ..none.clone()
        },
        MatchKeys {
            email: typed("a@b.ir"),
            ..none.clone()
        },
    ];
    for side in Side::BOTH {
        assert!(!findable(&none, side));
        for one in &all {
            assert!(findable(one, side), "{one:?}");
        }
    }
    let numbers = [
        MatchKeys {
            id: typed("22"),
            ..none.clone()
        },
        MatchKeys {
            customer_number: typed("100-22"),
            ..none
        },
    ];
    for one in &numbers {
        assert!(
            findable(one, Side::Crm) && !findable(one, Side::Finance),
            "{one:?}"
        );
    }
}

#[test]
fn two_that_may_be_linked_reserve_something_in_common_and_strangers_nothing() {
    let locks_of = |customer: &Customer, side| -> BTreeSet<String> {
        let all = locks(&of(customer, side), &Tally::default());
        let unlike: BTreeSet<_> = all.iter().cloned().collect();
        assert_eq!(unlike.len(), all.len(), "each once: {all:?}");
        assert!(
            all.iter().all(|lock| lock.len() == 64),
            "a digest, no value: {all:?}"
        );
        unlike
    };
    let both = |a: &Customer, b: &Customer| {
        let (a, b) = (locks_of(a, Side::Crm), locks_of(b, Side::Finance));
        a.intersection(&b).count()
    };
    let one = person("علی رضایی", &[(Field::Mobile, "09123450017")]);
    assert_eq!(
        both(&one, &person("رضایی", &[(Field::Mobile, "+98 912 345 0017")])),
        1
    );
    assert_eq!(both(&one, &person("علی رضایی", &[])), 1, "their name alone");
    assert_eq!(
        both(&one, &person("مینا کریمی", &[(Field::Mobile, "09350000001")])),
        0
    );
    for (field, here, there) in [
        (Field::NationalId, ID, "049-937089-9"),
        (Field::Email, "A@Pars.ir", "a@pars.ir"),
    ] {
        let (here, there) = (
            person("رضایی", &[(field, here)]),
            person("کریمی", &[(field, there)]),
        );
        assert_eq!(both(&here, &there), 1, "{field:?}");
    }
    let contact = person("کریمی", &[(Field::FinanceCode, "22")]);
    for (field, value) in [(Field::FinanceCode, "22"), (Field::CustomerNumber, "100-22")] {
        assert_eq!(
            both(&person("رضایی", &[(field, value)]), &contact),
            1,
            "{field:?} names a code"
        );
    }
    // A mobile's digits are no national id's.
    let (id, mobile) = (
        person("رضایی", &[(Field::NationalId, "9123450017")]),
        person("کریمی", &[(Field::Mobile, "09123450017")]),
    );
    assert_eq!(both(&id, &mobile), 0);
}

#[test]
fn a_name_of_one_word_is_reserved_only_where_nothing_else_is() {
    let count = |customer: &Customer| locks(&of(customer, Side::Crm), &Tally::default()).len();
    assert_eq!(count(&person("رضایی", &[])), 1);
    assert_eq!(count(&person("رضایی", &[(Field::Mobile, "09123450017")])), 1);
    assert_eq!(count(&person("علی رضایی", &[(Field::Mobile, "09123450017")])), 2);
    let mut company = person("پارس", &[(Field::Mobile, "09123450017")]);
    company.kind = Kind::Organization;
    assert_eq!(count(&company), 2);
    assert_eq!(count(&person("", &[(Field::Mobile, "09123450017")])), 1);
    assert_eq!(count(&person("", &[])), 0);
    // What an office shares is reserved by nobody.
    let shared = held(200, &[(Key::Mobile, "9123450017")]);
    let office = of(&person("رضایی", &[(Field::Mobile, "09123450017")]), Side::Crm);
    assert_eq!(
        locks(&office, &shared),
        locks(&of(&person("رضایی", &[]), Side::Crm), &Tally::default())
    );
}

#[test]
fn who_stands_under_a_known_id_is_told_by_what_the_index_keeps() {
    let phone = (Field::Mobile, "09123450017");
    let mail = (Field::Email, "a@pars.ir");
    let was = |values: &[(Field, &str)]| of(&person("مینا کریمی", values), Side::Finance);
    let is = |name: &str, values: &[(Field, &str)]| of(&person(name, values), Side::Finance);
    assert!(is_another(&was(&[]), &is("پرویز صادقی", &[])));
    assert!(is_another(
        &was(&[phone, mail]),
        &is(
            "پرویز صادقی",
            &[(Field::Mobile, "09350000001"), (Field::Email, "b@pars.ir")]
        )
    ));
    assert!(is_another(
        &was(&[(Field::NationalId, ID)]),
        &is("پرویز صادقی", &[(Field::NationalId, "0790419904")])
    ));
    for lasted in [phone, mail, (Field::NationalId, ID)] {
        assert!(
            !is_another(&was(&[lasted]), &is("پرویز صادقی", &[lasted])),
            "{lasted:?}"
        );
    }
    assert!(!is_another(&was(&[]), &is("مینا کریمی", &[])));
    assert!(!is_another(&was(&[]), &is("کریمی مینا", &[phone])));
    assert!(!is_another(&was(&[]), &is("", &[])), "no name says nothing");
    assert!(!is_another(&is("", &[]), &was(&[])));
}

#[test]
fn a_record_is_told_by_its_name_its_keys_and_the_systems_own_marks() {
    let holds = person(
        "مینا کریمی",
        &[
            (Field::Mobile, "09123450017"),
            (Field::Email, ""),
            (Field::Address, "تهران"),
            (Field::MARKS[0], "7"),
        ],
    );
    let told: Vec<_> = told_by(&holds).into_iter().collect();
    let mut right = vec![
        (Field::Name, "مینا کریمی".to_owned()),
        (Field::Mobile, "09123450017".to_owned()),
        (Field::MARKS[0], "7".to_owned()),
    ];
    right.sort();
    assert_eq!(told, right);
}

#[test]
fn what_was_typed_where_there_was_nothing_to_type_is_a_placeholder() {
    for (field, nothing, something) in [
        (Field::NationalId, "ندارد", ID),
        (Field::Mobile, "09120000000", "09123450017"),
        (Field::Phone, "0", "02188451234"),
        (Field::Email, "-", "a@pars.ir"),
        (Field::PostalCode, "0000000000", "1416753955"),
    ] {
        assert!(is_placeholder(field, nothing), "{field:?} {nothing}");
        assert!(!is_placeholder(field, something), "{field:?} {something}");
    }
    assert!(!is_placeholder(Field::Name, "ندارد"));
}

#[test]
fn a_tally_knows_what_it_was_told_of_both_sides() {
    let form = |value: &str| Form {
        key: Key::Mobile,
        value: value.to_owned(),
    };
    let mut tally = Tally::default();
    assert!(!tally.knows(&form("1")));
    tally.set(Side::Crm, form("1"), 3);
    assert!(!tally.knows(&form("1")), "of one side only");
    let mut more = Tally::default();
    more.set(Side::Finance, form("1"), 0);
    more.set(Side::Finance, form("2"), 4);
    tally.add(more);
    assert!(tally.knows(&form("1")) && !tally.knows(&form("2")));
    assert_eq!(tally.holders(Side::Crm, Key::Mobile, "1"), 3);
    assert_eq!(tally.holders(Side::Finance, Key::Mobile, "2"), 4);
}

/// These names stand in databases.
#[test]
fn an_index_keeps_each_kind_of_form_under_its_own_name() {
    let all = [
        (Key::NationalId, "nationalId"),
        (Key::Mobile, "mobile"),
        (Key::Landline, "landline"),
        (Key::Email, "email"),
        (Key::PostalCode, "postalCode"),
        (Key::Address, "address"),
        (Key::Name, "name"),
        (Key::Code, "code"),
    ];
    for (key, name) in all {
        assert_eq!(key.as_str(), name);
    }
}

#[test]
fn what_no_database_holds_is_taken_out_and_a_contact_is_named_by_its_id() {
    let odd = person("مینا\0 کریمی", &[(Field::Mobile, "0912\0 3450017")]);
    let plain = person("مینا کریمی", &[(Field::Mobile, "09123450017")]);
    let record = |customer| Profile::of_record("22", customer, Side::Finance, NUMBERING);
    assert_eq!(record(&odd), record(&plain));
    assert_eq!(record(&plain).code, "22");
    let crm = Profile::of_record("22", &odd, Side::Crm, NUMBERING);
    assert_eq!(crm.code, "", "an identity is not");
    assert_eq!(forms(&crm), forms(&of(&plain, Side::Crm)));
}

#[test]
fn a_name_has_one_key_however_it_is_written_and_its_number_is_part_of_it() {
    let key = |name: &str| domain::matching::Name::of(name, Kind::Person).letters();
    assert_eq!(key("رضا علی پور"), key("علی‌پور رضا"));
    assert_eq!(key("انبار ۱۲ پارس"), key("پارس انبار 12"));
    assert_ne!(key("انبار ۱۲ پارس"), key("انبار ۲۱ پارس"));
    assert_ne!(key("انبار ۱۲ پارس"), key("انبار ۱ ۲ پارس"));
}
