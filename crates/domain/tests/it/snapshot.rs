//! Finance as it was last seen, and the links that pollers tell echoes by.

use std::collections::HashSet;

use domain::base::Base;
use domain::clock::Clock;
use domain::customer::{Field, Kind};
use domain::polls::{ContactNow, FINANCE_CONTACTS, Harvest, PollLease};
use domain::ports::Side;
use domain::store::entities::link;
use domain::store::{EntityType, LinkState};

use crate::polls::{RHYTHM, contact, turn_of};
use crate::world::{World, contract, stored};

contract![
    the_snapshot_knows_when_each_was_seen_so_first_and_who_is_gone,
    links_are_loaded_by_either_id_and_counted_without_halves_and_tombstones,
];

/// A look at finance that comes when one is due, with its contacts and who is gone.
async fn look(w: &World, contacts: Vec<ContactNow>, gone: &[&str]) -> PollLease {
    let turn = turn_of(w, FINANCE_CONTACTS).await;
    let harvest = Harvest {
        contacts,
        missing: gone.iter().map(|code| (*code).to_owned()).collect(),
        ..Harvest::default()
    };
    w.polls.finish(&turn, &harvest).await.unwrap();
    turn
}

async fn the_snapshot_knows_when_each_was_seen_so_first_and_who_is_gone(w: &World) {
    let mobile = [(Field::Mobile, "09121111111")];
    let name = [(Field::Name, "رضا")];
    let first = look(w, vec![contact("22", 1, &[]), contact("23", 1, &mobile)], &[]).await;
    let times = w.polls.contact_times("22").await.unwrap().unwrap();
    assert_eq!((times.seen_at, times.look_before), (first.started_at, None));

    w.clock.turn(RHYTHM.interval);
    let second = look(w, vec![contact("22", 2, &name)], &["23"]).await;
    let times = w.polls.contact_times("22").await.unwrap().unwrap();
    assert_eq!(
        (times.seen_at, times.look_before),
        (second.started_at, Some(first.started_at))
    );
    let seen = w.polls.contacts(&["22", "23", "24"]).await.unwrap();
    assert_eq!(seen, w.polls.contacts_but(&HashSet::new()).await.unwrap());
    let other = w.polls.contacts_but(&HashSet::from(["22".into()])).await.unwrap();
    assert_eq!((other.len(), &other["23"]), (1, &seen["23"]));
    assert!((seen["22"].changes, seen["22"].gone) == (2, false) && seen["22"].checksum.len() == 32);
    assert_eq!((seen["23"].changes, seen["23"].gone), (2, true));
    let last = w.polls.last_look(FINANCE_CONTACTS).await.unwrap().unwrap();
    assert_eq!(
        (last.started_at, last.completed_at),
        (second.started_at, w.clock.now())
    );

    // Told of once more though it looks as before: it is not newer for that. One that comes back is.
    w.clock.turn(RHYTHM.interval);
    let third = look(w, vec![contact("22", 3, &name), contact("23", 3, &mobile)], &[]).await;
    let again = w.polls.contact_times("22").await.unwrap().unwrap();
    assert_eq!(again, times);
    assert_eq!(w.polls.contacts(&["22"]).await.unwrap()["22"].changes, 3);
    let back = w.polls.contact_times("23").await.unwrap().unwrap();
    assert_eq!(
        (back.seen_at, back.look_before),
        (third.started_at, Some(second.started_at))
    );
    assert_eq!(w.polls.last_look("crm:person").await.unwrap(), None);
}

async fn links_are_loaded_by_either_id_and_counted_without_halves_and_tombstones(w: &World) {
    let now = w.clock.now();
    let states = [
        LinkState::Active,
        LinkState::Conflict,
        LinkState::Closed,
        LinkState::New,
    ];
    for (n, state) in states.into_iter().enumerate() {
        let whole = state != LinkState::New;
        let base = Base::new(Kind::Organization);
        let row = link::Model {
            crm_id: Some(format!("c{n}")),
            finance_id: whole.then(|| n.to_string()),
            last_sync_at: (n == 1).then_some(now),
            state,
            ..stored(w, serde_json::to_value(&base).unwrap(), None)
        };
        let base = row.base.clone().filter(|_| whole);
        w.put_link(link::Model { base, ..row }).await;
    }
    assert_eq!(
        w.polls
            .linked_count(Side::Crm, EntityType::Customer)
            .await
            .unwrap(),
        2
    );
    let crm = w.polls.linked(Side::Crm, &["c0", "c3", "unknown"]).await.unwrap();
    assert_eq!(crm.len(), 2);
    assert_eq!(
        crm["c0"].base.as_ref().map(|base| base.kind),
        Some(Kind::Organization)
    );
    assert_eq!((&crm["c3"].base, crm["c3"].state), (&None, LinkState::New));
    let later = now + chrono::Duration::milliseconds(1);
    let written = async |since, look| {
        let written = w.polls.written_since(since, look).await.unwrap();
        written.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(written(now, later).await, ["1"]);
    assert!(written(later, later).await.is_empty());
    look(w, vec![contact("1", 1, &[])], &[]).await;
    assert!(written(now, later).await.is_empty(), "seen since as it looks now");
    assert_eq!(
        written(now, now).await,
        ["1"],
        "it may have been seen before it was written"
    );
    let finance = w.polls.linked(Side::Finance, &["2"]).await.unwrap();
    assert_eq!(finance["2"].state, LinkState::Closed);
}
