//! What an operator rules, on every kind of store.

use domain::customer::Field;
use domain::merge::{ConflictStrategy, Policy};
use domain::ports::{Ring, Side};
use domain::store::{EntityRef, EntityType, LinkState, Status};
use engine::ruling::NotRuled;
use engine::{Engine, Ran};

use crate::world::{ALL, On, World, person};

fn entity(side: Side, id: &str) -> EntityRef {
    EntityRef {
        entity_type: EntityType::Customer,
        side,
        id: id.to_owned(),
    }
}

/// A human decides all conflicts.
fn manual(w: &World) -> Engine {
    let mut engine = w.engine.clone();
    engine.config.policy = Policy {
        strategy: ConflictStrategy::Manual,
        ..Policy::default()
    };
    engine
}

/// A linked pair whose name and e-mail both sides have changed, and whose address only finance has.
async fn in_conflict(w: &World, engine: &Engine) -> String {
    let id = w.crm.add(person("علی", "09123450017"));
    assert_eq!(w.sync_by(engine, Side::Crm, &id).await, Status::Success);
    w.crm.edit(&id, Field::Name, "علی کریمی");
    w.finance.edit("1", Field::Name, "علی رضایی");
    w.crm.edit(&id, Field::Email, "crm@b.ir");
    w.finance.edit("1", Field::Email, "finance@b.ir");
    w.finance.edit("1", Field::Address, "تهران");
    assert_eq!(w.sync_by(engine, Side::Crm, &id).await, Status::Conflict);
    id
}

async fn ended(engine: &Engine, ring: &Ring) -> Status {
    match engine.run(ring).await.unwrap() {
        Ran::Ended { outcome, .. } => outcome.status,
        other => panic!("{other:?}"),
    }
}

fn why<T: std::fmt::Debug>(refused: Result<T, NotRuled>) -> String {
    match refused {
        Err(NotRuled::Refused(why)) => why.english(),
        other => panic!("{other:?}"),
    }
}

async fn conflicts(w: &World) -> usize {
    w.rows()
        .await
        .iter()
        .filter(|row| row.status == Status::Conflict)
        .count()
}

#[tokio::test]
async fn the_kept_side_is_written_over_the_other_and_the_loser_is_remembered() {
    for on in ALL {
        for (side, name) in [(Side::Crm, "علی کریمی"), (Side::Finance, "علی رضایی")] {
            let w = World::new(on).await;
            let engine = manual(&w);
            let id = in_conflict(&w, &engine).await;
            let other = entity(side.other(), if side == Side::Crm { "1" } else { &id });
            let ring = engine.keep(&other, side, None).await.unwrap();
            assert_eq!(ended(&engine, &ring).await, Status::Success, "{on:?} {side}");
            assert_eq!(w.crm.get(&id, Field::Name), name);
            assert_eq!(w.finance.get("1", Field::Name), name);
            assert_eq!(w.crm.get(&id, Field::Email), w.finance.get("1", Field::Email));
            assert_eq!(
                w.crm.get(&id, Field::Address),
                "تهران",
                "what was not in doubt goes its way"
            );
            let row = w.row(&ring).await;
            let told = row.changes.unwrap().to_string();
            assert!(told.contains("settled_by_hand"), "{told}");
            assert!(told.contains("علی کریمی") && told.contains("علی رضایی"), "{told}");
            assert_eq!(conflicts(&w).await, 0, "the conflict ends with it");
            assert_eq!(w.links().await[0].state, LinkState::Active);
            assert!(why(engine.keep(&other, side, None).await).contains("no field of"));
            assert_eq!(w.sync_by(&engine, Side::Crm, &id).await, Status::Skipped);
            w.drop_it().await;
        }
    }
}

