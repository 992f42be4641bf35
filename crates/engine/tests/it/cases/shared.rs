//! What offices, households and buildings share, and the same customer twice.

use domain::clock::Clock;
use domain::customer::{Customer, Field as F};
use domain::index::Sighting;
use domain::ports::Side;
use domain::store::Status;

use super::{End, company, ends, person};
use crate::world::{ALL, On, World};

const MOBILE: (F, &str) = (F::Mobile, "09123451237");
const PHONE: (F, &str) = (F::Phone, "02188451236");

/// Names that have nothing in common.
const NAMES: [&str; 8] = [
    "علی رضایی",
    "مینا کریمی",
    "حسین جلالی",
    "نیما صادقی",
    "سارا نیکو",
    "کاوه پورداد",
    "پرویز مشایخ",
    "شهرام فتحی",
];

#[tokio::test]
async fn case_4_five_people_of_one_office_are_five_contacts() {
    let w = World::new(On::Memory).await;
    for name in &NAMES[..5] {
        let id = w
            .crm
            .add(person(&[(F::Name, name), MOBILE, (F::Email, "info@pars.ir")]));
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Success, "{name}");
    }
    assert_eq!(w.finance.ids().len(), 5);
    assert_eq!(w.links().await.len(), 5);
}

#[tokio::test]
async fn case_34_a_company_and_its_manager_are_two() {
    let parts = [MOBILE, PHONE, (F::Email, "info@pars.ir")];
    let pars = company(&[&[(F::Name, "شرکت پارس")], &parts[..]].concat());
    let manager = |name| person(&[&[(F::Name, name)], &parts[..]].concat());
    ends(
        "34",
        &[manager("رضا کریمی")],
        std::slice::from_ref(&pars),
        End::Two,
    )
    .await;
    ends(
        "34, a shop called after its owner",
        &[manager("رضا کریمی")],
        &[company(&[&[(F::Name, "رضا کریمی")], &parts[..]].concat())],
        End::Doubt,
    )
    .await;
}

#[tokio::test]
async fn case_39_the_same_customer_twice_is_a_doubt_from_whichever_end() {
    let ali = person(&[(F::Name, "علی رضایی"), MOBILE, PHONE]);
    let twice = [ali.clone(), ali.clone()];
    let one = std::slice::from_ref(&ali);
    ends("39, twice in finance", one, &twice, End::Doubt).await;
    ends("39, twice in the CRM", &twice, one, End::Doubt).await;
    // One of them is linked already: the other is asked about, and not made again.
    let w = World::new(On::Memory).await;
    w.finance.add(ali.clone());
    let first = w.crm.add(ali.clone());
    assert_eq!(w.sync(Side::Crm, &first).await, Status::Success);
    let second = w.finance.add(ali);
    assert_eq!(w.sync(Side::Finance, &second).await, Status::Conflict);
    assert_eq!(w.crm.ids().len(), 1);
    let said = w.rows().await.pop().and_then(|row| row.error_message).unwrap();
    assert!(said.contains("which is linked already"), "{said}");
}

/// While a search is under way, which finds it, one look sees what has changed there, and the next, which shows half of what
/// there is, takes it for gone.
#[tokio::test]
async fn who_was_just_shown_is_a_candidate_whatever_a_look_meanwhile_has_missed() {
    for on in ALL {
        let w = World::new(on).await;
        let ali = person(&[(F::Name, "علی رضایی"), MOBILE, (F::NationalId, "0499370899")]);
        let code = w.finance.add(ali.clone());
        let minute = std::time::Duration::from_secs(60);
        let at = |seconds| w.clock.now() + std::time::Duration::from_secs(seconds);
        let company = w.engine.config.numbering.company;
        let plain = |_: Side, _: F, value: &str| value.to_owned();
        let reading = domain::index::Reading {
            numbering: w.engine.config.numbering,
            project: &plain,
        };
        let seen = Sighting::of(&w.finance.all()[0], Side::Finance, reading, at(20));
        let gone = Sighting::gone(Side::Finance, company, &code, at(40));
        for one in [seen, gone] {
            w.engine.index.note(&[one]).await.unwrap();
        }
        w.finance.next_find(minute);
        let id = w.crm.add(ali);
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Success, "{on:?}");
        assert_eq!(w.finance.ids(), [code], "{on:?}: nothing is made a second time");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn case_40_father_and_son_of_one_name_are_never_linked() {
    let home = [
        (F::Name, "محمد رضایی"),
        MOBILE,
        PHONE,
        (F::PostalCode, "1437685241"),
    ];
    let with = |id| person(&[&home[..], &[(F::NationalId, id)]].concat());
    ends("40", &[with("0499370899")], &[with("0084575948")], End::Doubt).await;
}

#[tokio::test]
async fn case_43_what_many_hold_is_nobodys() {
    let of = |values: &[(F, &str)]| -> Vec<Customer> {
        let named = NAMES.iter().map(|name| [&[(F::Name, *name)], values].concat());
        named.map(|values| person(&values)).collect()
    };
    let accountant = of(&[MOBILE, (F::Email, "hesab@daftar.ir")]);
    let stranger = person(&[(F::Name, "فرزانه بیات"), MOBILE, (F::Email, "hesab@daftar.ir")]);
    ends("43", &[stranger], &accountant, End::Two).await;
    // Even one that bears a common name is no question.
    let namesake = person(&[(F::Name, "رضا علیپور"), MOBILE]);
    let alike = [&[person(&[(F::Name, "رضا علیپورفرد"), MOBILE])], &accountant[..]].concat();
    ends("43, alike", &[namesake], &alike, End::Two).await;
    // Nobody waits for another because of it.
    let w = World::new(On::Memory).await;
    let ids: Vec<String> = accountant.iter().map(|one| w.crm.add(one.clone())).collect();
    w.look().await;
    w.finance
        .fail(crate::world::Fault::Before(domain::ports::PortError::unknown(
            "broken",
        )));
    let first = w.enqueue(Side::Crm, &ids[0]).await;
    w.engine.run(&first).await.unwrap();
    assert_eq!(
        w.row(&first).await.status,
        Status::Pending,
        "its create is on its way"
    );
    for id in &ids[1..] {
        let row = w.enqueue(Side::Crm, id).await;
        w.engine.run(&row).await.unwrap();
        assert_eq!(w.row(&row).await.status, Status::Success);
    }
}
