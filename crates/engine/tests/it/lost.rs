//! Writes that land late, and records that wait for one another, on every kind of store.

use std::time::Duration;

use domain::customer::Field;
use domain::ports::{PortError, Ring, Side};
use domain::store::{Claim, EntityRef, EntityType, LinkState, Outcome, Status};
use engine::Ran;

use crate::world::{ALL, Fault, World, person};

fn down() -> Fault {
    Fault::Before(PortError::Transient {
        message: "503".into(),
        retry_after: None,
    })
}

/// Runs that row once.
async fn once(w: &World, ring: &Ring) -> (Outcome, Option<Ring>) {
    match w.engine.run(ring).await.unwrap() {
        Ran::Ended { outcome, next, .. } => (*outcome, next.map(|(ring, _)| ring)),
        other => panic!("{other:?}"),
    }
}

/// Hears of a record and runs it as often as it is to be tried again within some seconds.
async fn soon(w: &World, side: Side, id: &str) -> Outcome {
    let mut ring = w.enqueue(side, id).await;
    loop {
        let Ran::Ended { outcome, next, .. } = w.engine.run(&ring).await.unwrap() else {
            panic!("not run")
        };
        match next {
            Some((next, wait)) if wait < Duration::from_secs(20) => {
                w.clock.turn(wait);
                ring = next;
            }
            _ => return *outcome,
        }
    }
}

/// All that the audit rows say of fields.
async fn told(w: &World) -> String {
    let rows = w.rows().await.into_iter();
    rows.filter_map(|row| row.changes)
        .map(|changes| changes.to_string())
        .collect()
}

async fn open_conflicts(w: &World) -> Vec<String> {
    let rows = w.rows().await.into_iter();
    let open = rows.filter(|row| row.status == Status::Conflict);
    open.map(|row| row.error_message.unwrap_or_default()).collect()
}

#[tokio::test]
async fn an_edit_over_what_a_late_write_took_back_stands() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        assert_eq!(soon(&w, Side::Crm, &id).await.status, Status::Success);
        w.finance.edit("1", Field::Name, "رضا");
        w.crm.fail(Fault::LandsLate);
        let ring = w.enqueue(Side::Finance, "1").await;
        assert_eq!(once(&w, &ring).await.0.status, Status::Pending);
        w.crm.edit(&id, Field::Email, "first@b.ir");
        soon(&w, Side::Crm, &id).await;
        assert_eq!(w.finance.get("1", Field::Email), "first@b.ir");
        // It lands, with the e-mail that there was when it was sent: none. Nobody has typed that.
        w.crm.land();
        assert_eq!(w.crm.get(&id, Field::Email), "");
        w.crm.fail(down());
        let ring = w.enqueue(Side::Crm, &id).await;
        let (outcome, _) = once(&w, &ring).await;
        assert_eq!(outcome.error_class, Some("transient"), "seen, not yet put right");
        w.crm.edit(&id, Field::Email, "second@b.ir");
        soon(&w, Side::Crm, &id).await;
        for (system, id) in [(&w.crm, id.as_str()), (&w.finance, "1")] {
            assert_eq!(system.get(id, Field::Email), "second@b.ir", "{on:?}");
            assert_eq!(system.get(id, Field::Name), "رضا", "{on:?}");
        }
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_a_late_write_took_back_goes_there_again() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        soon(&w, Side::Crm, &id).await;
        w.finance.edit("1", Field::Name, "رضا");
        w.crm.fail(Fault::LandsLate);
        let ring = w.enqueue(Side::Finance, "1").await;
        once(&w, &ring).await;
        w.crm.edit(&id, Field::Email, "a@b.ir");
        // The name is sent again, and then a newer one: both were confirmed before the first lands.
        soon(&w, Side::Crm, &id).await;
        w.finance.edit("1", Field::Name, "رضا کریمی");
        soon(&w, Side::Finance, "1").await;
        assert_eq!(w.crm.get(&id, Field::Name), "رضا کریمی");
        w.crm.land();
        soon(&w, Side::Crm, &id).await;
        assert_eq!(w.crm.get(&id, Field::Name), "رضا کریمی", "{on:?}");
        assert_eq!(w.crm.get(&id, Field::Email), "a@b.ir", "{on:?}");
        assert_eq!(w.finance.get("1", Field::Name), "رضا کریمی", "{on:?}");
        let told = told(&w).await;
        assert!(told.contains("taken_back"), "{on:?}: {told}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn an_edit_over_an_update_whose_answer_was_lost_is_never_lost_silently() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w
            .crm
            .add(person("علی", "09123450017").with(Field::Email, "old@b.ir"));
        soon(&w, Side::Crm, &id).await;
        w.crm.edit(&id, Field::Email, "sent@b.ir");
        w.crm.edit(&id, Field::Name, "علی رضایی");
        w.finance.fail(Fault::LostAnswer);
        let ring = w.enqueue(Side::Crm, &id).await;
        once(&w, &ring).await;
        // The accountant sees what was sent, and types over one of the two; then the CRM's object becomes the later one
        // by another field.
        w.finance.edit("1", Field::Email, "later@b.ir");
        w.clock.turn(Duration::from_secs(5));
        w.crm.edit(&id, Field::Address, "تهران");
        soon(&w, Side::Crm, &id).await;
        for (system, id) in [(&w.crm, id.as_str()), (&w.finance, "1")] {
            assert_eq!(
                system.get(id, Field::Email),
                w.crm.get(&w.crm.ids()[0], Field::Email),
                "{on:?}"
            );
            assert_eq!(system.get(id, Field::Name), "علی رضایی", "{on:?}");
            assert_eq!(system.get(id, Field::Address), "تهران", "{on:?}");
        }
        let told = told(&w).await;
        // Whose was the later can't be known: it is a conflict, and both values are told.
        assert!(
            told.contains("later@b.ir") && told.contains("sent@b.ir"),
            "{told}"
        );
        w.drop_it().await;
    }
}

