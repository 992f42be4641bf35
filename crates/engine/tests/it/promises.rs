//! The engine's promises, one by one, on in-memory systems: with the store in memory and on a real database.

use std::time::Duration;

use domain::customer::Field;
use domain::ports::{PortError, Side};
use domain::store::{Claim, EntityRef, EntityType, Status};
use engine::Ran;

use crate::world::{Fault, On, World, intended, person};

const LEASE: Duration = Duration::from_secs(60);

/// Each promise is kept whatever the store is.
macro_rules! promises {
    ($($promise:ident)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(&super::World::new(super::On::Memory).await).await;
            })*
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $promise() {
                let world = super::World::new(super::On::Sqlite).await;
                super::$promise(&world).await;
                world.drop_it().await;
            })*
        }
    };
}

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
    a_create_whose_answer_was_lost_is_found_not_repeated
    a_create_that_never_happened_is_sent_again_only_after_its_time
    a_lost_create_without_keys_waits_for_a_human
    transient_errors_are_tried_again_and_then_given_up
    a_system_that_is_down_uses_up_no_try
    a_system_is_given_the_time_that_it_asks_for
    a_write_that_was_lost_in_an_outage_uses_up_no_try
    a_refusal_fails_at_once_in_the_targets_own_words
    what_one_side_refuses_does_not_keep_the_other_from_its_news
    an_update_whose_answer_was_lost_is_known_as_ours_and_explained
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
        .add(person("علی کریمی", "09121234567").with(Field::CustomerNumber, "100-7"));
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
    let id = w.crm.add(person("علی", "09121234567"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Email, "a@b.ir");
    w.finance.edit("1", Field::Address, "تهران، خیابان آزادی");
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.finance.get("1", Field::Email), "a@b.ir");
    assert_eq!(w.crm.get(&id, Field::Address), "تهران، خیابان آزادی");
    assert_eq!(w.finance.get("1", Field::Address), "تهران، خیابان آزادی");
}

async fn a_settled_conflict_keeps_the_loser_in_the_audit_row(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
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
        .add(person("علی", "09121234567").with(Field::CustomerNumber, "100-7"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Name, "رضا");
    w.sync(Side::Crm, &id).await;
    assert_eq!(w.finance.get("1", Field::CustomerNumber), "100-7");
}

async fn lossy_values_do_not_ping_pong_and_the_richer_side_keeps_its_own(w: &World) {
    let long = "شرکت بازرگانی|پارسیان\nو پسران بسیار محترم";
    let id = w.crm.add(person(long, "09121234567"));
    w.sync(Side::Crm, &id).await;
    let saves = (w.crm.saves(), w.finance.saves());
    for _ in 0..10 {
        w.sync(Side::Crm, &id).await;
        w.sync(Side::Finance, "1").await;
    }
    assert_eq!((w.crm.saves(), w.finance.saves()), saves);
    assert_eq!(w.crm.get(&id, Field::Name), long);
}

async fn a_create_whose_answer_was_lost_is_found_not_repeated(w: &World) {
    let id = w
        .crm
        .add(person("علی", "09121234567").with(Field::NationalId, "0012345679"));
    w.finance.fail(Fault::LostAnswer);
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.finance.ids(), ["1"]);
    assert_eq!(w.crm.get(&id, Field::FinanceCode), "1");
}

async fn a_create_that_never_happened_is_sent_again_only_after_its_time(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
    w.finance
        .fail(Fault::Before(PortError::unknown("connection broken")));
    let before = w.clock.clone();
    let start = domain::clock::Clock::now(&*before);
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert!(domain::clock::Clock::now(&*w.clock) - start >= chrono::Duration::seconds(120));
    assert_eq!(w.finance.ids().len(), 1);
}

async fn a_lost_create_without_keys_waits_for_a_human(w: &World) {
    let id = w
        .crm
        .add(domain::customer::Customer::new(domain::customer::Kind::Person).with(Field::Name, "علی"));
    w.finance.fail(Fault::LostAnswer);
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
    assert_eq!(
        w.sync(Side::Crm, &id).await,
        Status::Conflict,
        "a later event looks again and does not create"
    );
    assert_eq!(w.finance.ids(), ["1"]);
    let open = w
        .rows()
        .await
        .into_iter()
        .filter(|r| r.status == Status::Conflict)
        .count();
    assert_eq!(open, 1, "one open conflict per entity");
}

async fn transient_errors_are_tried_again_and_then_given_up(w: &World) {
    let down = || {
        Fault::Before(PortError::Transient {
            message: "503".into(),
            retry_after: None,
        })
    };
    let id = w.crm.add(person("علی", "09121234567"));
    for _ in 0..3 {
        w.finance.fail(down());
    }
    assert_eq!(
        w.sync(Side::Crm, &id).await,
        Status::Success,
        "three retries are allowed"
    );
    let other = w.crm.add(person("رضا", "09121234568"));
    for _ in 0..4 {
        w.finance.fail(down());
    }
    assert_eq!(w.sync(Side::Crm, &other).await, Status::Failed);
}

