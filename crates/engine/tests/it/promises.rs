//! The engine's promises, one by one, on in-memory systems: with the store in memory and on a real database.

use std::time::Duration;

use domain::customer::Field;
use domain::ports::{PortError, Side};
use domain::store::{Claim, EntityRef, EntityType, Status};
use engine::Ran;

use crate::world::{Fault, LEASE, World, intended, person};

promises! {
    a_link_whose_run_was_killed_is_carried_on
    the_beginning_of_a_new_name_is_not_taken_for_it
    twins_of_one_customer_are_not_created_twice_at_once
    a_name_that_finance_writes_differently_is_still_the_same_customer
    a_new_customer_reaches_finance_once_and_its_code_comes_back
    edits_on_both_sides_of_different_fields_both_live
    a_settled_conflict_keeps_the_loser_in_the_audit_row
    unmapped_hidden_columns_survive_a_form_save
    lossy_values_do_not_ping_pong_and_the_richer_side_keeps_its_own
    an_edit_between_save_and_read_back_is_carried_on
    a_finance_contact_reaches_the_crm_and_a_match_is_linked
    a_deleted_record_closes_the_mapping_and_nothing_is_deleted_or_made_again
    a_run_that_lost_its_lease_commits_nothing
    a_value_that_keeps_coming_back_is_set_aside
    what_a_user_types_in_turns_is_carried_each_time
    calls_stay_within_budget
    nothing_is_created_in_a_direction_that_is_off
    a_customer_deleted_in_the_crm_is_set_inactive_when_the_policy_says_so
}

async fn a_new_customer_reaches_finance_once_and_its_code_comes_back(w: &World) {
    let id = w
        .crm
        .add(person("علی کریمی", "09123450017").with(Field::CustomerNumber, "100-7"));
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.finance.ids(), ["1"]);
    assert_eq!(w.finance.get("1", Field::Name), "علی کریمی");
    assert_eq!(w.finance.get("1", Field::CustomerNumber), "100-7");
    assert_eq!(w.crm.get(&id, Field::FinanceCode), "1");
    let (crm, finance) = (w.crm.saves(), w.finance.saves());
    for _ in 0..3 {
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Skipped);
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Skipped);
    }
    assert_eq!(
        (w.crm.saves(), w.finance.saves()),
        (crm, finance),
        "echoes write nothing"
    );
    let rows = w.rows().await;
    assert_eq!(rows[0].status, Status::Success);
    assert_eq!(rows[0].target_entity_id.as_deref(), Some("1"));
    assert!(rows[0].changes.as_ref().unwrap().to_string().contains("کریمی"));
}

async fn edits_on_both_sides_of_different_fields_both_live(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Email, "a@b.ir");
    w.finance.edit("1", Field::Address, "تهران، خیابان آزادی");
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.finance.get("1", Field::Email), "a@b.ir");
    assert_eq!(w.crm.get(&id, Field::Address), "تهران، خیابان آزادی");
    assert_eq!(w.finance.get("1", Field::Address), "تهران، خیابان آزادی");
}

async fn a_settled_conflict_keeps_the_loser_in_the_audit_row(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    w.clock.turn(Duration::from_secs(10));
    w.crm.edit(&id, Field::Name, "علی‌رضا از CRM");
    w.finance.edit("1", Field::Name, "علی از مالی");
    let ring = w.enqueue(Side::Crm, &id).await;
    w.engine.run(&ring).await.unwrap();
    assert_eq!(w.finance.get("1", Field::Name), "علی‌رضا از CRM");
    let row = w.row(&ring).await;
    assert_eq!(row.status, Status::Success);
    assert!(row.changes.unwrap().to_string().contains("علی از مالی"));
}

async fn unmapped_hidden_columns_survive_a_form_save(w: &World) {
    let id = w
        .crm
        .add(person("علی", "09123450017").with(Field::CustomerNumber, "100-7"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Name, "رضا");
    w.sync(Side::Crm, &id).await;
    assert_eq!(w.finance.get("1", Field::CustomerNumber), "100-7");
}

async fn lossy_values_do_not_ping_pong_and_the_richer_side_keeps_its_own(w: &World) {
    let long = "شرکت بازرگانی|پارسیان\nو پسران بسیار محترم";
    let id = w.crm.add(person(long, "09123450017"));
    w.sync(Side::Crm, &id).await;
    let saves = (w.crm.saves(), w.finance.saves());
    for _ in 0..10 {
        w.sync(Side::Crm, &id).await;
        w.sync(Side::Finance, "1").await;
    }
    assert_eq!((w.crm.saves(), w.finance.saves()), saves);
    assert_eq!(w.crm.get(&id, Field::Name), long);
}

async fn an_edit_between_save_and_read_back_is_carried_on(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Name, "رضا");
    w.finance
        .fail(Fault::EditAfter(Field::Email, "new@finance.ir".into()));
    w.sync(Side::Crm, &id).await;
    assert_eq!(w.crm.get(&id, Field::Email), "new@finance.ir");
    assert_eq!(w.finance.get("1", Field::Name), "رضا");
}

