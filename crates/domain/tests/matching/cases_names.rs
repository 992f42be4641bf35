//! The cases that people met, by their number in the list of cases, each with siblings: names.

use domain::customer::Kind::{Organization, Person};
use domain::matching::{Finding, Verdict, Witness};
use domain::ports::Side;

use super::world::{at_office, check, pair, world};

#[test]
fn case_5_a_company_is_written_with_its_legal_form_or_without() {
    let there = "phone=02188453312 / email=info@pars.ir";
    for (contact, customer) in [
        ("پارس (سهامی خاص)", "شرکت پارس"),
        ("پارس", "شرکت پارس با مسئولیت محدود"),
        ("شركت پارس م.م", "پارس"),
        ("موسسه پارس", "شرکت پارس سهامی‌خاص"),
        ("شرکت پارس (سهامي  عام)", "پارس"),
    ] {
        let (contact, customer) = (format!("{contact} / {there}"), format!("{customer} / {there}"));
        assert_eq!(pair(Organization, &contact, &customer), "link", "{contact}");
    }
    // The legal form alone makes no name: two companies of one office.
    check(
        Organization,
        &[(
            "پارس (سهامی خاص) / phone=02188453312",
            "آریا (سهامی خاص) / phone=02188453312",
            "apart",
        )],
    );
}

#[test]
fn case_32_sisters_share_everything() {
    check(
        Person,
        &[
            (&at_office("سارینا حریریان"), &at_office("الینا حریریان"), "apart"),
            (
                &at_office("حریریان، سارینا"),
                &at_office("الینا حریریان"),
                "apart",
            ),
            // One letter apart: a slip or a brother, nobody can say.
            (&at_office("سعید کریمی"), &at_office("سعیده کریمی"), "doubt"),
            (&at_office("حسن کریمی"), &at_office("حسین کریمی"), "doubt"),
        ],
    );
}

#[test]
fn case_33_a_family_name_alone_is_no_name() {
    let home = "mobile=09123451827 / address=خیابان حافظ، کوچه 35، پلاک 152";
    let (bare, full) = (format!("جلالی / {home}"), format!("آیناز جلالی / {home}"));
    check(
        Person,
        &[
            (&bare, &full, "doubt"),
            (&full, &bare, "doubt"),
            (&bare, &bare, "doubt"),
            (&format!("خانم {bare}"), &full, "doubt"),
            // … unless somebody wrote down which one it is.
            (
                &format!("{bare} / code=505"),
                &format!("{full} / code=505"),
                "link",
            ),
        ],
    );
    // An organization may well have a name of one word.
    assert_eq!(pair(Organization, &bare, &bare), "link");
}

#[test]
fn case_36_a_name_is_parted_joined_and_turned() {
    let names = [
        "محمد مهدی رضایی نژاد",
        "محمدمهدی رضایی‌نژاد",
        "رضائي نژاد محمدمهدي",
        "رضایی نژاد، محمد مهدی",
    ];
    for contact in names {
        for customer in names {
            let mobile = |name| format!("{name} / mobile=09123451827");
            assert_eq!(
                pair(Person, &mobile(contact), &mobile(customer)),
                "link",
                "{contact} {customer}"
            );
        }
    }
    // All in one word, and turned: the same name, from whichever side; but one word is no full name of a contact.
    let (one, four) = (
        "رضایی‌نژادمحمدمهدی / mobile=09123451827",
        "محمد مهدی رضایی نژاد / mobile=09123451827",
    );
    check(
        Person,
        &[(four, one, "link"), (&one.replace('\u{200c}', ""), four, "doubt")],
    );
}

