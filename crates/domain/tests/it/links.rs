//! Links: whose a record is.

use std::time::Duration;

use domain::clock::Clock;
use domain::in_flight::InFlight;
use domain::ports::Side;
use domain::store::{Committed, LinkState, Retry, Status, StoreError};

use crate::world::{LEASE, World, contract, create, ending, entity, event, take};

contract![
    linking_takes_over_a_free_half_and_refuses_a_foreign_link,
    a_half_that_has_something_in_flight_is_not_taken_over,
    a_half_that_is_taken_over_leaves_no_retry_behind,
    a_half_link_of_nothing_is_dropped_a_whole_one_is_not,
    a_survivor_is_taken_over_from_a_closed_link,
];

async fn linking_takes_over_a_free_half_and_refuses_a_foreign_link(w: &World) {
    let events = [
        event(Side::Crm, "a", None),
        event(Side::Finance, "22", None),
        event(Side::Crm, "b", None),
    ];
    w.store.enqueue(&events).await.unwrap();
    let crm = take(w, events[0].row).await;
    let finance = take(w, events[1].row).await;
    let entity = entity(Side::Finance, "22");
    assert!(
        matches!(
            w.store.link(&crm.lease, &entity).await,
            Err(StoreError::LinkedElsewhere { .. })
        ),
        "it is worked on"
    );
    let theirs = w.store.find_link(&entity).await.unwrap();
    assert_eq!(theirs.map(|theirs| theirs.state), Some(LinkState::New));
    w.store.release(&finance).await.unwrap();
    w.store.link(&crm.lease, &entity).await.unwrap();
    let mut done = ending(&crm, Status::Success);
    done.link.as_mut().unwrap().finance_id = Some("22".into());
    let next = w.store.commit(&crm, &done).await.unwrap();
    assert_eq!(
        next.next.unwrap().row,
        events[1].row,
        "the half's row is ours now"
    );
    let other = take(w, events[2].row).await;
    assert!(matches!(
        w.store.link(&other.lease, &entity).await,
        Err(StoreError::LinkedElsewhere { .. })
    ));
    let mut stolen = ending(&other, Status::Success);
    stolen.link.as_mut().unwrap().finance_id = Some("22".into());
    assert!(matches!(
        w.store.commit(&other, &stolen).await,
        Err(StoreError::LinkedElsewhere { .. })
    ));
}

async fn a_half_that_has_something_in_flight_is_not_taken_over(w: &World) {
    let events = [event(Side::Crm, "a", None), event(Side::Finance, "22", None)];
    w.store.enqueue(&events).await.unwrap();
    let theirs = take(w, events[1].row).await;
    let mut waits = ending(&theirs, Status::Pending);
    let link = waits.link.as_mut().unwrap();
    link.state = LinkState::New;
    let sent = create(Side::Crm, w.clock.now());
    link.in_flight = InFlight(vec![sent]);
    w.store.commit(&theirs, &waits).await.unwrap();
    let ours = take(w, events[0].row).await;
    let linked = w.store.link(&ours.lease, &entity(Side::Finance, "22")).await;
    assert!(
        matches!(linked, Err(StoreError::LinkedElsewhere { .. })),
        "what it has created would be forgotten"
    );
}

/// Its run was to be tried again, was, and was killed: the row is covered by whoever takes the half over.
async fn a_half_that_is_taken_over_leaves_no_retry_behind(w: &World) {
    let events = [
        event(Side::Crm, "a", None),
        event(Side::Crm, "a", None),
        event(Side::Finance, "22", None),
    ];
    w.store.enqueue(&events).await.unwrap();
    let theirs = take(w, events[2].row).await;
    let mut waits = ending(&theirs, Status::Pending);
    waits.link.as_mut().unwrap().state = LinkState::New;
    waits.retry = Some(Retry {
        at: w.clock.now(),
        count: 1,
        max: 3,
    });
    w.store.commit(&theirs, &waits).await.unwrap();
    take(w, events[2].row).await;
    w.clock.turn(LEASE + Duration::from_secs(1));
    let ours = take(w, events[0].row).await;
    w.store
        .link(&ours.lease, &entity(Side::Finance, "22"))
        .await
        .unwrap();
    let mut done = ending(&ours, Status::Success);
    done.link.as_mut().unwrap().finance_id = Some("22".into());
    w.store.commit(&ours, &done).await.unwrap();
    assert_eq!(w.retries().await.len(), 0);
}

async fn a_half_link_of_nothing_is_dropped_a_whole_one_is_not(w: &World) {
    let events = [event(Side::Crm, "a", None), event(Side::Crm, "b", None)];
    w.store.enqueue(&events).await.unwrap();
    let work = take(w, events[0].row).await;
    let mut gone = ending(&work, Status::Skipped);
    gone.link = None;
    assert_eq!(w.store.commit(&work, &gone).await.unwrap(), Committed::default());
    assert!(w.links().await.is_empty());
    assert_eq!(w.rows().await[0].entity_mapping_id, None);
    let other = take(w, events[1].row).await;
    w.store
        .link(&other.lease, &entity(Side::Finance, "22"))
        .await
        .unwrap();
    let mut gone = ending(&other, Status::Skipped);
    gone.link = None;
    assert!(matches!(
        w.store.commit(&other, &gone).await,
        Err(StoreError::Fenced)
    ));
    assert_eq!(w.links().await.len(), 1);
}

/// A tombstone names what is gone and what is left: what is left is another's, when an operator says so.
async fn a_survivor_is_taken_over_from_a_closed_link(w: &World) {
    let old = w.enqueue(Side::Crm, "gone").await;
    let work = take(w, old).await;
    let mut closed = ending(&work, Status::Success);
    let link = closed.link.as_mut().unwrap();
    link.finance_id = Some("22".into());
    link.state = LinkState::Closed;
    w.store.commit(&work, &closed).await.unwrap();
    let row = w.enqueue(Side::Crm, "a").await;
    let ours = take(w, row).await;
    let survivor = entity(Side::Finance, "22");
    let linked = w.store.link(&ours.lease, &survivor).await;
    assert!(matches!(linked, Err(StoreError::LinkedElsewhere { .. })));
    w.store.take_over(&ours.lease, &survivor).await.unwrap();
    let links = w.links().await;
    let names = |id: &str| {
        let link = links
            .iter()
            .find(|link| link.crm_id.as_deref() == Some(id))
            .unwrap();
        (link.finance_id.as_deref(), link.state)
    };
    assert_eq!(names("gone"), (None, LinkState::Closed));
    assert_eq!(names("a"), (Some("22"), LinkState::Active));
}
