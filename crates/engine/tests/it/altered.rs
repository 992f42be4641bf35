//! What comes back from a save in a form that nobody knows.

use std::time::Duration;

use domain::customer::Field;
use domain::ports::Side;
use domain::store::Status;
use engine::Ran;

use crate::behind::customer;
use crate::world::{ALL, Fault, World, person};

#[tokio::test]
async fn what_came_back_altered_is_held_and_never_carried_back() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w
            .crm
            .add(person("علی", "09123450017").with(Field::Description, "مشتری ویژه"));
        w.sync(Side::Crm, &id).await;
        w.crm.edit(&id, Field::Description, "مشتری ویژه، تماس فقط صبح");
        // Someone's open form, saved in between: what stands there is the beginning of what was sent.
        w.finance
            .fail(Fault::EditAfter(Field::Description, "مشتری ویژه".into()));
        let waits = w.sync(Side::Crm, &id).await;
        assert_eq!(
            waits,
            Status::Conflict,
            "an edit of that moment, or a form that nobody knows"
        );
        assert_eq!(w.crm.get(&id, Field::Description), "مشتری ویژه، تماس فقط صبح");
        assert_eq!(w.finance.get("1", Field::Description), "مشتری ویژه");
        // Looking again changes nothing; whoever types into either side settles it.
        let saves = w.finance.saves();
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Conflict);
        assert_eq!(
            (w.finance.saves(), w.crm.get(&id, Field::Description).as_str()),
            (saves, "مشتری ویژه، تماس فقط صبح")
        );
        // An operator may say that it is how the system writes it: each side keeps what it holds.
        let entity = customer(Side::Crm, &id);
        let ring = w.engine.form(&entity, None).await.unwrap();
        assert!(
            matches!(w.engine.run(&ring).await.unwrap(), Ran::Ended { outcome, .. } if outcome.status == Status::Success)
        );
        assert_eq!(w.finance.saves(), saves);
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Skipped);
        assert!(
            w.engine.form(&entity, None).await.is_err(),
            "nothing waits for it any more"
        );
        w.finance.edit("1", Field::Description, "تماس عصر");
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Success);
        assert_eq!(w.crm.get(&id, Field::Description), "تماس عصر");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_column_that_writes_otherwise_holds_nobody_once_that_is_ruled() {
    const FIELD: Field = Field::Description;
    for on in ALL {
        let w = World::new(on).await;
        let mut ids = Vec::new();
        for (n, name) in ["علی", "رضا", "مینا"].into_iter().enumerate() {
            let met = person(name, &format!("0912345001{n}")).with(FIELD, "مشتری");
            let id = w.crm.add(met);
            w.sync(Side::Crm, &id).await;
            ids.push(id);
        }
        // This finance system writes a stamp of its own behind what it saves.
        let edit = async |n: usize, text: &str, stamped: &str| {
            w.crm.edit(&ids[n], FIELD, text);
            w.finance.fail(Fault::EditAfter(FIELD, stamped.into()));
            w.sync(Side::Crm, &ids[n]).await
        };
        assert_eq!(edit(0, "الف", "الف *۱").await, Status::Conflict);
        assert_eq!(edit(1, "ب", "ب *۲").await, Status::Conflict);
        let ring = w
            .engine
            .column(&customer(Side::Crm, &ids[0]), None)
            .await
            .unwrap();
        assert!(
            matches!(w.engine.run(&ring).await.unwrap(), Ran::Ended { outcome, .. } if outcome.status == Status::Success)
        );
        // Who was held for the same is looked at again.
        let again = w.store.sweep(10, Duration::ZERO).await.unwrap();
        assert_eq!(again.len(), 1);
        assert!(
            matches!(w.engine.run(&again[0]).await.unwrap(), Ran::Ended { outcome, .. } if outcome.status == Status::Success)
        );
        assert!(w.rows().await.iter().all(|row| row.status != Status::Conflict));
        // And nobody is held for it any more, or carries it back.
        let saves = w.crm.saves();
        assert_eq!(edit(2, "پ", "پ *۳").await, Status::Success);
        assert_eq!(w.sync(Side::Finance, &w.finance.ids()[2]).await, Status::Skipped);
        assert_eq!((w.crm.get(&ids[2], FIELD).as_str(), w.crm.saves()), ("پ", saves));
        w.finance.edit(&w.finance.ids()[2], FIELD, "تماس عصر");
        w.sync(Side::Finance, &w.finance.ids()[2]).await;
        assert_eq!(w.crm.get(&ids[2], FIELD), "تماس عصر", "an edit is one as ever");
        // Of another column nothing was ruled; and of this one no more, once it is taken back.
        w.crm.edit(&ids[2], Field::Address, "تهران");
        w.finance.fail(Fault::EditAfter(Field::Address, "تهران *".into()));
        assert_eq!(w.sync(Side::Crm, &ids[2]).await, Status::Conflict);
        assert!(w.engine.index.hold_column(Side::Finance, FIELD).await.unwrap());
        assert_eq!(edit(0, "ت", "ت *۴").await, Status::Conflict);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_word_for_one_side_is_carried_out_once_however_it_comes_back() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        w.sync(Side::Crm, &id).await;
        w.crm.edit(&id, Field::Description, "الف");
        let stamped = || Fault::EditAfter(Field::Description, "الف *".into());
        w.finance.fail(stamped());
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
        let ring = w
            .engine
            .keep(&customer(Side::Crm, &id), Side::Crm, None)
            .await
            .unwrap();
        // The first save is not answered, and may still land while the second comes back.
        w.finance.fail(Fault::LandsLate);
        w.engine.run(&ring).await.unwrap();
        assert_eq!(w.row(&ring).await.status, Status::Pending);
        w.clock.turn(Duration::from_secs(10));
        w.finance.fail(stamped());
        let saves = w.finance.saves();
        let Ran::Ended { outcome, next, .. } = w.engine.run(&ring).await.unwrap() else {
            panic!()
        };
        assert_eq!(outcome.status, Status::Conflict, "{:?}", outcome.message);
        assert!(next.is_none(), "nobody looks again at once: {next:?}");
        assert_eq!(w.finance.saves(), saves + 1);
        w.drop_it().await;
    }
}
