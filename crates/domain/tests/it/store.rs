//! One contract for the store: on both databases and in memory.

use std::time::Duration;

use domain::clock::Clock;
use domain::customer::Kind;
use domain::merge::Base;
use domain::ports::Side;
use domain::store::{
    Claim, Commit, EntityRef, EntityType, Event, InFlight, LinkState, Outcome, Retry, Status, StoreError,
    Trigger, Work,
};
use uuid::Uuid;

use crate::world::{ALL, World};

pub const LEASE: Duration = Duration::from_secs(60);

pub fn event(side: Side, id: &str, event_id: Option<&str>) -> Event {
    Event {
        row: Uuid::now_v7(),
        entity: entity(side, id),
        trigger: Trigger::Webhook,
        event_id: event_id.map(str::to_owned),
        payload: serde_json::json!({"id": id}),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        rung: true,
    }
}

pub fn entity(side: Side, id: &str) -> EntityRef {
    EntityRef {
        entity_type: EntityType::Customer,
        side,
        id: id.to_owned(),
    }
}

pub fn ending(work: &Work, status: Status) -> Commit {
    let mut link = work.link.clone();
    link.base = Some(Base::new(Kind::Person));
    link.state = LinkState::Active;
    Commit {
        link: Some(link),
        transaction: Uuid::now_v7(),
        synced_from: (status == Status::Success).then_some(Side::Crm),
        outcome: Outcome::new(status, None),
        retry: None,
        audits: Vec::new(),
        look_again: false,
        took: Duration::from_millis(5),
    }
}

