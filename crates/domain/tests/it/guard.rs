//! What the guard holds: released or dropped as a whole, and once.

use std::collections::HashSet;

use domain::clock::Clock;
use domain::message::{Code, Message};
use domain::polls::{Begin, FINANCE_CONTACTS, Harvest, Held, Verdict};
use domain::ports::Side;
use domain::store::entities::log;
use domain::store::{EntityType, Status, message_of};
use uuid::Uuid;

use crate::polls::{RHYTHM, contact, found, turn_of};
use crate::world::{World, contract};

contract![
    what_is_released_is_released_as_a_whole_and_once,
    what_is_dropped_is_dropped_as_a_whole_and_once,
    case_18_what_was_heard_of_since_is_held_no_more_and_the_hold_ends_by_itself
];

async fn what_is_released_is_released_as_a_whole_and_once(w: &World) {
    settle(w, Verdict::Release).await;
}

async fn what_is_dropped_is_dropped_as_a_whole_and_once(w: &World) {
    settle(w, Verdict::Drop).await;
}

async fn settle(w: &World, verdict: Verdict) {
    let why = Message::new(Code::TooManyChanges)
        .with("changes", 600)
        .with("limit", 500);
    let guard = hold(w, &why).await;
    is_held_as_a_whole(w, guard).await;
    let held = w.polls.held(None).await.unwrap().remove(0);
    assert_eq!((held.changes, held.row, held.examples.len()), (600, guard, 10));
    assert_eq!(held.why, why);
    assert_eq!(
        by_two_operators(w, &held, verdict).await,
        600,
        "two operators at once settle it once"
    );
    is_settled(w, guard, verdict, &why).await;
}

/// A look that the guard holds: 600 contacts changed, the first of them vanished. Says the guard's row.
async fn hold(w: &World, why: &Message) -> Uuid {
    let turn = turn_of(w, FINANCE_CONTACTS).await;
    let codes: Vec<String> = (1..=600).map(|n| n.to_string()).collect();
    let mut changes: Vec<_> = codes
        .iter()
        .map(|code| found(code, &format!("poll:{code}:1")))
        .collect();
    changes[0].vanished = true;
    let harvest = Harvest {
        payload: serde_json::json!({"poll": FINANCE_CONTACTS}),
        changes,
        contacts: codes.iter().map(|code| contact(code, 1, &[])).collect(),
        hold: Some(why.clone()),
        ring: 100,
        ..Harvest::default()
    };
    let stored = w.polls.finish(&turn, &harvest).await.unwrap();
    assert_eq!((stored.rows, stored.rings.len()), (0, 0));
    stored.held_by.unwrap()
}

async fn is_held_as_a_whole(w: &World, guard: Uuid) {
    let rows = w.rows().await;
    assert!(rows.len() == 1 && rows[0].id == guard && rows[0].status == Status::Conflict);
    assert_eq!(rows[0].source_entity_id, FINANCE_CONTACTS);
    assert_eq!(
        w.polls.contacts_but(&HashSet::new()).await.unwrap().len(),
        600,
        "the snapshot has moved on"
    );
    w.clock.turn(RHYTHM.interval);
    assert_eq!(
        w.polls.begin(FINANCE_CONTACTS, "a", RHYTHM).await.unwrap(),
        Begin::Held(guard)
    );
    let known = w.polls.known_events(Side::Finance, &["poll:1:1"]).await.unwrap();
    assert_eq!(known.len(), 1, "held is known");
    assert!(w.polls.held(Some("crm:person")).await.unwrap().is_empty());
}

/// How many rows both settle together.
async fn by_two_operators(w: &World, held: &Held, verdict: Verdict) -> u64 {
    let twice = [w.polls.clone(), w.polls.clone()].map(|store| {
        let held = held.clone();
        tokio::spawn(async move { store.settle(&held, verdict).await.unwrap() })
    });
    let mut made = 0;
    for one in twice {
        made += one.await.unwrap();
    }
    made
}

async fn is_settled(w: &World, guard: Uuid, verdict: Verdict, why: &Message) {
    let (expected, code) = match verdict {
        Verdict::Release => ((600, 0, Status::Success), Code::HoldReleased),
        Verdict::Drop => ((0, 600, Status::Skipped), Code::HoldDropped),
        Verdict::Done => unreachable!("no operator says so"),
    };
    let rows = w.rows().await;
    let of = |status| {
        rows.iter()
            .filter(|row| row.status == status && row.id != guard)
            .count()
    };
    let settled = rows.iter().find(|row| row.id == guard).unwrap();
    assert_eq!(
        (of(Status::Pending), of(Status::Skipped), settled.status),
        expected
    );
    assert!(w.polls.held(None).await.unwrap().is_empty());
    turn_of(w, FINANCE_CONTACTS).await;
    let gone = |row: &&log::Model| {
        row.trigger_payload
            .as_ref()
            .is_some_and(|p| p["vanished"] == true)
    };
    assert_eq!(
        rows.iter().filter(gone).count(),
        1,
        "a record that is missing is held as missing"
    );
    let said = Message::new(code).with_message("why", why).with("rows", 600);
    assert_eq!(message_of(settled), Some(said));
    assert!(settled.error_message.as_ref().unwrap().ends_with(": 600 rows]"));
}

async fn case_18_what_was_heard_of_since_is_held_no_more_and_the_hold_ends_by_itself(w: &World) {
    let why = Message::new(Code::TooManyChanges)
        .with("changes", 600)
        .with("limit", 500);
    let guard = hold(w, &why).await;
    let since = w.clock.now();
    w.clock.turn(RHYTHM.interval);
    for code in ["7", "8"] {
        w.enqueue(Side::Finance, code).await;
    }
    let of = (Side::Finance, EntityType::Customer);
    let in_hand = async |since| {
        let in_hand = w.polls.in_hand(of, &["7", "9"], since).await.unwrap();
        in_hand.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(in_hand(since).await, ["7"]);
    assert_eq!(
        in_hand(w.clock.now() + RHYTHM.interval).await,
        ["7"],
        "it is open"
    );
    let begin = || w.polls.begin(FINANCE_CONTACTS, "a", RHYTHM);
    assert_eq!(begin().await.unwrap(), Begin::Held(guard));
    let held = w.polls.held_changes(FINANCE_CONTACTS).await.unwrap();
    assert_eq!(held.len(), 598);
    assert_eq!(held.iter().filter(|change| change.vanished).count(), 1);
    let rest: Vec<&str> = held.iter().map(|change| change.event_id.as_str()).collect();
    w.polls.let_go(FINANCE_CONTACTS, &rest[1..]).await.unwrap();
    assert_eq!(begin().await.unwrap(), Begin::Held(guard), "one is left");
    w.polls.let_go(FINANCE_CONTACTS, &rest[..1]).await.unwrap();
    assert!(matches!(begin().await.unwrap(), Begin::Taken(_)));
    let rows = w.rows().await;
    let settled = rows.iter().find(|row| row.id == guard).unwrap();
    assert_eq!(settled.status, Status::Skipped);
    let said = Message::new(Code::HoldDone)
        .with_message("why", &why)
        .with("rows", 0);
    assert_eq!(message_of(settled), Some(said));
}
