//! Customers: first meetings, updates, deletions.

use domain::customer::Field;
use domain::ports::Side;
use domain::store::Status;

use super::play::Play;
use super::scenarios;
use crate::world::person;

scenarios! {
    a_new_customer_from_the_crm
    a_new_contact_from_finance
    a_match_that_the_crm_tells_of
    a_match_that_finance_tells_of
    both_ends_of_one_pair_at_once
    twins
    an_update_from_the_crm
    an_update_from_finance
    both_sides_in_different_fields
    ten_rows_of_one_entity
    a_value_that_finance_cannot_hold
    a_value_that_goes_back_and_forth
    deleted_in_the_crm_and_ignored
    deleted_in_finance_and_ignored
    deleted_in_the_crm_and_deactivated
    a_direction_that_is_off
    linked_by_hand
    ;
    on_postgres:
    a_new_customer_from_the_crm
    a_match_that_finance_tells_of
    both_ends_of_one_pair_at_once
    twins
    ten_rows_of_one_entity
}

fn whole() -> domain::customer::Customer {
    person("علی کریمی", "09123450017")
        .with(Field::NationalId, "0499370899")
        .with(Field::Email, "old@b.ir")
        .with(Field::CustomerNumber, "100-7")
}

async fn a_new_customer_from_the_crm(p: &mut Play) {
    let id = p.w.crm.add(whole());
    p.begins();
    p.syncs(Side::Crm, &id).await;
}

async fn a_new_contact_from_finance(p: &mut Play) {
    let code = p.w.finance.add(whole());
    p.begins();
    p.syncs(Side::Finance, &code).await;
}

/// The same customer on both sides, each with something that the other lacks.
fn strangers(p: &Play) -> (String, String) {
    let crm = p.w.crm.add(whole().with(Field::Address, "تهران"));
    let there = person("علی کریمی", "09123450017").with(Field::NationalId, "0499370899");
    (crm, p.w.finance.add(there.with(Field::Phone, "02188776655")))
}

async fn a_match_that_the_crm_tells_of(p: &mut Play) {
    let (crm, _) = strangers(p);
    p.begins();
    p.syncs(Side::Crm, &crm).await;
}

async fn a_match_that_finance_tells_of(p: &mut Play) {
    let (_, finance) = strangers(p);
    p.begins();
    p.syncs(Side::Finance, &finance).await;
}

async fn both_ends_of_one_pair_at_once(p: &mut Play) {
    let (crm, finance) = strangers(p);
    p.begins();
    for (side, id) in p.in_either_order([(Side::Crm, crm), (Side::Finance, finance)]) {
        p.hears(side, &id).await;
    }
    p.quiet().await;
}

/// One of them is created, the other waits for a human.
async fn twins(p: &mut Play) {
    let two = [p.w.crm.add(whole()), p.w.crm.add(whole())];
    p.begins();
    for id in p.in_either_order(two) {
        p.hears(Side::Crm, &id).await;
    }
    p.quiet().await;
}

pub async fn an_update_from_the_crm(p: &mut Play) {
    let (crm, _) = p.pair(whole()).await;
    p.begins();
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.quiet().await;
}

async fn an_update_from_finance(p: &mut Play) {
    let (_, finance) = p.pair(whole()).await;
    p.begins();
    p.edits(Side::Finance, &finance, Field::Email, "new@b.ir").await;
    p.quiet().await;
}

async fn both_sides_in_different_fields(p: &mut Play) {
    let (crm, finance) = p.pair(whole()).await;
    p.begins();
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.edits(Side::Finance, &finance, Field::Address, "تهران").await;
    p.quiet().await;
}

async fn ten_rows_of_one_entity(p: &mut Play) {
    let (crm, finance) = p.pair(whole()).await;
    p.begins();
    for n in 0..5 {
        p.edits(Side::Crm, &crm, Field::Email, &format!("{n}@b.ir")).await;
        p.edits(Side::Finance, &finance, Field::Phone, &format!("0218877665{n}"))
            .await;
    }
    p.quiet().await;
}

async fn a_value_that_finance_cannot_hold(p: &mut Play) {
    let (crm, finance) = p.pair(whole()).await;
    p.begins();
    let long = "شرکت بازرگانی|پارسیان\nو پسران بسیار محترم";
    p.edits(Side::Crm, &crm, Field::Name, long).await;
    p.quiet().await;
    p.syncs(Side::Finance, &finance).await;
}

/// A save that was sent by a run that was killed is not counted among those that went back and forth: the field is held
/// some turns later, over another base.
async fn a_value_that_goes_back_and_forth(p: &mut Play) {
    p.forgives = |what| what.contains("what is known") && what.contains(": email ");
    let (crm, finance) = p.pair(whole()).await;
    p.begins();
    for _ in 0..6 {
        p.edits(Side::Crm, &crm, Field::Email, "a@b.ir").await;
        p.quiet().await;
        p.edits(Side::Finance, &finance, Field::Email, "c@d.ir").await;
        p.quiet().await;
    }
}

async fn deleted_in_the_crm_and_ignored(p: &mut Play) {
    let (crm, finance) = p.pair(whole()).await;
    p.begins();
    p.w.crm.delete(&crm);
    p.syncs(Side::Crm, &crm).await;
    p.edits(Side::Finance, &finance, Field::Email, "new@b.ir").await;
    p.quiet().await;
}

async fn deleted_in_finance_and_ignored(p: &mut Play) {
    let (crm, finance) = p.pair(whole()).await;
    p.begins();
    p.w.finance.delete(&finance);
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.quiet().await;
}

async fn deleted_in_the_crm_and_deactivated(p: &mut Play) {
    p.engine.config.deactivate = true;
    let (crm, finance) = p.pair(whole()).await;
    p.w.finance.edit(&finance, Field::Active, "1");
    p.syncs(Side::Finance, &finance).await;
    p.begins();
    p.w.crm.delete(&crm);
    p.syncs(Side::Crm, &crm).await;
}

async fn a_direction_that_is_off(p: &mut Play) {
    let (crm, finance) = p.pair(whole()).await;
    p.begins();
    p.engine.config.policy.to_finance = false;
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.edits(Side::Finance, &finance, Field::Address, "تهران").await;
    let other = p.w.crm.add(person("رضا رضایی", "09123451268"));
    p.hears(Side::Crm, &other).await;
    p.quiet().await;
    p.engine.config.policy.to_finance = true;
    p.hears(Side::Crm, &crm).await;
    p.hears(Side::Crm, &other).await;
    p.quiet().await;
}

async fn linked_by_hand(p: &mut Play) {
    let there = || person("علی کریمی", "09123450017");
    let crm = p.w.crm.add(there().with(Field::Email, "crm@b.ir"));
    let finance = p.w.finance.add(there().with(Field::Address, "تهران"));
    p.w.finance.add(there());
    p.begins();
    p.syncs(Side::Crm, &crm).await;
    let rows = p.w.rows().await.into_iter();
    assert_eq!(
        rows.filter(|row| row.status == Status::Conflict).count(),
        1,
        "in doubt"
    );
    p.syncs(Side::Finance, &finance).await;
    p.operator().link(&crm, &finance, None).await.unwrap();
    p.quiet().await;
}