async fn a_refusal_fails_at_once_in_the_targets_own_words(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
    w.finance.fail(Fault::Before(PortError::Refused(
        "شماره تلفن نمی تواند تکراری باشد.".into(),
    )));
    let ring = w.enqueue(Side::Crm, &id).await;
    w.engine.run(&ring).await.unwrap();
    let row = w.row(&ring).await;
    assert_eq!(row.status, Status::Failed);
    assert!(
        row.error_message
            .unwrap()
            .contains("شماره تلفن نمی تواند تکراری باشد.")
    );
    assert_eq!(row.error_class.as_deref(), Some("refused"));
}

async fn what_one_side_refuses_does_not_keep_the_other_from_its_news(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Phone, "02188776655");
    w.finance.edit("1", Field::Name, "علی رضایی");
    w.finance
        .fail(Fault::Before(PortError::Refused("تکراری است".into())));
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Failed);
    assert_eq!(w.crm.get(&id, Field::Name), "علی رضایی");
    assert_eq!(w.finance.get("1", Field::Phone), "");
    let rows = w.rows().await;
    let carried = rows.iter().find(|row| row.source_system == "FINANCE");
    assert_eq!(carried.map(|row| row.status), Some(Status::Success), "explained");
    // The next look has only to send what was refused.
    let saves = w.crm.saves();
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.finance.get("1", Field::Phone), "02188776655");
    assert_eq!(w.crm.saves(), saves);
}

async fn an_update_whose_answer_was_lost_is_known_as_ours_and_explained(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Name, "رضا");
    w.finance.fail(Fault::LostAnswer);
    let ring = w.enqueue(Side::Crm, &id).await;
    let Ran::Ended {
        next: Some((next, wait)),
        ..
    } = w.engine.run(&ring).await.unwrap()
    else {
        panic!()
    };
    // Meanwhile the user takes it back: finance's «رضا» must not be taken for an edit of the accountant's.
    w.crm.edit(&id, Field::Name, "علی");
    w.clock.turn(wait);
    w.engine.run(&next).await.unwrap();
    assert_eq!(w.finance.get("1", Field::Name), "علی");
    assert_eq!(w.crm.get(&id, Field::Name), "علی");
}

async fn a_system_that_is_down_uses_up_no_try(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
    let down = |seconds| {
        Fault::Before(PortError::Unavailable {
            message: "finance does not answer".into(),
            retry_after: Duration::from_secs(seconds),
        })
    };
    let ring = w.enqueue(Side::Crm, &id).await;
    for _ in 0..10 {
        w.finance.fail(down(3));
        let Ran::Ended {
            outcome,
            next: Some((_, wait)),
            ..
        } = w.engine.run(&ring).await.unwrap()
        else {
            panic!()
        };
        assert_eq!(
            (outcome.status, outcome.error_class),
            (Status::Pending, Some("unavailable"))
        );
        let wait = wait.as_secs_f64();
        assert!((2.9..=6.1).contains(&wait), "spread over as long again: {wait}");
        w.clock.turn(Duration::from_secs(7));
    }
    assert_eq!(w.rows().await[0].retry_count, 0, "ten refusals, no try used up");
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!((w.finance.ids().len(), w.finance.saves()), (1, 1));

    // Known to be down: not even a statement is spent.
    w.finance.refuse(true);
    w.crm.edit(&id, Field::Name, "رضا");
    let ring = w.enqueue(Side::Crm, &id).await;
    let before = w.crm.calls();
    assert_eq!(
        w.engine.run(&ring).await.unwrap(),
        Ran::Unavailable(Side::Finance)
    );
    assert_eq!(w.crm.calls(), before);
    w.finance.refuse(false);
    w.engine.run(&ring).await.unwrap();
    assert_eq!(w.finance.get("1", Field::Name), "رضا");
}

async fn an_edit_between_save_and_read_back_is_carried_on(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Name, "رضا");
    w.finance
        .fail(Fault::EditAfter(Field::Email, "new@finance.ir".into()));
    w.sync(Side::Crm, &id).await;
    assert_eq!(w.crm.get(&id, Field::Email), "new@finance.ir");
    assert_eq!(w.finance.get("1", Field::Name), "رضا");
}

async fn a_finance_contact_reaches_the_crm_and_a_match_is_linked(w: &World) {
    let code = w.finance.add(person("مینا", "09127654321"));
    assert_eq!(w.sync(Side::Finance, &code).await, Status::Success);
    let id = w.crm.ids()[0].clone();
    assert_eq!(w.crm.get(&id, Field::CustomerNumber), format!("100-{code}"));
    assert_eq!(w.crm.get(&id, Field::FinanceCode), code);
    let there = w
        .finance
        .add(person("سارا", "09120000001").with(Field::NationalId, "0012345679"));
    let here = w
        .crm
        .add(person("سارا احمدی", "09120000001").with(Field::NationalId, "۰۰۱۲۳۴۵۶۷۹"));
    assert_eq!(w.sync(Side::Crm, &here).await, Status::Success);
    assert_eq!(w.finance.ids().len(), 2, "linked, not created");
    assert_eq!(w.finance.get(&there, Field::Name), "سارا احمدی");
}

