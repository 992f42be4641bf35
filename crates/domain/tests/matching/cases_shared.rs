//! The cases that people met, by their number in the list of cases, each with siblings: what several records share.

use domain::company::Company;
use domain::customer::Kind::{Organization, Person};
use domain::matching::{Form, Key, Numbering, Tally, Verdict, ways};
use domain::ports::Side;

use super::world::{check, pair, record, world};

#[test]
fn case_3_a_reference_is_one_witness_among_others() {
    check(
        Person,
        &[
            (
                "علی رضایی / code=505 / mobile=09123451827",
                "مینا کریمی / code=505 / mobile=09361112847",
                "apart",
            ),
            ("علی رضایی / code=505", "مینا کریمی / number=100-505", "apart"),
            (
                "علی رضایی / code=505",
                "مینا کریمی / number=100-505 / code=505",
                "apart",
            ),
            ("علی رضایی / code=505", "علی رضایی / number=100-505", "link"),
            ("علی رضایی / code=505", "علی رضایی / code=۵۰۵", "link"),
            // A customer number of another company names nobody here.
            ("علی رضایی / code=77", "علی رضایی / number=200-77", "doubt"),
        ],
    );
    let offset = Numbering::of_one(Company::DEFAULT, 10_000);
    assert_eq!(offset.code("۱۰۰-۱۰۵۰۵"), Some("505".into()));
    assert_eq!(
        (offset.code("100-505"), offset.code("1404/5"), offset.code("")),
        (None, None, None)
    );
}

#[test]
fn case_4_five_people_of_one_office() {
    let office = "mobile=09123451827 / email=info@nik.ir";
    let at = |name: &str| format!("{name} / {office}");
    let names = ["علی رضایی", "مینا کریمی", "سارا احمدی", "حسن مرادی", "پویا نیک‌پی"].map(at);
    let customers: Vec<_> = names.iter().map(String::as_str).collect();
    let (contacts, customers) = world(Person, &[&at("مینا کریمی")], &customers).short();
    assert_eq!(contacts, ["link 1"]);
    assert_eq!(customers, ["apart", "link 0", "apart", "apart", "apart"]);
    // A sixth that is called nearly like one of them is asked about, not linked.
    assert_eq!(pair(Person, &at("رضا کریمی"), &at("محمدرضا کریمی")), "doubt");
}

#[test]
fn case_35_a_mobile_that_was_given_to_another() {
    check(
        Person,
        &[
            (
                "علی رضایی / mobile=09123451827 / id=1273589467",
                "مینا کریمی / mobile=09123451827 / id=0058294171",
                "apart",
            ),
            (
                "علی رضایی / mobile=09123451827",
                "مینا کریمی / mobile=09123451827",
                "apart",
            ),
            // One id under two names is never passed over.
            ("علی رضایی / id=1273589467", "مینا کریمی / id=1273589467", "doubt"),
        ],
    );
}

#[test]
fn case_39_the_same_customer_twice_on_one_side() {
    let twins = ["علی رضایی / mobile=09123451827", "رضایی علی / mobile=09123451827"];
    let one = ["علی رضایی / mobile=09123451827"];
    let doubts = |who: &[&str]| who.iter().map(|who| format!("doubt {who}")).collect::<Vec<_>>();
    assert_eq!(
        world(Person, &twins, &one).short(),
        (doubts(&["0", "0"]), doubts(&["0 1"]))
    );
    assert_eq!(
        world(Person, &one, &twins).short(),
        (doubts(&["0 1"]), doubts(&["0", "0"]))
    );
    // The doubt names the twin; and when one of them was linked by a person, the other is a doubt still.
    let mut met = world(Person, &twins, &one);
    let Verdict::Doubt(doubt) = met.judge(Side::Finance, 1) else {
        panic!("no doubt")
    };
    assert_eq!(doubt.rivals.iter().map(|rival| rival.id).collect::<Vec<_>>(), [0]);
    met.link(Side::Finance, 0, 0);
    let Verdict::Doubt(doubt) = met.judge(Side::Finance, 1) else {
        panic!("no doubt")
    };
    assert!(doubt.candidates[0].linked && doubt.rivals.is_empty());
    // Twice on both sides: four doubts; the first pair linked by hand, the second is as like the linked one: asked still.
    let mut met = world(Person, &twins, &twins);
    assert_eq!(met.short().0, doubts(&["0 1", "0 1"]));
    met.link(Side::Finance, 0, 0);
    assert_eq!(met.short().0[1], "doubt 0 1");
}

#[test]
fn case_43_what_everybody_has_is_nobodys() {
    let shared = "mobile=09123451827 / phone=02188453312 / email=hesab@dar.ir / zip=1431965483 / address=خیابان حافظ، پاساژ نور، طبقه 2، واحد 14";
    let typed = |name: &str| {
        (0..125)
            .map(|k| format!("{name} {k} / {shared}"))
            .collect::<Vec<_>>()
    };
    let (contacts, customers) = (typed("بازرگانی"), typed("صنایع"));
    let borrowed = |all: &[String]| {
        all.iter()
            .map(|one| record(Side::Finance, Organization, one))
            .collect::<Vec<_>>()
    };
    let tally = Tally::over(&borrowed(&contacts));
    for contact in borrowed(&contacts) {
        assert!(ways(&contact, &tally).iter().all(|form| form.key == Key::Name));
    }
    let (contacts, customers): (Vec<_>, Vec<_>) = (
        contacts.iter().map(String::as_str).collect(),
        customers.iter().map(String::as_str).collect(),
    );
    let met = world(Organization, &contacts, &customers);
    assert_eq!(met.found(Side::Crm, &met.contacts[7]).len(), 0);
    let (contacts, customers) = met.short();
    assert!(
        contacts
            .iter()
            .chain(&customers)
            .all(|verdict| verdict == "apart")
    );
}

#[test]
fn case_43_up_to_the_limit_a_value_is_somebodys() {
    let contact = record(Side::Finance, Person, "علی رضایی / mobile=09123451827");
    let by_mobile = |holders: usize| {
        let mut tally = Tally::default();
        tally.set(
            Side::Crm,
            Form {
                key: Key::Mobile,
                value: "9123451827".into(),
            },
            holders,
        );
        ways(&contact, &tally).iter().any(|form| form.key == Key::Mobile)
    };
    assert!(by_mobile(5) && !by_mobile(6));
    // Many records of one name are one holder: a customer made six times is no accountant.
    let six: Vec<_> = (0..6).map(|_| contact.clone()).collect();
    assert!(
        ways(&contact, &Tally::over(&six))
            .iter()
            .any(|form| form.key == Key::Mobile)
    );
}