pub async fn take(w: &World, row: Uuid) -> Box<Work> {
    match w.store.claim(row, "w", LEASE).await.unwrap() {
        Claim::Taken(work) => work,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_same_event_is_one_row_even_within_one_batch() {
    for on in ALL {
        let w = World::new(on).await;
        let one = [
            event(Side::Crm, "a", Some("e1")),
            event(Side::Crm, "a", Some("e1")),
            event(Side::Crm, "a", None),
        ];
        assert_eq!(w.store.enqueue(&one).await.unwrap(), [true, false, true]);
        let again = [
            event(Side::Crm, "a", Some("e1")),
            event(Side::Finance, "a", Some("e1")),
        ];
        assert_eq!(
            w.store.enqueue(&again).await.unwrap(),
            [false, true],
            "the key is unique per source system"
        );
        let rows = w.rows().await;
        assert_eq!(rows.len(), 3);
        assert_eq!(
            rows[0].trace_id.as_deref(),
            Some("0af7651916cd43dd8448eb211c80319c")
        );
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_claim_takes_all_open_rows_of_the_entity_and_nobody_else_gets_any() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [
            event(Side::Crm, "a", None),
            event(Side::Crm, "a", None),
            event(Side::Crm, "b", None),
        ];
        w.store.enqueue(&events).await.unwrap();
        let work = take(&w, events[1].row).await;
        assert_eq!(work.lead.id, events[1].row);
        assert_eq!(
            work.covered.iter().map(|r| r.id).collect::<Vec<_>>(),
            [events[0].row]
        );
        assert!(matches!(
            w.store.claim(events[0].row, "x", LEASE).await.unwrap(),
            Claim::Busy
        ));
        let late = event(Side::Crm, "a", None);
        w.store.enqueue(std::slice::from_ref(&late)).await.unwrap();
        let next = w
            .store
            .commit(&work, &ending(&work, Status::Success))
            .await
            .unwrap();
        assert_eq!(
            next.unwrap().row,
            late.row,
            "the row that came in during the run is found on release"
        );
        let rows = w.rows().await;
        let status = |id| rows.iter().find(|r| r.id == id).unwrap().status;
        assert_eq!(status(events[1].row), Status::Success);
        assert_eq!(status(events[0].row), Status::Skipped);
        assert_eq!(status(late.row), Status::Pending);
        assert_eq!(status(events[2].row), Status::Pending);
        assert!(matches!(
            w.store.claim(events[1].row, "x", LEASE).await.unwrap(),
            Claim::Done
        ));
        w.drop_it().await;
    }
}

#[tokio::test]
async fn many_workers_at_once_one_claim() {
    for on in ALL {
        let w = World::new(on).await;
        let one = event(Side::Crm, "a", None);
        w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
        let claims = (0..16).map(|_| {
            let store = w.store.clone();
            tokio::spawn(async move { store.claim(one.row, "w", LEASE).await.unwrap() })
        });
        let mut taken = 0;
        for claim in claims.collect::<Vec<_>>() {
            taken += u32::from(matches!(claim.await.unwrap(), Claim::Taken(_)));
        }
        assert_eq!(taken, 1);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_lapsed_lease_passes_on_and_fences_out_the_slow() {
    for on in ALL {
        let w = World::new(on).await;
        let one = event(Side::Crm, "a", None);
        w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
        let slow = take(&w, one.row).await;
        assert!(
            w.store.sweep(10, Duration::ZERO).await.unwrap().is_empty(),
            "its lease still holds"
        );
        w.clock.turn(LEASE + Duration::from_secs(1));
        assert_eq!(w.store.sweep(10, Duration::ZERO).await.unwrap().len(), 1);
        let quick = take(&w, one.row).await;
        assert_eq!(quick.lead.lapses, 1);
        assert!(matches!(
            w.store.commit(&slow, &ending(&slow, Status::Success)).await,
            Err(StoreError::Fenced)
        ));
        assert_eq!(
            w.rows().await[0].status,
            Status::InProgress,
            "the fenced commit left nothing behind"
        );
        w.store
            .intend(&quick.lease, &InFlight::new(), LEASE)
            .await
            .unwrap();
        w.store
            .commit(&quick, &ending(&quick, Status::Success))
            .await
            .unwrap();
        assert_eq!(w.rows().await[0].status, Status::Success);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn the_sweeper_finds_what_nobody_was_told_of_and_respects_retry_times() {
    for on in ALL {
        let w = World::new(on).await;
        let mut quiet = event(Side::Crm, "never rung", None);
        quiet.rung = false;
        let events = [
            quiet.clone(),
            event(Side::Crm, "rung now", None),
            event(Side::Crm, "to be retried", None),
        ];
        w.store.enqueue(&events).await.unwrap();
        let work = take(&w, events[2].row).await;
        let mut wait = ending(&work, Status::Pending);
        let at = domain::clock::Clock::now(&*w.clock) + chrono::Duration::seconds(30);
        wait.retry = Some(Retry { at, count: 1, max: 3 });
        assert_eq!(w.store.commit(&work, &wait).await.unwrap(), None);
        let swept = |rings: Vec<domain::ports::Ring>| rings.into_iter().map(|r| r.row).collect::<Vec<_>>();
        let quiet_for = Duration::from_secs(10);
        assert_eq!(swept(w.store.sweep(10, quiet_for).await.unwrap()), [quiet.row]);
        assert!(
            w.store.sweep(10, quiet_for).await.unwrap().is_empty(),
            "not rung for twice"
        );
        assert!(matches!(
            w.store.claim(events[2].row, "w", LEASE).await.unwrap(),
            Claim::NotDue
        ));
        w.clock.turn(Duration::from_secs(11));
        assert_eq!(
            w.store.sweep(1, quiet_for).await.unwrap().len(),
            1,
            "no more than asked for"
        );
        w.clock.turn(Duration::from_secs(30));
        let mut found = swept(w.store.sweep(10, quiet_for).await.unwrap());
        found.sort_unstable();
        assert!(found.contains(&events[2].row));
        let again = take(&w, events[2].row).await;
        assert_eq!(again.lead.retry_count, 1);
        w.store
            .commit(&again, &ending(&again, Status::Success))
            .await
            .unwrap();
        assert!(
            w.retries().await.is_empty(),
            "a finished row is no longer scheduled"
        );
        w.drop_it().await;
    }
}

#[tokio::test]
async fn linking_takes_over_a_free_half_and_refuses_a_foreign_mapping() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [
            event(Side::Crm, "a", None),
            event(Side::Finance, "22", None),
            event(Side::Crm, "b", None),
        ];
        w.store.enqueue(&events).await.unwrap();
        let crm = take(&w, events[0].row).await;
        let finance = take(&w, events[1].row).await;
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
        assert_eq!(next.unwrap().row, events[1].row, "the half's row is ours now");
        let other = take(&w, events[2].row).await;
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
        w.drop_it().await;
    }
}

#[tokio::test]
async fn counts_by_status() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [event(Side::Crm, "a", None), event(Side::Crm, "b", None)];
        w.store.enqueue(&events).await.unwrap();
        take(&w, events[0].row).await;
        w.clock.turn(Duration::from_secs(90));
        let backlog = w.store.backlog().await.unwrap();
        assert_eq!((backlog.pending, backlog.in_progress), (1, 1), "{on:?}");
        assert_eq!(
            backlog.oldest,
            Some(Duration::from_secs(90)),
            "the one under way counts"
        );
        let work = take(&w, events[0].row).await;
        w.store
            .commit(&work, &ending(&work, Status::Failed))
            .await
            .unwrap();
        let stats = w.store.stats().await.unwrap();
        assert_eq!((stats.pending, stats.failed, stats.success), (1, 1, 0));
        let backlog = w.store.backlog().await.unwrap();
        assert_eq!(
            (backlog.pending, backlog.failed, backlog.conflict),
            (1, 1, 0),
            "{on:?}"
        );
        let work = take(&w, events[1].row).await;
        let mut later = ending(&work, Status::Pending);
        later.retry = Some(Retry {
            at: w.clock.now() + Duration::from_secs(60),
            count: 1,
            max: 3,
        });
        w.store.commit(&work, &later).await.unwrap();
        assert_eq!(w.store.backlog().await.unwrap().retries, 1);
        w.clock.turn(Duration::from_secs(61));
        assert_eq!(w.store.backlog().await.unwrap().retries, 0, "it is due");
        assert_eq!(
            w.store.retry(Some(events[1].row)).await.unwrap(),
            0,
            "it has not failed"
        );
        assert_eq!(w.store.retry(Some(events[0].row)).await.unwrap(), 1);
        assert_eq!(w.store.retry(None).await.unwrap(), 0);
        assert_eq!(w.store.stats().await.unwrap().pending, 2);
        w.drop_it().await;
    }
}
