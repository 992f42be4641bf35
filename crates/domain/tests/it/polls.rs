//! What the pollers keep: whose turn it is, and what a look brings.

use std::time::Duration;

use domain::customer::{Customer, Field, Kind};
use domain::message::{Code, Message};
use domain::polls::{Begin, ContactNow, Found, Harvest, PollLease, Rhythm};
use domain::ports::Side;
use domain::store::{Status, StoreError, message_of};

use crate::world::{World, contract};

contract![
    one_process_polls_at_a_time_and_another_takes_over_when_it_dies,
    a_look_is_stored_whole_and_its_events_once,
];

pub const RHYTHM: Rhythm = Rhythm {
    interval: Duration::from_secs(300),
    lease: Duration::from_secs(60),
};

pub async fn turn_of(w: &World, poll: &str) -> PollLease {
    match w.polls.begin(poll, "a", RHYTHM).await.unwrap() {
        Begin::Taken(turn) => turn,
        other => panic!("{other:?}"),
    }
}

pub fn found(id: &str, event_id: &str) -> Found {
    Found {
        id: id.to_owned(),
        event_id: event_id.to_owned(),
        vanished: false,
        problem: None,
    }
}

pub fn contact(code: &str, changes: i64, values: &[(Field, &str)]) -> ContactNow {
    let customer = values
        .iter()
        .fold(Customer::new(Kind::Person), |c, (f, v)| c.with(*f, *v));
    ContactNow::new(code.to_owned(), &customer, changes)
}

async fn one_process_polls_at_a_time_and_another_takes_over_when_it_dies(w: &World) {
    let begins = (0..8).map(|n| {
        let store = w.polls.clone();
        tokio::spawn(async move { store.begin("crm:person", &format!("p{n}"), RHYTHM).await.unwrap() })
    });
    let mut taken = Vec::new();
    for begin in begins.collect::<Vec<_>>() {
        if let Begin::Taken(turn) = begin.await.unwrap() {
            taken.push(turn);
        }
    }
    let [dead] = &taken[..] else {
        panic!("{} have the turn", taken.len())
    };
    assert!(matches!(
        w.polls.begin("crm:person", "b", RHYTHM).await.unwrap(),
        Begin::Busy(_)
    ));
    w.clock.turn(Duration::from_secs(50));
    w.polls.renew(dead, RHYTHM.lease).await.unwrap();
    w.clock.turn(Duration::from_secs(50));
    assert!(matches!(
        w.polls.begin("crm:person", "b", RHYTHM).await.unwrap(),
        Begin::Busy(_)
    ));
    w.clock.turn(Duration::from_secs(11));
    let next = turn_of(w, "crm:person").await;
    assert!(
        next.token > dead.token,
        "taken over at once, though the interval is longer"
    );
    let late = Harvest {
        changes: vec![found("x", "poll:x:1")],
        ..Harvest::default()
    };
    assert!(matches!(
        w.polls.finish(dead, &late).await,
        Err(StoreError::Fenced)
    ));
    assert!(matches!(
        w.polls.renew(dead, RHYTHM.lease).await,
        Err(StoreError::Fenced)
    ));
    assert!(w.rows().await.is_empty(), "the fenced look left nothing behind");
    w.polls.finish(&next, &Harvest::default()).await.unwrap();
    let Begin::NotDue(wait) = w.polls.begin("crm:person", "b", RHYTHM).await.unwrap() else {
        panic!("due too early")
    };
    assert_eq!(wait, RHYTHM.interval);
    w.clock.turn(RHYTHM.interval);
    let failed = turn_of(w, "crm:person").await;
    w.polls.give_back(&failed, Duration::from_secs(5)).await.unwrap();
    w.clock.turn(Duration::from_secs(5));
    let again = turn_of(w, "crm:person").await;
    assert_eq!(again.last.map(|look| look.started_at), Some(next.started_at));
}

async fn a_look_is_stored_whole_and_its_events_once(w: &World) {
    let turn = turn_of(w, "crm:person").await;
    assert_eq!((turn.cursor.as_deref(), turn.last), (None, None));
    let mut bad = found("no id", "poll:aside:1");
    bad.problem = Some(Message::new(Code::SetAside));
    let many: Vec<Found> = (0..1200)
        .map(|n| found(&format!("c{n}"), &format!("poll:c{n}:t")))
        .collect();
    let harvest = Harvest {
        changes: many.iter().cloned().chain([bad]).collect(),
        cursor: Some("2025-12-21T14:06:17.173".to_owned()),
        payload: serde_json::json!({"poll": "crm:person"}),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        ring: 700,
        ..Harvest::default()
    };
    let stored = w.polls.finish(&turn, &harvest).await.unwrap();
    assert_eq!(
        (stored.rows, stored.rings.len(), stored.held_by),
        (1201, 700, None)
    );
    let rows = w.rows().await;
    assert_eq!(rows.iter().filter(|row| row.rung_at.is_some()).count(), 700);
    let aside = rows.iter().find(|row| row.source_entity_id == "no id").unwrap();
    assert_eq!(aside.status, Status::Failed);
    assert_eq!(message_of(aside), Some(Message::new(Code::SetAside)));
    assert!(aside.error_message.as_ref().unwrap().contains("set aside"));
    assert!(
        rows.iter()
            .all(|row| row.trace_id.is_some() && row.direction == "CRM_TO_FINANCE")
    );
    let events: Vec<&str> = many
        .iter()
        .map(|change| change.event_id.as_str())
        .chain(["new"])
        .collect();
    let known = w.polls.known_events(Side::Crm, &events).await.unwrap();
    assert!(known.len() == 1200 && !known.contains("new"));
    w.clock.turn(RHYTHM.interval);
    let turn = turn_of(w, "crm:person").await;
    assert_eq!(turn.cursor.as_deref(), Some("2025-12-21T14:06:17.173"));
    let again = Harvest {
        changes: many,
        ..Harvest::default()
    };
    assert_eq!(
        w.polls.finish(&turn, &again).await.unwrap().rows,
        0,
        "heard twice is one row"
    );
    w.clock.turn(RHYTHM.interval);
    let turn = turn_of(w, "crm:person").await;
    assert_eq!(
        turn.cursor.as_deref(),
        Some("2025-12-21T14:06:17.173"),
        "no new value leaves the old one"
    );
}
