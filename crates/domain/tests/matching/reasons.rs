//! The reasons of a verdict: what each thing that was compared is worth, and what keeps two from being linked.

use domain::customer::Kind::{Organization, Person};
use domain::matching::{Candidate, Finding, Unidentified, Verdict, Witness};
use domain::ports::Side;

use super::world::{OFFICE, World, check, pair, record, world};

/// What the one customer says of the one contact.
fn candidate(met: &World) -> Candidate<usize> {
    match met.judge(Side::Finance, 0) {
        Verdict::Link(candidate) => candidate,
        Verdict::Doubt(doubt) => doubt.candidates[0].clone(),
        other => panic!("{other:?}"),
    }
}

fn points(candidate: &Candidate<usize>, what: Witness) -> Option<(Finding, i32)> {
    let found = candidate.evidence.iter().find(|one| one.what == what);
    found.map(|one| (one.finding, one.points))
}

#[test]
fn a_person_and_a_company_of_one_name_and_mobile_are_two_customers() {
    let typed = "علی رضایی / mobile=09123451827";
    let met = |contact, customer| {
        let contact = record(Side::Finance, contact, typed);
        World::new(vec![contact], vec![record(Side::Crm, customer, typed)]).judge(Side::Finance, 0)
    };
    assert!(matches!(met(Person, Person), Verdict::Link(_)));
    assert_eq!(met(Person, Organization), Verdict::Apart);
}

#[test]
fn two_valid_ids_that_are_a_slip_apart_speak_against_it() {
    let met = world(
        Person,
        &["علی رضایی / id=0483217591 / code=505"],
        &["علی رضایی / id=0483215791 / number=100-505"],
    );
    let found = candidate(&met);
    assert_eq!(points(&found, Witness::NationalId), Some((Finding::Slip, -1)));
    assert_eq!(found.points, 5 - 1 + 4);
}

#[test]
fn one_id_is_never_passed_over_whatever_else_differs() {
    let met = world(
        Person,
        &["علی رضایی / id=1273589467 / mobile=09123451827"],
        &["مینا کریمی / id=1273589467 / mobile=09361112847"],
    );
    let found = candidate(&met);
    assert_eq!(
        (found.points, found.unidentified),
        (4, Some(Unidentified::Relative))
    );
}

#[test]
fn another_name_under_an_id_that_is_a_slip_apart_is_asked_about_and_never_linked() {
    for code in ["", " / code=505"] {
        let contact = format!("علی رضایی / id=0483217591 / {OFFICE}{code}");
        let customer = format!("مینا کریمی / id=0483215791 / {OFFICE}{code}");
        let found = candidate(&world(Person, &[&contact], &[&customer]));
        assert_eq!(found.unidentified, Some(Unidentified::Name));
        assert_eq!(pair(Person, &contact, &customer), "doubt");
    }
}

#[test]
fn half_of_a_name_is_a_word_of_more_than_two_letters() {
    let named = |contact: &str, customer: &str| {
        let id = "id=1273589467";
        let (contact, customer) = (format!("{contact} / {id}"), format!("{customer} / {id}"));
        points(
            &candidate(&world(Person, &[&contact], &[&customer])),
            Witness::Name,
        )
    };
    assert_eq!(named("مینا رضایی", "مینا کریمی"), Some((Finding::Half, -3)));
    assert_eq!(named("مه رضایی", "مه کریمی"), Some((Finding::Another, -7)));
}

#[test]
fn one_id_of_a_company_is_one_customer_where_anything_is_in_common_by_which_it_is_reached() {
    let met = |shared: &str| {
        let contact = format!("پخش نور تهران / id=10380284790{shared}");
        let customer = format!("پخش نور / id=10380284790{shared}");
        pair(Organization, &contact, &customer)
    };
    assert_eq!(met(""), "doubt", "branches share an id");
    for shared in OFFICE
        .split(" / ")
        .chain(["address=خیابان حافظ، کوچه 35، پلاک 152"])
    {
        assert_eq!(met(&format!(" / {shared}")), "link", "{shared}");
    }
}

#[test]
fn the_more_carry_a_name_the_less_it_says() {
    for (bearers, others, worth) in [(1, 0, 5), (2, 1, 4), (3, 2, 4), (4, 3, 3)] {
        let customers: Vec<String> = (0..bearers)
            .map(|k| match k {
                0 => "علی رضایی / id=1273589467".to_owned(),
                k => format!("علی رضایی / mobile=0912345182{k}"),
            })
            .collect();
        let customers: Vec<&str> = customers.iter().map(String::as_str).collect();
        let found = candidate(&world(Person, &["علی رضایی / id=1273589467"], &customers));
        assert_eq!(points(&found, Witness::Name), Some((Finding::Agrees, worth)));
        // As the audit row says it: no others are not spoken of.
        let wire = serde_json::to_value(&found.evidence).unwrap();
        let said = wire[0].get("others").and_then(serde_json::Value::as_u64);
        assert_eq!(said.unwrap_or_default(), others, "{wire}");
        assert_eq!(said.is_some(), others > 0, "{wire}");
    }
    check(
        Person,
        &[("علی رضایی / phone=88453312", "علی رضایی / phone=88453312", "link")],
    );
}

#[test]
fn a_link_leads_before_its_rivals_by_three_points() {
    let contact = ["علی رضایی / mobile=09123451827"];
    let best = "علی رضایی / mobile=09123451827";
    let rival = "علی رضایی نیا / mobile=09123451827";
    let leads = |customers: &[&str]| world(Person, &contact, customers).short().0.remove(0);
    // 11 points before 8.
    assert_eq!(leads(&[best, rival]), "link 0");
    // 10 before 8: one more has that name.
    assert_eq!(leads(&[best, rival, "علی رضایی"]), "doubt 0 1 2");
}
