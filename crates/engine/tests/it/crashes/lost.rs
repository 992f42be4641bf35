//! Customers: answers that are lost, refusals, conflicts and rulings.

use domain::customer::{Customer, Field};
use domain::merge::ConflictStrategy;
use domain::ports::{PortError, Side};
use domain::store::{EntityRef, EntityType};

use super::play::Play;
use super::ports::Mood;
use super::scenarios;
use crate::world::{Fault, person};

scenarios! {
    an_update_whose_answer_is_lost
    an_update_that_never_arrives
    an_update_that_lands_late
    a_create_whose_answer_is_lost
    a_create_that_never_happens
    a_create_that_lands_late
    refused_on_one_side
    a_second_record_is_answered
    altered_on_read_back
    edited_between_save_and_look
    the_same_field_and_the_last_write_wins
    the_same_field_and_the_crm_has_priority
    the_same_field_and_finance_has_priority
    the_same_field_held_and_then_kept
    a_ruling_that_is_tried_again
    ;
    on_postgres:
    an_update_whose_answer_is_lost
    a_create_whose_answer_is_lost
    the_same_field_held_and_then_kept
}

fn ali() -> Customer {
    person("علی کریمی", "09123450017").with(Field::Email, "old@b.ir")
}

async fn an_update_whose_answer_is_lost(p: &mut Play) {
    let (crm, finance) = p.pair(ali()).await;
    p.begins();
    p.w.finance.fail(Fault::LostAnswer);
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.edits(Side::Finance, &finance, Field::Address, "تهران").await;
    p.quiet().await;
}

async fn an_update_that_never_arrives(p: &mut Play) {
    let (crm, finance) = p.pair(ali()).await;
    p.begins();
    p.w.finance.fail(Fault::Before(PortError::unknown("broken")));
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.edits(Side::Finance, &finance, Field::Address, "تهران").await;
    p.quiet().await;
}

async fn an_update_that_lands_late(p: &mut Play) {
    let (crm, finance) = p.pair(ali()).await;
    p.begins();
    p.mood(Side::Finance, Mood::NextIsLate);
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.quiet().await;
    p.edits(Side::Finance, &finance, Field::Address, "تهران").await;
    p.quiet().await;
}

async fn a_create_whose_answer_is_lost(p: &mut Play) {
    let crm = p.w.crm.add(ali());
    p.begins();
    p.w.finance.fail(Fault::LostAnswer);
    p.syncs(Side::Crm, &crm).await;
}

async fn a_create_that_never_happens(p: &mut Play) {
    let crm = p.w.crm.add(ali());
    p.begins();
    p.w.finance.fail(Fault::Before(PortError::unknown("broken")));
    p.syncs(Side::Crm, &crm).await;
}

async fn a_create_that_lands_late(p: &mut Play) {
    let finance = p.w.finance.add(ali());
    p.begins();
    p.mood(Side::Crm, Mood::NextIsLate);
    p.syncs(Side::Finance, &finance).await;
}

async fn refused_on_one_side(p: &mut Play) {
    let (crm, finance) = p.pair(ali()).await;
    p.begins();
    let said = PortError::Refused("شماره تلفن نمی تواند تکراری باشد.".to_owned());
    p.mood(Side::Finance, Mood::Fails(said));
    p.edits(Side::Crm, &crm, Field::Mobile, "09120000000").await;
    p.edits(Side::Finance, &finance, Field::Address, "تهران").await;
    p.quiet().await;
}

/// If the answer is never read, nobody knows of the second record, and a third one is made; whoever looks again says in
/// other words that a second one stands.
async fn a_second_record_is_answered(p: &mut Play) {
    p.forgives = |what| {
        let unread = [
            "in transit finance.update",
            "landed finance.update",
            "before intend",
        ];
        let unread = unread.iter().any(|at| what.contains(at));
        what.contains("was answered with") || (unread && what.contains("records: with "))
    };
    let (crm, finance) = p.pair(ali()).await;
    p.begins();
    p.mood(Side::Finance, Mood::MakesSecond);
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.edits(Side::Finance, &finance, Field::Address, "تهران").await;
    p.quiet().await;
}

async fn altered_on_read_back(p: &mut Play) {
    let (crm, _) = p.pair(ali()).await;
    p.begins();
    p.mood(Side::Finance, Mood::Alters(Field::Email, "something.else"));
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.quiet().await;
}

/// What a save in transit writes over is lost if the run that saw it is killed, too, before it has said so anywhere.
async fn edited_between_save_and_look(p: &mut Play) {
    p.forgives = |what| {
        let seen_by_nobody = what.starts_with("killed in transit finance.update and after finance.read");
        seen_by_nobody && (what.contains("address") || what.contains("records: with "))
    };
    let (crm, _) = p.pair(ali()).await;
    p.begins();
    p.w.finance
        .fail(Fault::EditAfter(Field::Address, "تهران".to_owned()));
    p.edits(Side::Crm, &crm, Field::Email, "new@b.ir").await;
    p.quiet().await;
}

/// Both sides have changed the e-mail, finance later.
async fn same_field(p: &mut Play) -> (String, String) {
    let (crm, finance) = p.pair(ali()).await;
    p.begins();
    p.edits(Side::Crm, &crm, Field::Email, "crm@b.ir").await;
    p.wait(10);
    p.edits(Side::Finance, &finance, Field::Email, "finance@b.ir")
        .await;
    p.wait(10);
    p.quiet().await;
    (crm, finance)
}

async fn the_same_field_and_the_last_write_wins(p: &mut Play) {
    same_field(p).await;
}

async fn the_same_field_and_the_crm_has_priority(p: &mut Play) {
    p.engine.config.policy.strategy = ConflictStrategy::CrmPriority;
    same_field(p).await;
}

async fn the_same_field_and_finance_has_priority(p: &mut Play) {
    p.engine.config.policy.strategy = ConflictStrategy::FinancePriority;
    same_field(p).await;
}

/// In doubt, an operator says that finance's is to stand.
async fn kept(p: &mut Play, fault: Option<Fault>) {
    p.engine.config.policy.strategy = ConflictStrategy::Manual;
    let (crm, _) = same_field(p).await;
    fault.into_iter().for_each(|fault| p.w.crm.fail(fault));
    let entity = EntityRef {
        entity_type: EntityType::Customer,
        side: Side::Crm,
        id: crm,
    };
    p.operator().keep(&entity, Side::Finance, None).await.unwrap();
    p.quiet().await;
}

async fn the_same_field_held_and_then_kept(p: &mut Play) {
    kept(p, None).await;
}

async fn a_ruling_that_is_tried_again(p: &mut Play) {
    let down = PortError::Transient {
        message: "503".to_owned(),
        retry_after: None,
    };
    kept(p, Some(Fault::Before(down))).await;
}
