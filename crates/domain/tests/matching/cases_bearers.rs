//! The cases that people met, by their number in the list of cases, each with siblings: two customers of one name.

use domain::customer::Kind::{Organization, Person};
use domain::matching::{Unidentified, Verdict};
use domain::ports::Side;

use super::world::{World, at_office, check, pair, record, world};

#[test]
fn case_34_a_company_and_its_manager() {
    let met = |contact: &str, customer: &str| {
        let contact = record(Side::Finance, Organization, &at_office(contact));
        let customer = record(Side::Crm, Person, &at_office(customer));
        World::new(vec![contact], vec![customer]).judge(Side::Crm, 0)
    };
    assert_eq!(met("شرکت آریا صنعت", "علی نیک‌پی"), Verdict::Apart);
    // A company or a shop that has its owner's name: asked, never linked.
    for named in ["شرکت نیک‌پی", "فروشگاه علی نیک‌پی", "علی نیک‌پی"] {
        let Verdict::Doubt(doubt) = met(named, "علی نیک‌پی") else {
            panic!("no doubt about {named}")
        };
        assert_eq!(doubt.candidates[0].unidentified, Some(Unidentified::Kind));
    }
}

#[test]
fn case_40_father_and_son_of_one_name() {
    let father = format!("{} / id=1273589467", at_office("محمد رضایی"));
    let son = format!("{} / id=0058294171", at_office("محمد رضایی"));
    let met = world(Person, &[&father], &[&son]);
    let Verdict::Doubt(doubt) = met.judge(Side::Finance, 0) else {
        panic!("no doubt")
    };
    assert_eq!(doubt.candidates[0].unidentified, Some(Unidentified::NationalId));
    assert_eq!(pair(Person, &father, &son), "doubt");
    // The father himself beside the son: asked still, with his own first.
    let met = world(Person, &[&father, &son], &[&son, &father]);
    assert_eq!(met.short().0, ["doubt 1 0", "doubt 0 1"]);
}

#[test]
fn case_41_branches_of_one_company() {
    let id = "id=10380284790";
    let branch = |k: &str| format!("شرکت پخش نور (شعبه {k}) / {id}");
    check(
        Organization,
        &[
            (&branch("۲"), &branch("۳"), "doubt"),
            (&branch("۲"), &format!("شرکت پخش نور / {id}"), "doubt"),
            (&format!("پخش نور / {id}"), &branch("2"), "doubt"),
            // One remark says nothing; two that differ do.
            (
                "پخش نور (تهران) / phone=02188453312",
                "پخش نور / phone=02188453312",
                "link",
            ),
            (
                "پخش نور (تهران) / phone=02188453312",
                "پخش نور (کرج) / phone=02188453312",
                "doubt",
            ),
            (
                "پخش نور - نمایندگی کرج / phone=02188453312",
                "پخش نور / phone=02188453312",
                "doubt",
            ),
        ],
    );
    // Forty branches under one id, a landline each.
    let branches: Vec<_> = (0..40)
        .map(|k| format!("{} / phone=0218845{:04}", branch(&k.to_string()), 3311 + 7 * k))
        .collect();
    let contacts: Vec<_> = branches.iter().map(String::as_str).collect();
    let customers: Vec<_> = contacts.iter().rev().copied().collect();
    let linked: Vec<_> = (0..40).rev().map(|k| format!("link {k}")).collect();
    assert_eq!(
        world(Organization, &contacts, &customers).short(),
        (linked.clone(), linked)
    );
}

#[test]
fn case_42_what_tells_bearers_of_one_name_apart() {
    check(
        Person,
        &[
            (&at_office("ورثه مرحوم احمدی"), &at_office("احمدی"), "doubt"),
            (
                &at_office("ورثه مرحوم علی احمدی"),
                &at_office("علی احمدی"),
                "doubt",
            ),
            (
                &at_office("وراث مرحوم علی احمدی"),
                &at_office("آقای علی احمدی"),
                "doubt",
            ),
            (
                &at_office("علی احمدی فرزند حسن"),
                &at_office("علی احمدی فرزند حسین"),
                "doubt",
            ),
            (
                &at_office("علی احمدی فرزند حسن"),
                &at_office("علی احمدی فرزند حسن"),
                "link",
            ),
            (
                &at_office("علی احمدی (پدر)"),
                &at_office("علی احمدی (پسر)"),
                "doubt",
            ),
            (&at_office("علی احمدی (نقدی)"), &at_office("علی احمدی"), "link"),
        ],
    );
    check(
        Organization,
        &[
            (&at_office("شرکت پارس"), &at_office("فروشگاه پارس"), "doubt"),
            (
                &at_office("پارس (سهامی خاص)"),
                &at_office("فروشگاه پارس"),
                "doubt",
            ),
            (&at_office("فروشگاه پارس"), &at_office("پارس"), "link"),
        ],
    );
}