async fn a_finance_contact_reaches_the_crm_and_a_match_is_linked(w: &World) {
    let code = w.finance.add(person("مینا", "09127651327"));
    assert_eq!(w.sync(Side::Finance, &code).await, Status::Success);
    let id = w.crm.ids()[0].clone();
    assert_eq!(w.crm.get(&id, Field::CustomerNumber), format!("100-{code}"));
    assert_eq!(w.crm.get(&id, Field::FinanceCode), code);
    let there = w
        .finance
        .add(person("سارا", "09125550137").with(Field::NationalId, "0499370899"));
    let here = w
        .crm
        .add(person("سارا احمدی", "09125550137").with(Field::NationalId, "۰۴۹۹۳۷۰۸۹۹"));
    assert_eq!(w.sync(Side::Crm, &here).await, Status::Success);
    assert_eq!(w.finance.ids().len(), 2, "linked, not created");
    assert_eq!(w.finance.get(&there, Field::Name), "سارا احمدی");
}

async fn a_deleted_record_closes_the_mapping_and_nothing_is_deleted_or_made_again(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    w.crm.delete(&id);
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Skipped);
    w.finance.edit("1", Field::Name, "رضا");
    assert_eq!(w.sync(Side::Finance, "1").await, Status::Skipped);
    assert_eq!((w.crm.ids().len(), w.finance.ids().len()), (0, 1));
    assert_eq!(w.sync(Side::Crm, "no-such-id").await, Status::Skipped);
}

async fn a_run_that_lost_its_lease_commits_nothing(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    let ring = w.enqueue(Side::Crm, &id).await;
    let Claim::Taken(slow) = w
        .store
        .claim(ring.row, "slow", Duration::from_secs(60))
        .await
        .unwrap()
    else {
        panic!()
    };
    assert!(matches!(w.engine.run(&ring).await.unwrap(), Ran::Busy));
    w.clock.turn(Duration::from_secs(61));
    assert!(matches!(w.engine.run(&ring).await.unwrap(), Ran::Ended { .. }));
    let fenced = w
        .store
        .intend(
            &slow.lease,
            intended(&slow.link.in_flight),
            Duration::from_secs(60),
        )
        .await;
    assert!(matches!(fenced, Err(domain::store::StoreError::Fenced)));
    assert_eq!(w.row(&ring).await.lapses, 1);
}

async fn a_value_that_keeps_coming_back_is_set_aside(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    let mut last = Status::Success;
    for _ in 0..4 {
        w.crm.edit(&id, Field::Email, "a@b.ir");
        last = w.sync(Side::Crm, &id).await;
        if last == Status::Conflict {
            break;
        }
        w.finance.edit("1", Field::Email, "c@d.ir");
        last = w.sync(Side::Finance, "1").await;
    }
    assert_eq!(last, Status::Conflict);
    w.clock.turn(Duration::from_secs(700));
    assert_eq!(
        w.sync(Side::Crm, &id).await,
        Status::Success,
        "after ten minutes it is tried again"
    );
}

async fn what_a_user_types_in_turns_is_carried_each_time(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    for turn in 0..10 {
        let email = ["a@b.ir", "c@d.ir"][turn % 2];
        w.crm.edit(&id, Field::Email, email);
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
        assert_eq!(w.finance.get("1", Field::Email), email);
    }
}

async fn calls_stay_within_budget(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    let calls = || w.crm.calls() + w.finance.calls();
    let before = calls();
    w.sync(Side::Crm, &id).await;
    assert_eq!(calls() - before, 2, "nothing changed");
    w.crm.edit(&id, Field::Name, "رضا");
    let before = calls();
    w.sync(Side::Crm, &id).await;
    assert_eq!(calls() - before, 4, "one side written");
}

