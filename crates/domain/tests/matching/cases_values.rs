//! The cases that people met, by their number in the list of cases, each with siblings: ids and numbers.

use domain::customer::Kind::Person;
use domain::matching::{Finding, NationalId, Verdict, Witness, numbers};
use domain::ports::Side;

use super::world::{check, pair, world};

#[test]
fn case_2_placeholders_are_no_national_id() {
    let placeholders = [
        "0000000000",
        "1111111111",
        "ندارد",
        "-",
        "0",
        "۰۰۰۰۰۰۰۰۰۰",
        "1234567890",
        "000-000000-0",
        "00000000000",
    ];
    for id in placeholders {
        assert_eq!(NationalId::of(id), None, "{id}");
        let (one, other) = (format!("علی رضایی / id={id}"), format!("مینا کریمی / id={id}"));
        assert_eq!(pair(Person, &one, &other), "apart", "{id}");
    }
}

#[test]
fn case_6_a_mobile_in_its_ways_of_writing() {
    let ways = [
        "۰۹۱۲ ۳۴۵ ۱۸۲۷",
        "0912-345-1827",
        "+98 912 345 1827",
        "00989123451827",
        "989123451827",
        "9123451827",
        "(+98) 0912 345 18 27",
    ];
    for contact in ways {
        for customer in ways {
            let (contact, customer) = (
                format!("علی رضایی / mobile={contact}"),
                format!("علی رضایی / mobile={customer}"),
            );
            assert_eq!(pair(Person, &contact, &customer), "link", "{contact} {customer}");
        }
        // In the other phone field it is a mobile as well.
        assert_eq!(
            pair(
                Person,
                &format!("علی رضایی / phone={contact}"),
                "علی رضایی / mobile=09123451827"
            ),
            "link"
        );
    }
}

#[test]
fn case_21_a_national_id_in_its_ways_of_writing() {
    for typed in [
        "001-234567-9",
        "0012345679",
        "۰۰۱۲۳۴۵۶۷۹",
        "001 234567 9",
        "کد ملی: 0012345679",
    ] {
        assert_eq!(
            NationalId::of(typed).map(|id| id.digits),
            NationalId::of("0012345679").map(|id| id.digits),
            "{typed}"
        );
    }
    // Zeros that finance or Excel has lost.
    let rows = [("علی رضایی / id=0058294171", "علی رضایی / id=58294171", "link")];
    check(Person, &rows);
    assert!(NationalId::of("005-829417-1").is_some_and(|id| id.plausible && id.digits == "0058294171"));
}

#[test]
fn case_38_two_digits_exchanged() {
    check(
        Person,
        &[
            ("علی رضایی / id=1273589467", "علی رضایی / id=1273589476", "link"),
            ("علی رضایی / id=1273859467", "علی رضایی / id=1273589467", "link"),
            // Both fail: mistyped once, and copied.
            ("علی رضایی / id=1273589476", "علی رضایی / id=1273589476", "link"),
            // Both are valid: two people, or a slip that nobody can see.
            ("علی رضایی / id=0483217591", "علی رضایی / id=0483215791", "doubt"),
        ],
    );
    let met = world(
        Person,
        &["علی رضایی / id=1273589467"],
        &["علی رضایی / id=1273589476"],
    );
    let Verdict::Link(candidate) = met.judge(Side::Crm, 0) else {
        panic!("no link")
    };
    assert!(
        candidate
            .evidence
            .iter()
            .any(|one| (one.what, one.finding) == (Witness::NationalId, Finding::Slip))
    );
}

#[test]
fn case_44_every_number_of_a_phone_field() {
    for (typed, found) in [
        ("0912 345 1827-0935 662 1840", "9123451827 9356621840"),
        ("09123451827-09356621840", "9123451827 9356621840"),
        ("09123451827/02188453312", "88453312 9123451827"),
        ("88453312-021", "88453312"),
        ("021-88453312 الی 8", "88453312"),
        ("02188453312 داخلی 12", "88453312"),
        ("88453312", "88453312"),
        ("تلفن: ۰۲۱ ۸۸۴۵ ۳۳۱۲ همراه: ۰۹۱۲۳۴۵۱۸۲۷", "88453312 9123451827"),
        ("+98 21 8845 3312", "88453312"),
        ("09120000000", ""),
        ("09123456789", ""),
        ("ندارد", ""),
        ("118", ""),
    ] {
        let numbers: Vec<_> = numbers(typed).into_iter().collect();
        assert_eq!(numbers.join(" "), found, "{typed}");
    }
    for typed in [
        "شناسه ملی: 10380284790",
        "شناسه ملی ۱۰۳۸۰۲۸۴۷۹۰ ثبت 4412",
        "ش.م 1038028479-0",
    ] {
        assert!(
            NationalId::of(typed).is_some_and(|id| id.plausible && id.digits == "10380284790"),
            "{typed}"
        );
    }
}
