//! The inbox: events become rows once, are claimed by one, found again, and tried again.

use std::time::Duration;

use domain::clock::Clock;
use domain::ports::Side;
use domain::store::{Claim, Committed, Retry, Status};

use crate::world::{LEASE, World, contract, ending, event, take, words};

contract![
    the_same_event_is_one_row_even_within_one_batch,
    a_row_written_twice_because_the_answer_was_lost_is_one_row,
    a_claim_takes_all_open_rows_of_the_entity_and_nobody_else_gets_any,
    many_workers_at_once_one_claim,
    a_row_that_is_closed_while_it_is_claimed_leaves_no_lease_behind,
    lapses_are_counted_release_is_none,
    the_sweeper_finds_what_nobody_was_told_of_and_respects_retry_times,
    what_is_closed_is_no_longer_scheduled,
    counts_by_status,
    a_row_that_is_retried_says_what_it_said_until_its_next_outcome,
];

async fn the_same_event_is_one_row_even_within_one_batch(w: &World) {
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
}

async fn a_row_written_twice_because_the_answer_was_lost_is_one_row(w: &World) {
    let one = event(Side::Crm, "a", None);
    assert_eq!(w.store.enqueue(std::slice::from_ref(&one)).await.unwrap(), [true]);
    let again = [one, event(Side::Crm, "b", None)];
    assert_eq!(w.store.enqueue(&again).await.unwrap(), [false, true]);
    assert_eq!(w.rows().await.len(), 2);
}

async fn a_claim_takes_all_open_rows_of_the_entity_and_nobody_else_gets_any(w: &World) {
    let events = [
        event(Side::Crm, "a", None),
        event(Side::Crm, "a", None),
        event(Side::Crm, "b", None),
    ];
    w.store.enqueue(&events).await.unwrap();
    let work = take(w, events[1].row).await;
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
        next.next.unwrap().row,
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
}

async fn many_workers_at_once_one_claim(w: &World) {
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
}

async fn a_row_that_is_closed_while_it_is_claimed_leaves_no_lease_behind(w: &World) {
    let events = [event(Side::Crm, "a", None), event(Side::Crm, "a", None)];
    w.store.enqueue(&events).await.unwrap();
    let work = take(w, events[0].row).await;
    // The ring of the second comes when the first run, which covers it, is just ending: over and over again, as there
    // is no way to stop between two statements of one claim.
    let (claims, commit) = tokio::join!(
        futures::future::join_all((0..20).map(|_| w.store.claim(events[1].row, "late", LEASE))),
        async {
            let done = ending(&work, Status::Success);
            w.store.commit(&work, &done).await
        }
    );
    commit.unwrap();
    for claim in claims {
        assert!(matches!(claim.unwrap(), Claim::Done | Claim::Busy));
    }
    let link = w.links().await.remove(0);
    assert_eq!((link.lease_owner, link.lease_until), (None, None));
}

async fn lapses_are_counted_release_is_none(w: &World) {
    let one = event(Side::Crm, "a", None);
    w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
    for lapses in 0..10 {
        assert_eq!(take(w, one.row).await.lead.lapses, lapses);
        w.clock.turn(LEASE + Duration::from_secs(1));
    }
    let work = take(w, one.row).await;
    assert_eq!(work.lead.lapses, 10);
    w.store.release(&work).await.unwrap();
    let row = &w.rows().await[0];
    assert_eq!((row.status, row.rung_at, row.lapses), (Status::Pending, None, 10));
    assert_eq!(take(w, one.row).await.lead.lapses, 10);
}

async fn the_sweeper_finds_what_nobody_was_told_of_and_respects_retry_times(w: &World) {
    let mut quiet = event(Side::Crm, "never rung", None);
    quiet.rung = false;
    let events = [
        quiet.clone(),
        event(Side::Crm, "rung now", None),
        event(Side::Crm, "to be retried", None),
    ];
    w.store.enqueue(&events).await.unwrap();
    let work = take(w, events[2].row).await;
    let mut wait = ending(&work, Status::Pending);
    let at = w.clock.now() + chrono::Duration::seconds(30);
    wait.retry = Some(Retry { at, count: 1, max: 3 });
    assert_eq!(w.store.commit(&work, &wait).await.unwrap(), Committed::default());
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
    let again = take(w, events[2].row).await;
    assert_eq!(again.lead.retry_count, 1);
    w.store
        .commit(&again, &ending(&again, Status::Success))
        .await
        .unwrap();
    assert!(
        w.retries().await.is_empty(),
        "a finished row is no longer scheduled"
    );
}