async fn a_deleted_record_closes_the_mapping_and_nothing_is_deleted_or_made_again(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
    w.sync(Side::Crm, &id).await;
    w.crm.delete(&id);
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Skipped);
    w.finance.edit("1", Field::Name, "رضا");
    assert_eq!(w.sync(Side::Finance, "1").await, Status::Skipped);
    assert_eq!((w.crm.ids().len(), w.finance.ids().len()), (0, 1));
    assert_eq!(w.sync(Side::Crm, "no-such-id").await, Status::Skipped);
}

async fn a_run_that_lost_its_lease_commits_nothing(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
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
    let id = w.crm.add(person("علی", "09121234567"));
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
    let id = w.crm.add(person("علی", "09121234567"));
    w.sync(Side::Crm, &id).await;
    for turn in 0..10 {
        let email = ["a@b.ir", "c@d.ir"][turn % 2];
        w.crm.edit(&id, Field::Email, email);
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
        assert_eq!(w.finance.get("1", Field::Email), email);
    }
}

async fn calls_stay_within_budget(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
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
    let id = w.crm.add(person("علی", "09121234567"));
    assert_eq!(w.sync_by(&engine, Side::Crm, &id).await, Status::Skipped);
    assert!(w.finance.ids().is_empty());
    let code = w.finance.add(person("مینا", "09127654321"));
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
        .add(person("علی", "09121234567").with(Field::CustomerNumber, "100-7"));
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
    let national = |name: &str| person(name, "09121234567").with(Field::NationalId, "0012345679");
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
    let id = w.crm.add(person("علی", "09121234567"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Name, "علی رضایی");
    // It never arrived; finance's «علی» is not «علی رضایی», cut to a length.
    w.finance.fail(Fault::Before(PortError::unknown("broken")));
    w.sync(Side::Crm, &id).await;
    assert_eq!(w.finance.get("1", Field::Name), "علی رضایی");
}

async fn twins_of_one_customer_are_not_created_twice_at_once(w: &World) {
    let national = |name: &str| person(name, "09121234567").with(Field::NationalId, "0012345679");
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
    let code = w.finance.add(person("شرکت آریا پارس", "09121234567"));
    let id = w.crm.add(person("شرکت آریا|پارس", "09121234567"));
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.finance.ids(), [code]);
}

async fn a_system_is_given_the_time_that_it_asks_for(w: &World) {
    let asks = |seconds| Some(Duration::from_secs(seconds));
    let overloaded = |seconds| PortError::Transient {
        message: "429".into(),
        retry_after: asks(seconds),
    };
    let unknown = |seconds| PortError::UnknownOutcome {
        message: "503".into(),
        retry_after: asks(seconds),
        down: false,
    };
    let down = |seconds| PortError::Unavailable {
        message: "503".into(),
        retry_after: Duration::from_secs(seconds),
    };
    for (mobile, error, least, most) in [
        ("09121234567", overloaded(600), 599, 601),
        ("09121234568", unknown(600), 599, 601),
        ("09121234569", overloaded(u64::MAX), 3599, 3601),
        ("09121234560", unknown(u64::MAX), 3599, 3601),
        ("09121234561", down(u64::MAX), 3599, 3601),
    ] {
        let id = w.crm.add(person(mobile, mobile));
        w.finance.fail(Fault::Before(error.clone()));
        let ring = w.enqueue(Side::Crm, &id).await;
        let asked = w.engine.clock.now();
        w.engine.run(&ring).await.unwrap();
        let retries = w.retries().await;
        let retry = retries
            .iter()
            .find(|retry| retry.sync_log_id == ring.row)
            .unwrap();
        let wait = (retry.next_retry_at - asked).num_seconds();
        assert!((least..=most).contains(&wait), "{error:?}: {wait} s");
    }
}

async fn a_write_that_was_lost_in_an_outage_uses_up_no_try(w: &World) {
    let id = w.crm.add(person("علی", "09121234567"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Name, "رضا");
    let ring = w.enqueue(Side::Crm, &id).await;
    for _ in 0..10 {
        w.finance.fail(Fault::Before(PortError::UnknownOutcome {
            message: "503".into(),
            retry_after: Some(Duration::from_secs(2)),
            down: true,
        }));
        w.engine.run(&ring).await.unwrap();
        let row = w.row(&ring).await;
        let class = row.error_class.as_deref();
        assert_eq!(
            (row.status, class, row.retry_count),
            (Status::Pending, Some("unknown_outcome"), 0)
        );
        let sent = w.links().await[0].in_flight.is_some();
        assert!(sent, "what may have arrived stays written down");
        w.clock.turn(Duration::from_secs(5));
    }
    w.sync(Side::Crm, &id).await;
    assert!(matches!(
        w.row(&ring).await.status,
        Status::Success | Status::Skipped
    ));
    assert_eq!(w.finance.get("1", Field::Name), "رضا");
}
