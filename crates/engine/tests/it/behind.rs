//! What runs and people leave behind: records that were made and not seen, second records, survivors of a pair, rows that
//! kill whoever takes them.

use std::time::Duration;

use domain::customer::Field;
use domain::ports::{PortError, Side};
use domain::store::{Claim, EntityRef, EntityType, InFlight, LinkState, Status};
use engine::Ran;

use crate::world::{ALL, Fault, LEASE, Read, World, intended, person};

pub fn customer(side: Side, id: &str) -> EntityRef {
    EntityRef {
        entity_type: EntityType::Customer,
        side,
        id: id.to_owned(),
    }
}

fn unreachable() -> PortError {
    PortError::Transient {
        message: "503".into(),
        retry_after: None,
    }
}

#[tokio::test]
async fn an_edit_of_what_was_made_and_not_seen_is_the_later_edit() {
    for on in ALL {
        let w = World::new(on).await;
        let met = person("علی", "09123450017").with(Field::NationalId, "0499370899");
        let id = w.crm.add(met.with(Field::PostalCode, "1111111111"));
        w.finance.next_read(Read::Fails(unreachable()));
        let ring = w.enqueue(Side::Crm, &id).await;
        let Ran::Ended { outcome, next, .. } = w.engine.run(&ring).await.unwrap() else {
            panic!()
        };
        assert_eq!((outcome.status, w.finance.ids().len()), (Status::Pending, 1));
        w.finance.edit("1", Field::PostalCode, "2222222222");
        w.clock.turn(next.unwrap().1);
        assert!(w.sync(Side::Crm, &id).await.is_final());
        assert_eq!(w.finance.get("1", Field::PostalCode), "2222222222");
        assert_eq!(w.crm.get(&id, Field::PostalCode), "2222222222");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_is_not_shown_yet_was_not_deleted() {
    for on in ALL {
        let mut w = World::new(on).await;
        w.engine.config.deactivate = true;
        let code = w
            .finance
            .add(person("علی", "09123450017").with(Field::Active, "1"));
        w.crm.next_read(Read::Nothing);
        w.crm.next_read(Read::Nothing);
        assert_eq!(w.sync(Side::Finance, &code).await, Status::Success);
        assert_eq!(w.crm.ids().len(), 1);
        assert_eq!(w.finance.get(&code, Field::Active), "1");
        assert_eq!(w.links().await[0].state, LinkState::Active);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn case_17_half_an_answer_closes_nothing() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.sync(Side::Crm, &id).await;
        for (side, heard, other) in [
            (Side::Finance, &w.crm, &w.finance),
            (Side::Crm, &w.finance, &w.crm),
        ] {
            let (own, there) = if side == Side::Finance {
                (id.as_str(), "1")
            } else {
                ("1", id.as_str())
            };
            let value = format!("{side:?}@example.ir");
            heard.edit(own, Field::Email, &value);
            for _ in 0..3 {
                other.next_read(Read::Nothing);
            }
            assert_eq!(w.sync(side.other(), own).await, Status::Success);
            assert_eq!(other.get(there, Field::Email), value);
            assert_eq!(w.links().await[0].state, LinkState::Active);
        }
        w.drop_it().await;
    }
}

#[tokio::test]
async fn case_17_whatever_a_row_has_waited_for_one_look_that_shows_nothing_closes_nothing() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.sync(Side::Crm, &id).await;
        w.look().await;
        w.crm.edit(&id, Field::Email, "ali@example.ir");
        let down = PortError::Unavailable {
            message: "down".into(),
            retry_after: Duration::from_secs(600),
        };
        w.finance.next_read(Read::Fails(down));
        w.finance.next_read(Read::Nothing);
        let ring = w.enqueue(Side::Crm, &id).await;
        w.engine.run(&ring).await.unwrap();
        w.clock.turn(Duration::from_secs(2000));
        w.engine.run(&ring).await.unwrap();
        let row = w.row(&ring).await;
        assert_eq!(row.status, Status::Pending, "{on:?}: {row:?}");
        assert_eq!(w.links().await[0].state, LinkState::Active);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_read_that_outlasts_the_lease_keeps_it() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.sync(Side::Crm, &id).await;
        w.crm.edit(&id, Field::Name, "رضا");
        w.finance.next_read(Read::Slow(3 * LEASE));
        let ring = w.enqueue(Side::Crm, &id).await;
        let others = async {
            tokio::time::sleep(Duration::from_millis(120)).await;
            w.store.claim(ring.row, "another", LEASE).await.unwrap()
        };
        let (ran, other) = tokio::join!(w.engine.run(&ring), others);
        assert!(matches!(ran.unwrap(), Ran::Ended { .. }));
        assert!(matches!(other, Claim::Busy));
        assert_eq!(w.finance.get("1", Field::Name), "رضا");
        assert_eq!(w.row(&ring).await.lapses, 0);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn an_update_that_makes_records_is_not_repeated_while_they_stand() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.sync(Side::Crm, &id).await;
        w.crm.edit(&id, Field::Name, "رضا");
        let second = w.finance.add(person("رضا", "09123450017"));
        w.finance.fail(Fault::Before(PortError::Integrity {
            sent: "1".into(),
            answered: second.clone(),
        }));
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
        let saves = w.finance.saves();
        w.crm.edit(&id, Field::Email, "a@b.ir");
        w.finance.edit("1", Field::Address, "تهران");
        // Long after anything could still land.
        w.clock.turn(Duration::from_secs(3600));
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
        assert_eq!(w.finance.saves(), saves, "nothing more is sent there");
        assert_eq!(w.crm.get(&id, Field::Address), "تهران", "the CRM gets its news");
        let rows = w.rows().await;
        let open: Vec<_> = rows.iter().filter(|row| row.status == Status::Conflict).collect();
        assert_eq!(open.len(), 1, "one per entity");
        let words = open[0].error_message.clone().unwrap();
        assert!(words.contains(&format!("answered with {second}")), "{words}");
        // Settled: the second one is removed, or an operator says that it is someone else.
        if on == crate::world::On::Memory {
            w.finance.delete(&second);
            assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
        } else {
            let mut ring = w
                .engine
                .keep(&customer(Side::Crm, &id), Side::Crm, None)
                .await
                .unwrap();
            while let Ran::Ended {
                next: Some((next, wait)),
                ..
            } = w.engine.run(&ring).await.unwrap()
            {
                w.clock.turn(wait);
                ring = next;
            }
        }
        assert_eq!(w.finance.get("1", Field::Name), "رضا");
        assert_eq!(w.finance.get("1", Field::Email), "a@b.ir");
        assert_eq!(w.links().await[0].state, LinkState::Active);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn who_outlives_its_counterpart_is_linked_with_the_one_typed_anew_by_a_human() {
    for on in ALL {
        let w = World::new(on).await;
        let typed = || person("علی", "09123450017").with(Field::NationalId, "0499370899");
        let first = w.crm.add(typed());
        w.sync(Side::Crm, &first).await;
        let twin = w.crm.add(typed().with(Field::Email, "a@b.ir"));
        assert_eq!(w.sync(Side::Crm, &twin).await, Status::Conflict, "a duplicate");
        let refused = w.engine.link(&twin, "1", None).await;
        assert!(refused.is_err(), "{first} is there");
        let deleted = w.crm.delete(&first);
        assert_eq!(w.sync(Side::Crm, &first).await, Status::Skipped);
        assert_eq!(
            w.sync(Side::Crm, &twin).await,
            Status::Conflict,
            "its own counterpart was deleted"
        );
        let ring = w.engine.link(&twin, "1", None).await.unwrap();
        w.engine.run(&ring).await.unwrap();
        assert_eq!(w.finance.get("1", Field::Email), "a@b.ir");
        w.finance.edit("1", Field::Name, "رضا");
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Success);
        assert_eq!(w.crm.get(&twin, Field::Name), "رضا");
        assert_eq!(w.finance.ids().len(), 1);
        // It is there again after all: nobody's any more, and nothing is created for it.
        w.crm.restore(&first, deleted);
        assert_eq!(w.sync(Side::Crm, &first).await, Status::Conflict);
        assert_eq!(w.finance.ids().len(), 1);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn an_identity_that_names_a_deleted_contact_is_not_created_anew() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.sync(Side::Crm, &id).await;
        w.finance.delete("1");
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Skipped);
        // As a create of ours that lands late, or a backup that is put back.
        let late = w
            .crm
            .add(person("رضا", "09355550127").with(Field::FinanceCode, "1"));
        assert_eq!(w.sync(Side::Crm, &late).await, Status::Conflict);
        assert_eq!(w.finance.ids().len(), 0);
        w.crm.edit(&late, Field::FinanceCode, "");
        assert_eq!(w.sync(Side::Crm, &late).await, Status::Success);
        assert_eq!(w.finance.ids().len(), 1);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn an_operator_links_who_outlives_its_counterpart() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.sync(Side::Crm, &id).await;
        assert_eq!(w.crm.get(&id, Field::FinanceCode), "1");
        let other = w.finance.add(person("کسی دیگر", "09355550127"));
        let linked = w.engine.link(&id, &other, None).await;
        assert!(linked.unwrap_err().to_string().contains("is linked with"));
        w.finance.delete("1");
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Skipped);
        let ring = w.engine.link(&id, &other, None).await.unwrap();
        let Ran::Ended { outcome, .. } = w.engine.run(&ring).await.unwrap() else {
            panic!()
        };
        assert_eq!(outcome.status, Status::Success, "{:?}", outcome.message);
        assert_eq!(w.crm.get(&id, Field::FinanceCode), other, "refId was ours");
        let links = w.links().await;
        let ids: Vec<_> = links
            .iter()
            .map(|m| (m.crm_id.as_deref(), m.finance_id.as_deref(), m.state))
            .collect();
        assert!(
            ids.contains(&(Some(&id), Some(&other), LinkState::Active)),
            "{ids:?}"
        );
        assert!(ids.contains(&(None, Some("1"), LinkState::Closed)), "{ids:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_row_that_kills_its_runs_is_given_up_whatever_is_known_of_its_entity() {
    for on in ALL {
        for what in ["new", "linked", "in doubt"] {
            let w = World::new(on).await;
            let id = w.crm.add(person("علی", "09123450017"));
            if what == "in doubt" {
                for _ in 0..2 {
                    w.finance.add(person("علی", "09123450017"));
                }
                assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
            }
            let ring = w.enqueue(Side::Crm, &id).await;
            for n in 0..10 {
                let Claim::Taken(work) = w.store.claim(ring.row, "killed", LEASE).await.unwrap() else {
                    panic!()
                };
                if n == 0 && what == "linked" {
                    let there = customer(Side::Finance, "77");
                    w.store.link(&work.lease, &there).await.unwrap();
                    w.store
                        .intend(&work.lease, intended(&InFlight::none()), LEASE)
                        .await
                        .unwrap();
                }
                w.clock.turn(LEASE + Duration::from_secs(1));
            }
            assert!(
                matches!(w.engine.run(&ring).await.unwrap(), Ran::Ended { .. }),
                "{what}"
            );
            let row = w.row(&ring).await;
            assert_eq!(
                (row.status, row.error_class.as_deref()),
                (Status::Failed, Some("poison")),
                "{what}"
            );
            let rows = w.rows().await;
            assert!(
                rows.iter()
                    .all(|row| row.status.is_final() && row.status != Status::Conflict)
            );
            let states: Vec<_> = w.links().await.iter().map(|m| m.state).collect();
            let expected: &[LinkState] = match what {
                "linked" => &[LinkState::Active],
                _ => &[LinkState::New],
            };
            assert_eq!(states, expected, "{what}");
            w.drop_it().await;
        }
    }
}

#[tokio::test]
async fn what_is_typed_into_a_record_that_was_made_and_not_seen_stands_and_what_is_empty_is_filled() {
    for on in ALL {
        let w = World::new(on).await;
        let met = person("علی", "09123450017").with(Field::NationalId, "0499370899");
        let id = w.crm.add(met.with(Field::Email, "a@b.ir"));
        w.finance.next_read(Read::Fails(unreachable()));
        let ring = w.enqueue(Side::Crm, &id).await;
        w.engine.run(&ring).await.unwrap();
        // More is typed over than is left as it was sent.
        for (field, value) in [
            (Field::Email, ""),
            (Field::Name, "رضا"),
            (Field::Mobile, "09355550127"),
            (Field::Address, "تهران"),
        ] {
            w.finance.edit("1", field, value);
        }
        assert!(w.sync(Side::Crm, &id).await.is_final());
        for field in [Field::Email, Field::Name, Field::Mobile, Field::Address] {
            assert_eq!(w.crm.get(&id, field), w.finance.get("1", field), "{field}");
        }
        assert_eq!(
            (w.crm.get(&id, Field::Email), w.crm.get(&id, Field::Name)),
            ("a@b.ir".into(), "رضا".into())
        );
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_is_typed_over_a_settled_conflict_that_was_not_answered_is_a_conflict_with_its_loser_told() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w
            .crm
            .add(person("علی", "09123450017").with(Field::Email, "124@b.ir"));
        w.sync(Side::Crm, &id).await;
        w.finance.edit("1", Field::Email, "251@b.ir");
        w.clock.turn(Duration::from_secs(1));
        w.crm.edit(&id, Field::Email, "252@b.ir");
        w.finance.fail(Fault::LostAnswer);
        let ring = w.enqueue(Side::Crm, &id).await;
        w.engine.run(&ring).await.unwrap();
        assert_eq!(w.finance.get("1", Field::Email), "252@b.ir");
        w.finance.edit("1", Field::Email, "300@b.ir");
        assert!(w.sync(Side::Crm, &id).await.is_final());
        // Nothing tells it from an edit that was made before what was sent arrived.
        assert_eq!(w.crm.get(&id, Field::Email), w.finance.get("1", Field::Email));
        let told: String = w
            .rows()
            .await
            .iter()
            .filter_map(|row| row.changes.clone())
            .map(|c| c.to_string())
            .collect();
        assert!(told.contains("300@b.ir"), "the loser is kept: {told}");
        w.drop_it().await;
    }
}
