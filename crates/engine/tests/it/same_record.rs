//! Rule 1 of a customer on every kind of store: an id under which another record stands.

use std::time::Duration;

use domain::customer::{Customer, Field};
use domain::merge::ConflictStrategy;
use domain::ports::{Ring, Side};
use domain::store::{EntityRef, LinkState, Status};
use engine::Ran;
use engine::ruling::NotRuled;

use crate::world::{ALL, Fault, World, person};

fn ali() -> Customer {
    person("علی رضایی", "09123450017").with(Field::Email, "ali@b.ir")
}

fn mina() -> Customer {
    person("مینا کریمی", "09350000123").with(Field::Address, "شیراز")
}

/// A linked pair, under whose id of that side stands `now`.
async fn given_again(w: &World, side: Side, now: Customer) -> String {
    let id = w.crm.add(ali());
    assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
    match side {
        Side::Crm => w.crm.restore(&id, now),
        Side::Finance => w.finance.restore("1", now),
    }
    id
}

#[tokio::test]
async fn case_1_neither_side_is_written_where_an_id_was_given_again() {
    for on in ALL {
        for side in Side::BOTH {
            let w = World::new(on).await;
            let id = given_again(&w, side, mina()).await;
            let other = match side {
                Side::Crm => (&w.finance, "1"),
                Side::Finance => (&w.crm, id.as_str()),
            };
            other.0.edit(other.1, Field::Address, "تهران");
            let saves = (w.crm.saves(), w.finance.saves());
            for heard in [(Side::Finance, "1"), (Side::Crm, id.as_str())] {
                assert_eq!(w.sync(heard.0, heard.1).await, Status::Conflict, "{on:?} {side}");
            }
            assert_eq!((w.crm.saves(), w.finance.saves()), saves, "nothing is written");
            let rows = w.rows().await;
            let waiting: Vec<_> = rows.iter().filter(|row| row.status == Status::Conflict).collect();
            let [row] = waiting[..] else { panic!("{rows:?}") };
            assert_eq!(row.error_code.as_deref(), Some("another_record"));
            let told = row.error_message.clone().unwrap();
            assert!(
                told.contains("مینا کریمی") && told.contains("علی رضایی"),
                "{told}"
            );
            w.drop_it().await;
        }
    }
}