#[tokio::test]
async fn a_ruling_outlives_who_took_it_down_and_leads_the_run() {
    for on in ALL {
        let w = World::new(on).await;
        let engine = manual(&w);
        let id = in_conflict(&w, &engine).await;
        // It stands in a row when its command is killed; a worker hears of something else, and claims both.
        let ruled = engine
            .keep(&entity(Side::Crm, &id), Side::Finance, None)
            .await
            .unwrap();
        let heard = w.enqueue(Side::Crm, &id).await;
        let by_a_worker = w.engine.clone();
        let Ran::Ended { row, outcome, .. } = by_a_worker.run(&heard).await.unwrap() else {
            panic!("not run")
        };
        assert_eq!((row, outcome.status), (ruled.row, Status::Success), "{on:?}");
        assert_eq!(w.crm.get(&id, Field::Name), "علی رضایی");
        assert_eq!(conflicts(&w).await, 0);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn only_what_waits_for_a_human_can_be_ruled_about() {
    let w = World::new(On::Memory).await;
    let engine = manual(&w);
    let id = w.crm.add(person("علی", "09123450017"));
    let crm = entity(Side::Crm, &id);
    assert!(why(engine.keep(&crm, Side::Crm, None).await).contains("was never met"));
    let id = in_conflict(&w, &engine).await;
    let crm = entity(Side::Crm, &id);
    let mut off = manual(&w);
    off.config.policy.to_crm = false;
    assert!(why(off.keep(&crm, Side::Finance, None).await).contains("SYNC_FINANCE_TO_CRM"));
    // A first meeting in doubt has nothing to keep.
    w.finance.add(person("رضا", "09125550137"));
    w.finance.add(person("رضا", "09125550137"));
    let doubt = w.crm.add(person("رضا", "09125550137"));
    assert_eq!(w.sync(Side::Crm, &doubt).await, Status::Conflict);
    assert!(why(engine.keep(&entity(Side::Crm, &doubt), Side::Crm, None).await).contains("--link"));
    let rows = w.rows().await;
    assert!(
        rows.iter()
            .all(|row| row.trigger_type != domain::store::Trigger::Manual)
    );
}

#[tokio::test]
async fn a_meeting_in_doubt_is_linked_as_the_operator_says_and_both_conflicts_end() {
    for on in ALL {
        let w = World::new(on).await;
        w.finance
            .add(person("رضا", "09125550137").with(Field::Address, "تهران"));
        w.finance.add(person("رضا", "09125550137"));
        let id = w
            .crm
            .add(person("رضا", "09125550137").with(Field::Email, "r@b.ir"));
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict);
        assert_eq!(
            w.sync(Side::Finance, "1").await,
            Status::Conflict,
            "it waits as well"
        );
        assert_eq!(conflicts(&w).await, 2);

        let ring = w.engine.link(&id, "1", None).await.unwrap();
        assert_eq!(ended(&w.engine, &ring).await, Status::Success, "{on:?}");
        assert_eq!(w.crm.get(&id, Field::Address), "تهران");
        assert_eq!(w.finance.get("1", Field::Email), "r@b.ir");
        assert_eq!(w.crm.get(&id, Field::FinanceCode), "1");
        assert_eq!(conflicts(&w).await, 0);
        let links = w.links().await;
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].state, LinkState::Active);
        assert_eq!(links[0].finance_id.as_deref(), Some("1"));
        assert_eq!(w.sync(Side::Finance, "1").await, Status::Skipped);

        // Neither end can be given away again, and both must be there.
        assert!(why(w.engine.link(&id, "1", None).await).contains("linked with finance 1 already"));
        assert!(why(w.engine.link(&id, "2", None).await).contains("is linked with finance 1"));
        let other = w.crm.add(person("نیما", "09125550149"));
        assert!(why(w.engine.link(&other, "1", None).await).contains(&format!("is linked with CRM {id}")));
        assert!(why(w.engine.link(&other, "77", None).await).contains("finance has no customer 77"));
        assert!(why(w.engine.link("crm-77", "2", None).await).contains("CRM has no customer"));
        w.drop_it().await;
    }
}

#[tokio::test]
async fn two_that_were_never_met_can_be_linked_whatever_their_keys_say() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("Ali Karimi", "09123450017"));
        w.finance.add(person("علی کریمی", "09129919293"));
        let ring = w.engine.link(&id, "1", None).await.unwrap();
        assert_eq!(ended(&w.engine, &ring).await, Status::Success);
        assert_eq!(w.finance.ids(), ["1"], "nothing is created");
        assert_eq!(w.crm.ids().len(), 1);
        assert_eq!(w.crm.get(&id, Field::Name), w.finance.get("1", Field::Name));
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_a_lost_create_has_sent_is_not_forgotten_when_its_record_is_linked_by_hand() {
    use crate::world::Fault;
    for on in ALL {
        let w = World::new(on).await;
        // No key to look by: whether the CRM has it is for a human to say.
        w.finance.add(
            domain::customer::Customer::new(domain::customer::Kind::Person).with(Field::Name, "بی‌شماره"),
        );
        w.crm.fail(Fault::LostAnswer);
        let status = w.sync(Side::Finance, "1").await;
        let id = w.crm.ids()[0].clone();
        if status == Status::Conflict {
            let ring = w.engine.link(&id, "1", None).await.unwrap();
            assert_eq!(ended(&w.engine, &ring).await, Status::Success, "{on:?}");
        }
        assert_eq!(w.crm.ids().len(), 1, "created once");
        assert_eq!(w.links().await.len(), 1);
        assert_eq!(conflicts(&w).await, 0);
        w.drop_it().await;
    }
}
