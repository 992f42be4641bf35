//! Creates of which nobody knew at once what they had made, on every kind of store.

use std::time::Duration;

use domain::customer::Field;
use domain::ports::Side;
use domain::store::{Claim, EntityRef, EntityType, LinkState, Status};

use crate::lost::{once, open_conflicts, soon};
use crate::world::{ALL, Fault, World, person};

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
