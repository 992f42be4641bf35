//! Ids and numbers as people type them.

use domain::customer::Field as F;
use domain::ports::Side;
use domain::store::Status;

use super::{End, ends, person};
use crate::world::{On, World};

const NAME: (F, &str) = (F::Name, "علی رضایی");

#[tokio::test]
async fn case_2_a_placeholder_is_no_national_id() {
    for id in ["0000000000", "1111111111", "ندارد", "-", "0", "1234567890"] {
        let with = |name| person(&[(F::Name, name), (F::NationalId, id)]);
        ends(id, &[with("علی رضایی")], &[with("مینا کریمی")], End::Two).await;
    }
}

#[tokio::test]
async fn case_3_a_reference_is_one_witness_among_others() {
    let shop = person(&[(F::Name, "مینا کریمی"), (F::Mobile, "09352221346")]);
    let old = [NAME, (F::Mobile, "09123451237"), (F::FinanceCode, "1")];
    ends("3", &[person(&old)], std::slice::from_ref(&shop), End::Two).await;
    let numbered = [NAME, (F::Mobile, "09123451237"), (F::CustomerNumber, "100-1")];
    ends("3, a customer number", &[person(&numbered)], &[shop], End::Two).await;
    let same = person(&[NAME, (F::Mobile, "09123451237")]);
    let stale = [NAME, (F::Mobile, "09123451237"), (F::FinanceCode, "77")];
    ends("3, a stale one", &[person(&stale)], &[same], End::Linked).await;
}

#[tokio::test]
async fn case_6_one_mobile_in_its_ways_of_writing_typed_long_ago_or_a_minute_ago() {
    let ways = [
        "۰۹۱۲ ۳۴۵ ۱۲۳۷",
        "0912-345-1237",
        "+98 912 345 1237",
        "00989123451237",
        "989123451237",
        "9123451237",
        "09123451237",
    ];
    for one in ways {
        let with = |mobile| person(&[NAME, (F::Mobile, mobile)]);
        ends(one, &[with(one)], &[with(ways[6])], End::Linked).await;
        ends(one, &[with(ways[1])], &[with(one)], End::Linked).await;
        // Nobody has looked yet: the system's own search finds it.
        let w = World::new(On::Memory).await;
        w.finance.add(with(one));
        let id = w.crm.add(with(ways[6]));
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
        assert_eq!(w.finance.ids(), ["1"], "{one}");
    }
}

#[tokio::test]
async fn case_21_one_national_id_in_its_ways_of_writing() {
    let with = |id| person(&[NAME, (F::NationalId, id)]);
    for id in ["049-937089-9", "۰۴۹۹۳۷۰۸۹۹", "499370899", "کد ملی: 0499370899"] {
        ends(id, &[with(id)], &[with("0499370899")], End::Linked).await;
    }
}

#[tokio::test]
async fn case_35_a_mobile_that_was_given_to_another() {
    let with = |name, id| person(&[(F::Name, name), (F::NationalId, id), (F::Mobile, "09123451237")]);
    ends(
        "35",
        &[with("علی رضایی", "0499370899")],
        &[with("مینا کریمی", "0084575948")],
        End::Two,
    )
    .await;
}

#[tokio::test]
async fn case_38_a_slip_in_a_national_id() {
    let with = |id| person(&[NAME, (F::NationalId, id)]);
    for slip in ["0493970899", "0499370898"] {
        ends(slip, &[with(slip)], &[with("0499370899")], End::Linked).await;
    }
}

#[tokio::test]
async fn case_44_a_phone_field_gives_all_its_numbers() {
    let mobiles = |field: &str| person(&[NAME, (F::Mobile, field)]);
    for field in [
        "09352221346 - 09123451237",
        "09123451237/09352221346",
        "09123451237 (منزل 02188451236)",
    ] {
        ends(field, &[mobiles(field)], &[mobiles("0912 345 1237")], End::Linked).await;
    }
    let phones = |field: &str| person(&[NAME, (F::Phone, field)]);
    for field in [
        "88451236-021",
        "021-88451236 الی 8",
        "02188451236 داخلی 12",
        "88451236",
    ] {
        ends(field, &[phones(field)], &[phones("021 8845 1236")], End::Linked).await;
    }
}
