//! What rows say, as data, and which rows a run has covered.

use domain::message::{Code, Message};
use domain::ports::Side;
use domain::store::{LinkState, Outcome, Status, message_of};

use crate::world::{World, contract, ending, entity, event, take, words};

contract![
    earlier_conflicts_end_with_a_run_that_ends,
    codes_and_arguments_come_back,
    a_covered_row_names_its_leader_and_is_no_last_run,
    a_conflict_that_a_link_settles_keeps_what_it_said,
];

async fn earlier_conflicts_end_with_a_run_that_ends(w: &World) {
    let events: Vec<_> = (0..3).map(|_| event(Side::Crm, "a", None)).collect();
    let mut seen = Vec::new();
    for (one, status) in events
        .iter()
        .zip([Status::Conflict, Status::Pending, Status::Conflict])
    {
        w.store.enqueue(std::slice::from_ref(one)).await.unwrap();
        let work = take(w, one.row).await;
        let mut end = ending(&work, status);
        end.link.as_mut().unwrap().state = LinkState::Conflict;
        end.outcome.message = Some(words(&format!("{status:?}")));
        w.store.commit(&work, &end).await.unwrap();
        let rows = w.rows().await;
        seen.push(
            events
                .iter()
                .map(|e| rows.iter().find(|r| r.id == e.row).map(|r| r.status))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(seen[1][..2], [Some(Status::Conflict), Some(Status::Pending)]);
    assert_eq!(
        seen[2],
        [
            Some(Status::Skipped),
            Some(Status::Skipped),
            Some(Status::Conflict)
        ],
        "one open conflict per entity"
    );
    let rows = w.rows().await;
    let first = rows.iter().find(|r| r.id == events[0].row).unwrap();
    assert_eq!(
        (first.error_code.as_deref(), first.covered_by),
        (Some("settled_by_run"), Some(events[2].row))
    );
    let why = first.error_message.as_deref().unwrap();
    assert!(
        why.contains(&events[2].row.to_string()) && why.ends_with(": Conflict"),
        "{why}"
    );
}

async fn codes_and_arguments_come_back(w: &World) {
    let row = w.enqueue(Side::Crm, "a").await;
    let work = take(w, row).await;
    let inner = Message::new(Code::Refused)
        .with("side", "finance")
        .with("words", "تکراری «{x}» 'a'");
    let said = Message::new(Code::CustomerFailed)
        .with("row", row)
        .with_message("why", &inner);
    let mut done = ending(&work, Status::Failed);
    done.outcome.message = Some(said.clone());
    done.audits = vec![(
        Side::Finance,
        Outcome::new(Status::Success, Message::new(Code::InStep)),
    )];
    w.store.commit(&work, &done).await.unwrap();
    let lead = w.row(row).await;
    assert_eq!(lead.error_code.as_deref(), Some(Code::CustomerFailed.as_str()));
    assert_eq!(lead.error_message, Some(said.english()));
    assert_eq!(message_of(&lead), Some(said.clone()));
    let rows = w.rows().await;
    let audit = rows.iter().find(|other| other.id != row).unwrap();
    assert_eq!(
        (audit.error_code.as_deref(), &audit.error_arguments),
        (Some("in_step"), &None)
    );
    assert_eq!(audit.error_message.as_deref(), Some("in step already"));
    let last = w.store.last_run(work.lease.link).await.unwrap().unwrap();
    assert_eq!((last.row, last.message), (row, Some(said)));
    // What a newer version says is kept as it says it.
    let row = w.enqueue(Side::Crm, "a").await;
    let work = take(w, row).await;
    let newer = Message::new(Code::named("from_tomorrow")).with("a", "b");
    let mut done = ending(&work, Status::Failed);
    done.outcome.message = Some(newer.clone());
    w.store.commit(&work, &done).await.unwrap();
    assert_eq!(message_of(&w.row(row).await), Some(newer));
}

async fn a_covered_row_names_its_leader_and_is_no_last_run(w: &World) {
    let events: Vec<_> = (0..3).map(|_| event(Side::Crm, "a", None)).collect();
    w.store.enqueue(&events).await.unwrap();
    let lead = events[1].row;
    let work = take(w, lead).await;
    assert_eq!(work.covered.len(), 2);
    w.store
        .commit(&work, &ending(&work, Status::Success))
        .await
        .unwrap();
    for event in [&events[0], &events[2]] {
        let covered = w.row(event.row).await;
        assert_eq!(
            (covered.status, covered.covered_by),
            (Status::Skipped, Some(lead))
        );
        let said = Message::new(Code::CoveredBy).with("row", lead);
        assert_eq!(message_of(&covered), Some(said));
        assert_eq!(covered.error_message, Some(format!("covered by {lead}")));
        assert!(covered.completed_at.is_some());
    }
    let own = w.row(lead).await;
    assert_eq!(
        (own.covered_by, own.error_code, own.error_message),
        (None, None, None)
    );
    let last = w.store.last_run(work.lease.link).await.unwrap().unwrap();
    assert_eq!((last.row, last.status), (lead, Status::Success));
    // A run that has nothing to do is one, though its row is skipped, too.
    let row = w.enqueue(Side::Crm, "a").await;
    w.clock.turn(std::time::Duration::from_secs(1));
    let work = take(w, row).await;
    w.store
        .commit(&work, &ending(&work, Status::Skipped))
        .await
        .unwrap();
    assert_eq!(w.store.last_run(work.lease.link).await.unwrap().unwrap().row, row);
}

async fn a_conflict_that_a_link_settles_keeps_what_it_said(w: &World) {
    let theirs = w.enqueue(Side::Finance, "22").await;
    let work = take(w, theirs).await;
    let mut doubt = ending(&work, Status::Conflict);
    let link = doubt.link.as_mut().unwrap();
    (link.base, link.state) = (None, LinkState::Conflict);
    doubt.outcome.message = Some(words("who is it?"));
    w.store.commit(&work, &doubt).await.unwrap();
    let ours = w.enqueue(Side::Crm, "a").await;
    let ours = take(w, ours).await;
    let survivor = entity(Side::Finance, "22");
    assert!(
        w.store.link(&ours.lease, &survivor).await.is_err(),
        "it waits for a human"
    );
    w.store.take_over(&ours.lease, &survivor).await.unwrap();
    let row = w.row(theirs).await;
    assert_eq!((row.status, row.covered_by), (Status::Skipped, None));
    assert_eq!(row.error_code.as_deref(), Some("settled_by_link"));
    let text = row.error_message.unwrap();
    assert_eq!(text, "settled when finance 22 was linked: who is it?");
    assert_eq!(row.entity_mapping_id, Some(ours.link.id));
}