#[test]
fn case_37_a_name_and_nothing_else() {
    check(
        Person,
        &[
            ("علی رضایی", "علی رضایی", "doubt"),
            ("علی رضایی", "رضایی علی", "doubt"),
        ],
    );
    let many = world(
        Person,
        &["علی رضایی"; 2],
        &["علی رضایی", "علي رضايي", "رضایی، علی"],
    );
    let (contacts, customers) = many.short();
    assert!(
        contacts
            .iter()
            .chain(&customers)
            .all(|verdict| verdict == "apart"),
        "{contacts:?}"
    );
    // One more of that name: still a question, with both.
    let three = world(Person, &["علی رضایی"], &["علی رضایی", "علی رضایی"]);
    assert_eq!(three.short().0, ["doubt 0 1"]);
}

#[test]
fn case_45_people_are_called_otherwise_than_their_papers_say() {
    let mobile = |name: &str| format!("{name} / mobile=09123451827");
    for (contact, customer) in [
        ("محمدرضا کریمی", "رضا کریمی"),
        ("رضا کریمی", "کریمی محمدرضا"),
        ("Ali Rezaei", "علی رضایی"),
        ("ع. رضایی", "علی رضایی"),
        ("علی ر.", "علی رضایی"),
        ("A. Rezaei", "ali rezaei"),
    ] {
        assert_eq!(
            pair(Person, &mobile(contact), &mobile(customer)),
            "doubt",
            "{contact}"
        );
    }
    let met = world(Person, &[&mobile("رضا کریمی")], &[&mobile("محمدرضا کریمی")]);
    let Verdict::Doubt(doubt) = met.judge(Side::Finance, 0) else {
        panic!("no doubt")
    };
    let reasons: Vec<_> = doubt.candidates[0]
        .evidence
        .iter()
        .map(|one| (one.what, one.finding, one.points))
        .collect();
    assert_eq!(
        reasons,
        [
            (Witness::Name, Finding::Part, 0),
            (Witness::Mobile, Finding::Agrees, 6)
        ]
    );
}

#[test]
fn case_46_names_of_nobody() {
    for name in [
        "مشتری متفرقه",
        "نقدی",
        "مصرف‌کننده نهایی",
        "مشتري گذري",
        "آقای متفرقه",
        "(نقدی)",
        "بدون نام",
        "Test",
    ] {
        let met = world(Person, &[&at_office(name)], &[&at_office(name)]);
        assert_eq!(
            met.short(),
            (vec!["nobody".to_owned()], vec!["nobody".to_owned()]),
            "{name}"
        );
    }
    for somebody in ["علی نقدی", "متفرقه نوین", "نهاییان"] {
        assert_ne!(pair(Person, somebody, somebody), "nobody", "{somebody}");
    }
    // A record without a name is not nobody's: it is judged by the rest.
    check(
        Person,
        &[(
            "- / mobile=09123451827",
            "علی رضایی / mobile=09123451827",
            "doubt",
        )],
    );
}

#[test]
fn case_7_a_picture_and_what_a_system_puts_in_its_place_are_no_part_of_a_name() {
    let phone = "mobile=09123451237";
    let at = |name: &str| format!("{name} / {phone}");
    for there in ["علی رضایی ??", "علی رضایی?", "علی رضایی", "علی رضایی 🌹"]
    {
        assert_eq!(pair(Person, &at("علی رضایی 😀"), &at(there)), "link", "{there}");
    }
    assert_eq!(pair(Person, &at("مینا کریمی 😀"), &at("علی رضایی ??")), "apart");
}

#[test]
fn case_7_what_a_web_form_has_escaped_or_put_tags_around_is_the_same_name() {
    let phone = "mobile=09123451237";
    let at = |name: &str| format!("{name} / {phone}");
    for there in [
        "علی رضایی &lt;b&gt;",
        "علی رضایی &amp;lt;b&amp;gt;",
        "<p>علی رضایی</p>",
    ] {
        assert_eq!(pair(Person, &at("علی رضایی <b>"), &at(there)), "link", "{there}");
    }
    assert_eq!(pair(Organization, &at("R&D پارس"), &at("R&amp;D پارس")), "link");
    // Nothing but what looks like a tag is the name.
    assert_eq!(
        pair(Person, &at("<Ali Rezaei>"), &at("&lt;Ali Rezaei&gt;")),
        "link"
    );
}