#[tokio::test]
async fn it_goes_on_by_itself_once_the_record_is_back() {
    for on in ALL {
        let w = World::new(on).await;
        let id = given_again(&w, Side::Finance, mina()).await;
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Conflict);
        w.finance.restore("1", ali());
        w.crm.edit(&id, Field::Address, "تهران");
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Success, "{on:?}");
        assert_eq!(w.finance.get("1", Field::Address), "تهران");
        assert_eq!(w.links().await[0].state, LinkState::Active);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn our_save_is_known_as_ours_however_long_another_record_stood_there() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(ali());
        w.sync(Side::Crm, &id).await;
        w.finance.edit("1", Field::Email, "new@b.ir");
        w.crm.fail(Fault::LandsLate);
        let ring = w.enqueue(Side::Finance, "1").await;
        w.engine.run(&ring).await.unwrap();
        assert_eq!(w.row(&ring).await.status, Status::Pending);
        w.crm.land();
        w.finance.restore("1", mina());
        for _ in 0..2 {
            assert_eq!(w.sync(Side::Finance, "1").await, Status::Conflict);
            w.clock.turn(Duration::from_secs(3600));
        }
        // It is back, and was edited since.
        w.finance.restore("1", ali().with(Field::Email, "newest@b.ir"));
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Success, "{on:?}");
        assert_eq!(w.crm.get(&id, Field::Email), "newest@b.ir");
        assert_eq!(w.finance.get("1", Field::Email), "newest@b.ir");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn an_operator_says_that_it_is_the_same() {
    for on in ALL {
        let w = World::new(on).await;
        let id = given_again(&w, Side::Finance, mina()).await;
        let entity = EntityRef::customer(Side::Finance, "1");
        let refused = w.engine.same(&entity, None).await;
        assert!(
            matches!(refused, Err(NotRuled::Refused(_))),
            "nobody has asked yet"
        );
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Conflict);
        let ring = w.engine.same(&entity, None).await.unwrap();
        let Ran::Ended { outcome, .. } = w.engine.run(&ring).await.unwrap() else {
            panic!("not run")
        };
        assert_eq!(outcome.status, Status::Success, "{on:?}");
        assert_eq!(w.crm.get(&id, Field::Name), "مینا کریمی", "it was an edit");
        assert_eq!(
            w.sync(Side::Crm, &id).await,
            Status::Skipped,
            "and is known from then on"
        );
        let waits = w
            .rows()
            .await
            .into_iter()
            .any(|row| row.status == Status::Conflict);
        assert!(!waits, "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_was_said_of_one_record_is_not_said_of_the_next_under_its_id() {
    for on in ALL {
        let w = World::new(on).await;
        let id = given_again(&w, Side::Finance, mina()).await;
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Conflict);
        let entity = EntityRef::customer(Side::Finance, "1");
        let ring = w.engine.same(&entity, None).await.unwrap();
        w.finance.restore("1", person("نیما صادقی", "09360000177"));
        let saves = (w.crm.saves(), w.finance.saves());
        w.engine.run(&ring).await.unwrap();
        assert_eq!(
            w.row(&ring).await.error_code.as_deref(),
            Some("another_record"),
            "{on:?}"
        );
        assert_eq!((w.crm.saves(), w.finance.saves()), saves, "nothing is written");
        assert_eq!(w.crm.get(&id, Field::Name), "علی رضایی");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn it_is_not_said_of_whom_the_operator_was_not_told_of() {
    for on in ALL {
        let w = World::new(on).await;
        let id = given_again(&w, Side::Finance, mina()).await;
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Conflict);
        // The operator reads of Mina; before the word is typed the code is given to yet another.
        w.finance.restore("1", person("نیما صادقی", "09360000177"));
        let entity = EntityRef::customer(Side::Finance, "1");
        let refused = w.engine.same(&entity, None).await.unwrap_err().to_string();
        assert!(refused.contains("نیما صادقی"), "{on:?}: {refused}");
        let rows = w.rows().await;
        let looks = rows.iter().find(|row| row.status == Status::Pending).unwrap();
        let ring = Ring {
            row: looks.id,
            traceparent: None,
        };
        w.engine.run(&ring).await.unwrap();
        assert_eq!(w.crm.get(&id, Field::Name), "علی رضایی", "{on:?}");
        let rows = w.rows().await;
        let waits = rows.iter().find(|row| row.status == Status::Conflict).unwrap();
        let told = waits.error_message.clone().unwrap();
        assert!(told.contains("نیما صادقی"), "it was looked at: {told}");
        let ring = w.engine.same(&entity, None).await.unwrap();
        w.engine.run(&ring).await.unwrap();
        assert_eq!(w.crm.get(&id, Field::Name), "نیما صادقی", "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn where_both_ids_were_given_to_others_there_is_nothing_to_be_the_same() {
    for on in ALL {
        let w = World::new(on).await;
        let id = given_again(&w, Side::Crm, mina()).await;
        w.finance.restore("1", person("نیما صادقی", "09360000177"));
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
        let entity = EntityRef::customer(Side::Crm, &id);
        let refused = w.engine.same(&entity, None).await.unwrap_err().to_string();
        for name in ["مینا کریمی", "نیما صادقی"] {
            assert!(refused.contains(name), "{on:?}: {refused}");
        }
        // Who was renamed on both sides is one.
        w.finance.restore("1", mina());
        let ring = w.engine.same(&entity, None).await.unwrap();
        w.engine.run(&ring).await.unwrap();
        assert_eq!(w.row(&ring).await.status, Status::Success, "{on:?}");
        let names = [w.crm.get(&id, Field::Name), w.finance.get("1", Field::Name)];
        assert_eq!(names, ["مینا کریمی", "مینا کریمی"], "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn the_systems_own_mark_tells_one_namesake_from_another() {
    for on in ALL {
        let w = World::new(on).await;
        let mark = Field::MARKS[1];
        given_again(&w, Side::Finance, ali().with(mark, "77")).await;
        assert_eq!(
            w.sync(Side::Finance, "1").await,
            Status::Skipped,
            "shown for the first time"
        );
        w.finance.restore("1", ali().with(mark, "78"));
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Conflict, "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn case_1_a_name_on_which_the_two_never_agreed_tells_a_record_all_the_same() {
    for on in ALL {
        let mut w = World::new(on).await;
        w.engine.config.policy.strategy = ConflictStrategy::Manual;
        let id = w.crm.add(ali());
        w.finance.add(person("رضایی علی", "09123450017"));
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict, "the name is held");
        w.finance.restore("1", mina());
        let saves = (w.crm.saves(), w.finance.saves());
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Conflict);
        assert_eq!((w.crm.saves(), w.finance.saves()), saves, "{on:?}");
        let rows = w.rows().await;
        let waits = rows.iter().find(|row| row.status == Status::Conflict).unwrap();
        assert_eq!(waits.error_code.as_deref(), Some("another_record"));
        // Once an operator has said that it is the same, it is.
        let entity = EntityRef::customer(Side::Finance, "1");
        let ring = w.engine.same(&entity, None).await.unwrap();
        w.engine.run(&ring).await.unwrap();
        w.sync(Side::Finance, "1").await;
        let rows = w.rows().await;
        let waits = rows.iter().find(|row| row.status == Status::Conflict).unwrap();
        assert_eq!(waits.error_code.as_deref(), Some("held_fields"), "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn nobody_elses_contact_is_set_inactive() {
    for on in ALL {
        let w = World::new(on).await;
        let mut engine = w.engine.clone();
        engine.config.deactivate = true;
        let id = given_again(&w, Side::Finance, mina()).await;
        w.crm.delete(&id);
        let saves = w.finance.saves();
        assert_eq!(
            w.sync_by(&engine, Side::Crm, &id).await,
            Status::Conflict,
            "{on:?}"
        );
        assert_eq!(w.finance.saves(), saves);
        w.drop_it().await;
    }
}
