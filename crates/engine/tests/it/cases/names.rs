//! Who bears which name.

use domain::customer::Field as F;
use domain::ports::Side;
use domain::store::Status;

use super::{End, company, ends, named, person};
use crate::world::{On, World};

const MOBILE: (F, &str) = (F::Mobile, "09123451237");

#[tokio::test]
async fn case_5_a_company_is_called_without_its_legal_form() {
    let parts = [(F::Phone, "021-88451236"), (F::Email, "info@pars.ir")];
    let company = |name| company(&[&[(F::Name, name)], &parts[..]].concat());
    let crm = [company("شرکت پارس")];
    for name in ["پارس (سهامی خاص)", "پارس س.خ", "پارس (مسئولیت محدود)"] {
        ends("5", &crm, &[company(name)], End::Linked).await;
    }
}

#[tokio::test]
async fn case_32_two_sisters_are_two_customers() {
    let home = [MOBILE, (F::Phone, "02188451236"), (F::PostalCode, "1437685241")];
    let sister = |name| person(&[&[(F::Name, name)], &home[..]].concat());
    ends(
        "32",
        &[sister("سارینا حریریان")],
        &[sister("الینا حریریان")],
        End::Two,
    )
    .await;
    ends(
        "32, brothers",
        &[sister("پرویز کاظمی")],
        &[sister("حمید کاظمی")],
        End::Two,
    )
    .await;
}

#[tokio::test]
async fn case_33_a_family_name_alone_is_no_name() {
    let with = |name| person(&[(F::Name, name), MOBILE, (F::Address, "تهران، خیابان زند، پلاک ۱۲")]);
    ends("33", &[with("جلالی")], &[with("آیناز جلالی")], End::Doubt).await;
    ends(
        "33, a first name",
        &[with("آیناز جلالی")],
        &[with("آیناز")],
        End::Doubt,
    )
    .await;
}

#[tokio::test]
async fn case_36_one_name_in_its_ways_of_writing() {
    let ways = [
        "محمد مهدی رضایی نژاد",
        "محمدمهدی رضایی‌نژاد",
        "رضائي نژاد محمدمهدي",
        "محمدمهدي رضائي نژاد",
    ];
    for one in ways {
        for other in ways {
            let with = |name| person(&[(F::Name, name), MOBILE]);
            ends("36", &[with(one)], &[with(other)], End::Linked).await;
        }
    }
}

#[tokio::test]
async fn case_37_a_common_name_alone_says_nothing_and_a_rare_one_asks() {
    let ali = named("علی رضایی");
    let one = std::slice::from_ref(&ali);
    ends("37", one, one, End::Doubt).await;
    let many = [ali.clone(), ali.clone(), ali.clone(), ali.clone()];
    ends("37, three others", one, &many, End::Two).await;
}

#[tokio::test]
async fn case_41_branches_of_one_company() {
    let branch = |n: usize, phone: Option<usize>| {
        let (name, phone) = (
            format!("شرکت نور (شعبه {n})"),
            phone.map(|p| format!("02188{p:06}")),
        );
        let id = (F::NationalId, "14003778965");
        let values = [
            (F::Name, name.as_str()),
            id,
            (F::Phone, phone.as_deref().unwrap_or_default()),
        ];
        company(&values)
    };
    let head = company(&[(F::Name, "شرکت نور"), (F::NationalId, "14003778965")]);
    ends("41", &[branch(2, None)], &[branch(3, None)], End::Doubt).await;
    ends("41, the company itself", &[branch(2, None)], &[head], End::Doubt).await;
    let phone = |n: usize| Some(451_239 + n * 1_357);
    let all: Vec<_> = (2..42).map(|n| branch(n, phone(n))).collect();
    ends("41, forty", &all, &all, End::Linked).await;
}

#[tokio::test]
async fn case_42_what_stands_in_a_name_tells_its_bearers_apart() {
    let with = |name| person(&[(F::Name, name), MOBILE, (F::Phone, "02188451236")]);
    for (one, other) in [
        ("ورثه مرحوم علی احمدی", "علی احمدی"),
        ("علی احمدی فرزند حسن", "علی احمدی فرزند حسین"),
        ("علی احمدی (شیراز)", "علی احمدی (تبریز)"),
    ] {
        ends("42", &[with(one)], &[with(other)], End::Doubt).await;
    }
    let office = |name| company(&[(F::Name, name), MOBILE, (F::Phone, "02188451236")]);
    ends(
        "42",
        &[office("شرکت پارس")],
        &[office("فروشگاه پارس")],
        End::Doubt,
    )
    .await;
}

#[tokio::test]
async fn case_45_who_is_called_otherwise_than_his_papers_say_is_asked_about() {
    let with = |name| person(&[(F::Name, name), MOBILE]);
    for (one, other) in [
        ("محمدرضا کریمی", "رضا کریمی"),
        ("Ali Rezaei", "علی رضایی"),
        ("ع. رضایی", "علی رضایی"),
    ] {
        ends("45", &[with(one)], &[with(other)], End::Doubt).await;
    }
}

#[tokio::test]
async fn case_46_names_of_nobody_are_skipped_and_it_is_said() {
    for name in ["مشتری متفرقه", "نقدی", "مصرف‌کننده نهایی", "مشتري نقدي", "تست"]
    {
        for side in Side::BOTH {
            let w = World::new(On::Memory).await;
            let system = if side == Side::Crm { &w.crm } else { &w.finance };
            let id = system.add(person(&[(F::Name, name), MOBILE]));
            assert_eq!(w.sync(side, &id).await, Status::Skipped, "{name}");
            let row = w.rows().await.pop().unwrap();
            assert_eq!(row.error_code.as_deref(), Some("name_of_nobody"), "{name}");
            assert_eq!(w.crm.ids().len() + w.finance.ids().len(), 1);
            assert!(w.links().await.is_empty());
        }
    }
}