#[tokio::test]
async fn who_types_after_an_unanswered_update_is_in_step_or_told() {
    for (on, arrived) in ALL.into_iter().flat_map(|on| [(on, true), (on, false)]) {
        let w = World::new(on).await;
        let id = w
            .crm
            .add(person("علی", "09123450017").with(Field::Email, "old@b.ir"));
        soon(&w, Side::Crm, &id).await;
        w.crm.edit(&id, Field::Email, "sent@b.ir");
        w.finance.fail(if arrived {
            Fault::LostAnswer
        } else {
            Fault::Before(PortError::unknown("broken"))
        });
        let ring = w.enqueue(Side::Crm, &id).await;
        once(&w, &ring).await;
        w.finance.edit("1", Field::Email, "later@b.ir");
        w.clock.turn(Duration::from_secs(5));
        w.crm.edit(&id, Field::Address, "تهران");
        soon(&w, Side::Crm, &id).await;
        assert!(told(&w).await.contains("later@b.ir"), "{on:?} {arrived}");
        for (system, id) in [(&w.crm, id.as_str()), (&w.finance, "1")] {
            assert_eq!(
                system.get(id, Field::Email),
                w.crm.get(&w.crm.ids()[0], Field::Email),
                "{on:?} {arrived}"
            );
            assert_eq!(system.get(id, Field::Address), "تهران", "{on:?} {arrived}");
        }
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_word_that_is_the_beginning_of_what_was_sent_is_an_edit() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("رضا", "09123450017"));
        soon(&w, Side::Crm, &id).await;
        w.finance.edit("1", Field::Name, "علی رضایی");
        w.crm.fail(Fault::Before(PortError::unknown("broken")));
        let ring = w.enqueue(Side::Finance, "1").await;
        once(&w, &ring).await;
        // It never arrived. Whoever types «علی» there now has not been cut short by a column.
        w.crm.edit(&id, Field::Name, "علی");
        soon(&w, Side::Crm, &id).await;
        assert_eq!(
            w.crm.get(&id, Field::Name),
            w.finance.get("1", Field::Name),
            "{on:?}"
        );
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_both_held_is_known_also_when_a_later_write_fails() {
    for on in ALL {
        let w = World::new(on).await;
        let national = |name: &str| person(name, "09123450017").with(Field::NationalId, "0499370899");
        let code = w.finance.add(national("علی").with(Field::Email, "a@b.ir"));
        let id = w.crm.add(national("علی").with(Field::Address, "تهران"));
        // Linked; finance was to be written, and is down.
        w.finance.fail(down());
        let ring = w.enqueue(Side::Crm, &id).await;
        assert_eq!(once(&w, &ring).await.0.status, Status::Pending);
        w.finance.edit(&code, Field::NationalId, "");
        soon(&w, Side::Finance, &code).await;
        assert_eq!(
            w.crm.get(&id, Field::NationalId),
            "",
            "{on:?}: cleared by a human, not filled again"
        );
        assert_eq!(w.finance.get(&code, Field::NationalId), "");
        assert_eq!(w.crm.get(&id, Field::Email), "a@b.ir");
        assert_eq!(w.finance.get(&code, Field::Address), "تهران");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_half_waits_for_a_lost_create_as_long_as_it_takes() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.finance.fail(Fault::LostAnswer);
        let first = w.enqueue(Side::Crm, &id).await;
        assert_eq!(once(&w, &first).await.0.status, Status::Pending);
        // Finance tells of what was created, and the run that created it is held up for an hour.
        let mut echo = w.enqueue(Side::Finance, "1").await;
        for _ in 0..12 {
            let (outcome, next) = once(&w, &echo).await;
            assert_eq!(
                (outcome.status, outcome.error_class),
                (Status::Pending, Some("dependency"))
            );
            echo = next.unwrap();
            w.clock.turn(Duration::from_secs(300));
        }
        w.sync(Side::Crm, &id).await;
        w.sync(Side::Finance, "1").await;
        let open = w.rows().await.into_iter().filter(|row| !row.status.is_final());
        assert_eq!(
            open.map(|row| row.error_message).collect::<Vec<_>>(),
            [],
            "{on:?}"
        );
        assert_eq!(w.row(&echo).await.status, Status::Skipped);
        assert_eq!(
            (w.links().await.len(), w.finance.ids().len(), w.crm.ids().len()),
            (1, 1, 1)
        );
        w.drop_it().await;
    }
}

#[tokio::test]
async fn an_edit_of_what_a_lost_create_has_made_stands() {
    for (on, killed) in ALL.into_iter().flat_map(|on| [(on, false), (on, true)]) {
        let w = World::new(on).await;
        let whole = person("علی", "09123450017")
            .with(Field::NationalId, "0499370899")
            .with(Field::Website, "old.ir")
            .with(Field::Address, "تهران");
        let id = w.crm.add(whole);
        w.finance.fail(Fault::LostAnswer);
        let ring = w.enqueue(Side::Crm, &id).await;
        once(&w, &ring).await;
        // The accountant edits one field and clears another; then another one is edited in the CRM, which makes the
        // whole object the later one there.
        w.finance.edit("1", Field::Website, "new.ir");
        w.finance.edit("1", Field::Address, "");
        w.clock.turn(Duration::from_secs(5));
        w.crm.edit(&id, Field::Email, "a@b.ir");
        if killed {
            // The run that meets it dies between link and commit.
            let lease = Duration::from_secs(60);
            let Claim::Taken(work) = w.store.claim(ring.row, "killed", lease).await.unwrap() else {
                panic!()
            };
            let there = EntityRef {
                entity_type: EntityType::Customer,
                side: Side::Finance,
                id: "1".to_owned(),
            };
            w.store.link(&work.lease, &there).await.unwrap();
            w.clock.turn(lease + Duration::from_secs(1));
        }
        soon(&w, Side::Crm, &id).await;
        for (system, id) in [(&w.crm, id.as_str()), (&w.finance, "1")] {
            assert_eq!(system.get(id, Field::Website), "new.ir", "{on:?}");
            assert_eq!(system.get(id, Field::Email), "a@b.ir", "{on:?}");
            // It may be another's record after all, typed without one: nothing is cleared on a guess.
            assert_eq!(system.get(id, Field::Address), "تهران", "{on:?}");
        }
        assert_eq!((w.crm.ids().len(), w.finance.ids().len()), (1, 1));
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_create_that_is_found_takes_over_a_half_that_waits_for_a_human() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.finance.fail(Fault::LostAnswer);
        let first = w.enqueue(Side::Crm, &id).await;
        once(&w, &first).await;
        // Someone types the very same: which of the two is ours, only a human can tell.
        let double = w
            .finance
            .add(person("علی", "09123450017").with(Field::CustomerNumber, ""));
        w.clock.turn(Duration::from_secs(3));
        assert_eq!(once(&w, &first).await.0.status, Status::Conflict);
        let echo = w.enqueue(Side::Finance, "1").await;
        assert_eq!(once(&w, &echo).await.0.status, Status::Conflict);
        assert_eq!(open_conflicts(&w).await.len(), 2);
        // He removes the double. Whoever is heard of next settles it for both.
        w.finance.delete(&double);
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Success, "{on:?}");
        assert_eq!(open_conflicts(&w).await, Vec::<String>::new(), "{on:?}");
        let links = w.links().await;
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].state, LinkState::Active);
        let settled = w.row(&echo).await;
        assert_eq!(settled.status, Status::Skipped);
        assert!(
            settled
                .error_message
                .unwrap()
                .starts_with("settled when finance 1 was linked: ")
        );
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Skipped);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_reference_that_names_another_contact_is_one_witness_among_others() {
    for on in ALL {
        let w = World::new(on).await;
        let national = |name: &str| person(name, "09123450017").with(Field::NationalId, "0499370899");
        let (one, two) = (
            w.finance.add(national("علی")),
            w.finance.add(person("رضا", "09125550137")),
        );
        let id = w.crm.add(national("علی").with(Field::FinanceCode, &*two));
        assert_eq!(w.sync(Side::Finance, &one).await, Status::Success, "{on:?}");
        let links = w.links().await;
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].crm_id.as_deref(), Some(id.as_str()));
        assert_eq!(
            w.sync(Side::Finance, &two).await,
            Status::Success,
            "it gets one of its own"
        );
        assert_eq!(w.crm.ids().len(), 2);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_was_not_read_back_is_not_told_as_read_back() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.sync(Side::Crm, &id).await;
        w.crm.edit(&id, Field::Name, "رضا");
        w.finance.fail(Fault::LostAnswer);
        let ring = w.enqueue(Side::Crm, &id).await;
        w.engine.run(&ring).await.unwrap();
        let row = w.row(&ring).await;
        assert!(row.target_data_before.is_some());
        assert_eq!(row.target_data_after, None);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_a_create_was_answered_with_is_known_though_it_is_worked_on_from_its_other_end() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w
            .crm
            .add(person("علی", "09123450017").with(Field::Phone, "02188451236"));
        // Finance's own event is quicker than the answer.
        let theirs = w.enqueue(Side::Finance, "1").await;
        let lease = Duration::from_secs(60);
        let claim = w.store.claim(theirs.row, "killed", lease).await.unwrap();
        assert!(matches!(claim, Claim::Taken(_)));
        let ring = w.enqueue(Side::Crm, &id).await;
        let (outcome, next) = once(&w, &ring).await;
        assert_eq!(outcome.status, Status::Pending, "{on:?}");
        // Before it is linked, users change what it could be found by, and empty what it was sent.
        w.finance.edit("1", Field::Mobile, "09350000123");
        w.crm.edit(&id, Field::Phone, "");
        w.clock.turn(lease + Duration::from_secs(1));
        let (outcome, _) = once(&w, &next.unwrap()).await;
        assert_eq!(outcome.status, Status::Success, "{on:?}");
        assert_eq!(w.finance.ids(), ["1"], "{on:?}");
        assert_eq!(
            w.finance.get("1", Field::Phone),
            "",
            "it was emptied, not missing"
        );
        assert_eq!(w.crm.get(&id, Field::Mobile), "09350000123", "{on:?}");
        w.drop_it().await;
    }
}
