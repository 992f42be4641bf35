//! What the engine promises when something fails: with the store in memory and on a real database.

use std::time::Duration;

use domain::customer::Field;
use domain::ports::{PortError, Ring, Side};
use domain::store::Status;
use engine::Ran;

use crate::world::{Fault, World, person};

promises! {
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
    what_a_lost_save_left_in_a_field_that_finance_does_not_show_is_put_right
}

async fn a_create_whose_answer_was_lost_is_found_not_repeated(w: &World) {
    let id = w
        .crm
        .add(person("علی", "09123450017").with(Field::NationalId, "0499370899"));
    w.finance.fail(Fault::LostAnswer);
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    assert_eq!(w.finance.ids(), ["1"]);
    assert_eq!(w.crm.get(&id, Field::FinanceCode), "1");
}

async fn a_create_that_never_happened_is_sent_again_only_after_its_time(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
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
    let id = w.crm.add(person("علی", "09123450017"));
    for _ in 0..3 {
        w.finance.fail(down());
    }
    assert_eq!(
        w.sync(Side::Crm, &id).await,
        Status::Success,
        "three retries are allowed"
    );
    let other = w.crm.add(person("رضا", "09123451268"));
    for _ in 0..4 {
        w.finance.fail(down());
    }
    assert_eq!(w.sync(Side::Crm, &other).await, Status::Failed);
}

async fn a_refusal_fails_at_once_in_the_targets_own_words(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
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
    let id = w.crm.add(person("علی", "09123450017"));
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

/// Hears of a customer of the CRM, runs once, and says what is to be run next, and when.
async fn run_once(w: &World, id: &str) -> (Ring, Duration) {
    let ring = w.enqueue(Side::Crm, id).await;
    match w.engine.run(&ring).await.unwrap() {
        Ran::Ended { next: Some(next), .. } => next,
        other => panic!("{other:?}"),
    }
}

async fn an_update_whose_answer_was_lost_is_known_as_ours_and_explained(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
    w.sync(Side::Crm, &id).await;
    w.crm.edit(&id, Field::Name, "رضا");
    w.finance.fail(Fault::LostAnswer);
    let (next, wait) = run_once(w, &id).await;
    // Meanwhile the user takes it back: finance's «رضا» must not be taken for an edit of the accountant's.
    w.crm.edit(&id, Field::Name, "علی");
    w.clock.turn(wait);
    w.engine.run(&next).await.unwrap();
    assert_eq!(w.finance.get("1", Field::Name), "علی");
    assert_eq!(w.crm.get(&id, Field::Name), "علی");
}

async fn what_a_lost_save_left_in_a_field_that_finance_does_not_show_is_put_right(w: &World) {
    for (landed, mobile, own) in [
        (true, "09123450017", "100-801"),
        (false, "09123450018", "100-803"),
    ] {
        let id = w.crm.add(person("علی", mobile).with(Field::CustomerNumber, own));
        w.sync(Side::Crm, &id).await;
        let code = w.crm.get(&id, Field::FinanceCode);
        w.crm.edit(&id, Field::CustomerNumber, "100-899");
        w.finance.fail(match landed {
            true => Fault::LostAnswer,
            false => Fault::Before(PortError::unknown("connection broken")),
        });
        let (next, wait) = run_once(w, &id).await;
        // What finance was last known to hold is what the CRM says again; what it holds now, nobody can see.
        w.crm.edit(&id, Field::CustomerNumber, own);
        w.clock.turn(wait);
        w.follow(&w.engine, next).await;
        assert_eq!(w.finance.get(&code, Field::CustomerNumber), own, "{landed}");
        let saves = w.finance.saves();
        w.sync(Side::Crm, &id).await;
        assert_eq!(w.finance.saves(), saves, "it is known again");
    }
}

async fn a_system_that_is_down_uses_up_no_try(w: &World) {
    let id = w.crm.add(person("علی", "09123450017"));
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
        ("09123450017", overloaded(600), 599, 601),
        ("09123451268", unknown(600), 599, 601),
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
    let id = w.crm.add(person("علی", "09123450017"));
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
