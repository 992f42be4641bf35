//! Records that are announced before they are shown, and such that are another company's; on every kind of store.

use std::time::Duration;

use domain::customer::Field;
use domain::document::DocumentKind;
use domain::ports::{Ring, Side};
use domain::store::{EntityType, Outcome, Status};
use engine::Ran;

use crate::desk::document;
use crate::world::{ALL, World, person};

/// One run; the wait before the next, if there is to be one.
async fn once(w: &World, ring: &Ring) -> (Outcome, Option<(Ring, Duration)>) {
    match w.engine.run(ring).await.unwrap() {
        Ran::Ended { outcome, next, .. } => (*outcome, next),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn case_11_what_was_announced_before_it_can_be_read_is_looked_for_again() {
    for on in ALL {
        let w = World::new(on).await;
        let customer = w.crm.add(person("علی", "09123450017"));
        assert_eq!(w.sync(Side::Crm, &customer).await, Status::Success);
        let ring = w.hear_of(EntityType::Invoice, Side::Crm, "i").await;
        let (outcome, next) = once(&w, &ring).await;
        assert_eq!(outcome.status, Status::Pending, "{on:?}");
        let (ring, wait) = next.unwrap();
        assert!(wait <= Duration::from_secs(2), "{wait:?}");
        w.crm.desk.add("i", document(DocumentKind::Invoice, &customer));
        w.clock.turn(wait);
        assert_eq!(once(&w, &ring).await.0.status, Status::Success, "{on:?}");
        assert_eq!(w.finance.desk.issued().len(), 1);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_never_comes_is_given_up_after_two_minutes_and_leaves_nothing() {
    for on in ALL {
        for entity_type in [EntityType::Customer, EntityType::Invoice] {
            let w = World::new(on).await;
            let mut ring = w.hear_of(entity_type, Side::Crm, "nobody").await;
            let mut waited = Vec::new();
            let outcome = loop {
                let (outcome, next) = once(&w, &ring).await;
                let Some((again, wait)) = next else { break outcome };
                w.clock.turn(wait);
                waited.push(wait.as_secs_f64().round());
                ring = again;
            };
            assert_eq!(waited, [2.0, 8.0, 20.0, 90.0], "{on:?} {entity_type:?}");
            assert_eq!(outcome.status, Status::Skipped);
            assert_eq!(w.links().await.len(), 0, "{on:?}");
            w.drop_it().await;
        }
    }
}

#[tokio::test]
async fn case_8_another_companys_customer_and_its_quote_are_left_alone() {
    for on in ALL {
        let w = World::new(on).await;
        let theirs = person("علی", "09123450017").with(Field::CustomerNumber, "200-77");
        let id = w.crm.add(theirs);
        let ring = w.enqueue(Side::Crm, &id).await;
        let (outcome, _) = once(&w, &ring).await;
        assert_eq!(outcome.status, Status::Skipped, "{on:?}");
        let told = outcome.message.unwrap().english();
        assert!(told.contains("belongs to company 200"), "{told}");
        let mut quote = document(DocumentKind::Quote, &id);
        quote.number = "200-1404/5".to_owned();
        w.crm.desk.add("q", quote);
        let ring = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
        assert_eq!(once(&w, &ring).await.0.status, Status::Skipped, "{on:?}");
        assert!(w.finance.ids().is_empty() && w.finance.desk.issued().is_empty());
        assert_eq!(w.links().await.len(), 0, "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_linked_customer_that_changes_its_company_is_for_a_human() {
    for on in ALL {
        let w = World::new(on).await;
        let id = w.crm.add(person("علی", "09123450017"));
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Success);
        w.crm.edit(&id, Field::CustomerNumber, "200-77");
        w.crm.edit(&id, Field::Address, "تهران");
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Conflict, "{on:?}");
        assert_eq!(w.finance.get("1", Field::Address), "");
        w.crm.edit(&id, Field::CustomerNumber, "100-77");
        assert_eq!(w.sync(Side::Crm, &id).await, Status::Success, "{on:?}");
        assert_eq!(w.finance.get("1", Field::Address), "تهران");
        w.drop_it().await;
    }
}
