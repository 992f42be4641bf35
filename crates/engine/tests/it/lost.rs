//! Writes that land late, and records that wait for one another, on every kind of store.

use std::time::Duration;

use domain::customer::Field;
use domain::ports::{PortError, Ring, Side};
use domain::store::{Outcome, Status};
use engine::Ran;

use crate::world::{ALL, Fault, World, person};

fn down() -> Fault {
    Fault::Before(PortError::Transient {
        message: "503".into(),
        retry_after: None,
    })
}

/// Runs that row once.
pub(crate) async fn once(w: &World, ring: &Ring) -> (Outcome, Option<Ring>) {
    match w.engine.run(ring).await.unwrap() {
        Ran::Ended { outcome, next, .. } => (*outcome, next.map(|(ring, _)| ring)),
        other => panic!("{other:?}"),
    }
}

/// Hears of a record and runs it as often as it is to be tried again within some seconds.
pub(crate) async fn soon(w: &World, side: Side, id: &str) -> Outcome {
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

pub(crate) async fn open_conflicts(w: &World) -> Vec<String> {
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