async fn nothing_is_created_in_a_direction_that_is_off(w: &World) {
    let mut engine = w.engine.clone();
    engine.config.policy.to_finance = false;
    let id = w.crm.add(person("علی", "09123450017"));
    assert_eq!(w.sync_by(&engine, Side::Crm, &id).await, Status::Skipped);
    assert!(w.finance.ids().is_empty());
    let code = w.finance.add(person("مینا", "09127651327"));
    assert_eq!(w.sync_by(&engine, Side::Finance, &code).await, Status::Success);
    assert_eq!(w.crm.ids().len(), 2);
    assert_eq!(
        w.sync(Side::Crm, &id).await,
        Status::Success,
        "once it is on, it is created"
    );
    assert_eq!(w.finance.ids().len(), 2);
}

async fn a_customer_deleted_in_the_crm_is_set_inactive_when_the_policy_says_so(w: &World) {
    let mut engine = w.engine.clone();
    engine.config.deactivate = true;
    let id = w
        .crm
        .add(person("علی", "09123450017").with(Field::CustomerNumber, "100-7"));
    w.sync(Side::Crm, &id).await;
    w.finance.edit("1", Field::Active, "1");
    w.crm.delete(&id);
    assert_eq!(w.sync_by(&engine, Side::Crm, &id).await, Status::Skipped);
    assert_eq!(w.finance.get("1", Field::Active), "0");
    assert_eq!(w.finance.get("1", Field::Name), "علی");
    assert_eq!(w.finance.get("1", Field::CustomerNumber), "100-7");
    let saves = w.finance.saves();
    assert_eq!(w.sync_by(&engine, Side::Crm, &id).await, Status::Skipped);
    assert_eq!(w.finance.saves(), saves, "once");
    // The accountant knows better.
    w.finance.edit("1", Field::Active, "1");
    assert_eq!(w.sync_by(&engine, Side::Finance, "1").await, Status::Skipped);
    assert_eq!(w.finance.get("1", Field::Active), "1");
    assert!(w.rows().await.iter().any(|row| {
        row.changes
            .as_ref()
            .is_some_and(|c| c.to_string().contains("deleted_in_crm"))
    }));
}

async fn a_link_whose_run_was_killed_is_carried_on(w: &World) {
    let national = |name: &str| person(name, "09123450017").with(Field::NationalId, "0499370899");
    let code = w.finance.add(national("علی").with(Field::Email, "a@b.ir"));
    let id = w.crm.add(national("علی").with(Field::Address, "تهران"));
    let ring = w.enqueue(Side::Crm, &id).await;
    let Claim::Taken(work) = w.store.claim(ring.row, "killed", LEASE).await.unwrap() else {
        panic!()
    };
    let there = EntityRef {
        entity_type: EntityType::Customer,
        side: Side::Finance,
        id: code.clone(),
    };
    w.store.link(&work.lease, &there).await.unwrap();
    w.clock.turn(LEASE + Duration::from_secs(1));
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.crm.get(&id, Field::Email), "a@b.ir");
    assert_eq!(w.finance.get(&code, Field::Address), "تهران");
}

async fn the_beginning_of_a_new_name_is_not_taken_for_it(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Name, "علی رضایی");
    // It never arrived; finance's «علی» is not «علی رضایی», cut to a length.
    w.finance.fail(Fault::Before(PortError::unknown("broken")));
    w.sync(Side::Crm, &id).await;
    assert_eq!(w.finance.get("1", Field::Name), "علی رضایی");
}

async fn twins_of_one_customer_are_not_created_twice_at_once(w: &World) {
    let national = |name: &str| person(name, "09123450017").with(Field::NationalId, "0499370899");
    let (one, two) = (w.crm.add(national("علی")), w.crm.add(national("علی رضایی")));
    // The first create was sent and never answered: the second must not be sent meanwhile.
    w.finance.fail(Fault::Before(PortError::unknown("broken")));
    let first = w.enqueue(Side::Crm, &one).await;
    w.engine.run(&first).await.unwrap();
    let second = w.enqueue(Side::Crm, &two).await;
    let Ran::Ended { outcome, .. } = w.engine.run(&second).await.unwrap() else {
        panic!()
    };
    assert_eq!(outcome.status, Status::Pending, "{outcome:?}");
    assert_eq!(w.sync(Side::Crm, &one).await, Status::Success);
    assert_eq!(w.sync(Side::Crm, &two).await, Status::Conflict);
    assert_eq!(w.finance.ids().len(), 1);
}

async fn a_name_that_finance_writes_differently_is_still_the_same_customer(w: &World) {
    let code = w.finance.add(person("شرکت آریا پارس", "09123450017"));
    let id = w.crm.add(person("شرکت آریا|پارس", "09123450017"));
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.finance.ids(), [code]);
}