async fn what_is_closed_is_no_longer_scheduled(w: &World) {
    let events = [event(Side::Crm, "a", None), event(Side::Crm, "a", None)];
    // A wait that counts as no try, then one that does.
    for (count, round) in [(0, 0), (1, 1)] {
        let one = &events[round];
        w.store.enqueue(std::slice::from_ref(one)).await.unwrap();
        let work = take(w, one.row).await;
        let mut wait = ending(&work, Status::Pending);
        let at = w.clock.now() + chrono::Duration::seconds(30);
        wait.outcome.error_class = Some("dependency");
        wait.retry = Some(Retry { at, count, max: 3 });
        w.store.commit(&work, &wait).await.unwrap();
        assert!(matches!(
            w.store.claim(one.row, "w", LEASE).await.unwrap(),
            Claim::NotDue
        ));
        if round == 1 {
            let covered = w
                .rows()
                .await
                .into_iter()
                .find(|r| r.id == events[0].row)
                .unwrap();
            assert_eq!(covered.status, Status::Skipped);
            assert_eq!(w.retries().await.len(), 1, "the covered row's entry went with it");
            assert_eq!(w.retries().await[0].retry_count, 1);
        }
    }
    w.clock.turn(Duration::from_secs(31));
    let work = take(w, events[1].row).await;
    w.store
        .commit(&work, &ending(&work, Status::Success))
        .await
        .unwrap();
    assert!(w.retries().await.is_empty());
}

async fn counts_by_status(w: &World) {
    let events = [event(Side::Crm, "a", None), event(Side::Crm, "b", None)];
    w.store.enqueue(&events).await.unwrap();
    take(w, events[0].row).await;
    w.clock.turn(Duration::from_secs(90));
    let backlog = w.store.backlog().await.unwrap();
    assert_eq!((backlog.pending, backlog.in_progress), (1, 1));
    assert_eq!(
        backlog.oldest,
        Some(Duration::from_secs(90)),
        "the one under way counts"
    );
    let work = take(w, events[0].row).await;
    w.store
        .commit(&work, &ending(&work, Status::Failed))
        .await
        .unwrap();
    let stats = w.store.stats().await.unwrap();
    assert_eq!((stats.pending, stats.failed, stats.success), (1, 1, 0));
    let backlog = w.store.backlog().await.unwrap();
    assert_eq!((backlog.pending, backlog.failed, backlog.conflict), (1, 1, 0));
    let work = take(w, events[1].row).await;
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
}

/// Also of a row that no run has ended with an error: nothing of an earlier outcome is lost by being tried again.
async fn a_row_that_is_retried_says_what_it_said_until_its_next_outcome(w: &World) {
    let row = w.enqueue(Side::Crm, "a").await;
    let work = take(w, row).await;
    let mut failed = ending(&work, Status::Failed);
    failed.outcome.message = Some(words("refused"));
    failed.outcome.error_class = Some("refused");
    w.store.commit(&work, &failed).await.unwrap();
    let said = |row: &domain::store::entities::log::Model| {
        (
            row.error_code.clone(),
            row.error_arguments.clone(),
            row.error_message.clone(),
            row.error_class.clone(),
        )
    };
    let before = said(&w.row(row).await);
    assert!(before.0.is_some() && before.1.is_some() && before.2.is_some());
    assert_eq!(w.store.retry(Some(row)).await.unwrap(), 1);
    assert_eq!(said(&w.row(row).await), before);
    let work = take(w, row).await;
    assert_eq!(said(&w.row(row).await), before, "while it runs, too");
    w.store.release(&work).await.unwrap();
    let work = take(w, row).await;
    w.store
        .commit(&work, &ending(&work, Status::Success))
        .await
        .unwrap();
    assert_eq!(said(&w.row(row).await), (None, None, None, None));
}
