//! Match locks: reserved all or none, and never longer than their holder lives.

use domain::base::Base;
use domain::clock::Clock;
use domain::customer::Kind;
use domain::in_flight::{InFlight, Update, Write};
use domain::ports::Side;
use domain::store::{Intended, Status, Work};

use crate::world::{LEASE, World, contract, create, ending, entity, event, known, take};

contract![
    match_keys_are_reserved_all_or_none_until_nothing_is_being_created,
    a_lock_goes_with_the_link_that_is_dropped,
    a_lock_goes_with_the_link_that_is_taken_over,
    a_meeting_that_was_killed_after_its_intent_gives_its_locks_back,
    whoever_is_met_anew_gives_its_locks_back,
    of_two_who_want_the_same_keys_one_gets_them_all,
];

async fn match_keys_are_reserved_all_or_none_until_nothing_is_being_created(w: &World) {
    let events = [event(Side::Crm, "a", None), event(Side::Crm, "b", None)];
    w.store.enqueue(&events).await.unwrap();
    let (a, b) = (take(w, events[0].row).await, take(w, events[1].row).await);
    let keys = |keys: &[&str]| keys.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>();
    let lock = async |work: &domain::store::Work, of: &[&str]| {
        let holder = w.store.lock(&work.lease, &keys(of)).await.unwrap();
        holder.map(|holder| (holder.link, holder.waits))
    };
    assert_eq!(lock(&a, &["mobile", "name"]).await, None);
    assert_eq!(lock(&a, &["name", "mobile"]).await, None, "its own");
    assert_eq!(lock(&b, &["email", "name"]).await, Some((a.link.id, true)));
    assert_eq!(lock(&a, &["email"]).await, None, "none of them was taken");
    // It waits for what it has created: the keys stay reserved.
    let mut waits = ending(&a, Status::Conflict);
    let link = waits.link.as_mut().unwrap();
    link.base = None;
    link.in_flight = InFlight(vec![create(Side::Finance, w.clock.now())]);
    w.store.commit(&a, &waits).await.unwrap();
    assert_eq!(lock(&b, &["name"]).await, Some((a.link.id, false)));
    w.store.enqueue(&[event(Side::Crm, "a", None)]).await.unwrap();
    let row = w
        .rows()
        .await
        .into_iter()
        .find(|row| row.status == Status::Pending)
        .unwrap();
    let again = take(w, row.id).await;
    let mut done = ending(&again, Status::Success);
    done.link.as_mut().unwrap().in_flight = InFlight::none();
    w.store.commit(&again, &done).await.unwrap();
    assert_eq!(lock(&b, &["mobile", "email", "name"]).await, None);
}

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

async fn a_lock_goes_with_the_link_that_is_dropped(w: &World) {
    let row = w.enqueue(Side::Crm, "a").await;
    let work = take(w, row).await;
    assert_eq!(w.store.lock(&work.lease, &keys(&["name"])).await.unwrap(), None);
    let mut gone = ending(&work, Status::Skipped);
    gone.link = None;
    w.store.commit(&work, &gone).await.unwrap();
    assert!(w.links().await.is_empty());
    assert!(w.locks().await.is_empty());
}

/// Its run was killed in the middle of the meeting, and the other end takes its half over.
async fn a_lock_goes_with_the_link_that_is_taken_over(w: &World) {
    let events = [event(Side::Finance, "22", None), event(Side::Crm, "a", None)];
    w.store.enqueue(&events).await.unwrap();
    let theirs = take(w, events[0].row).await;
    assert_eq!(
        w.store
            .lock(&theirs.lease, &keys(&["mobile", "name"]))
            .await
            .unwrap(),
        None
    );
    w.clock.turn(LEASE);
    let ours = take(w, events[1].row).await;
    let holder = w.store.lock(&ours.lease, &keys(&["mobile"])).await.unwrap();
    assert_eq!(
        holder.map(|holder| holder.link),
        Some(theirs.link.id),
        "a dead run's are its own still"
    );
    assert_eq!(w.store.lock(&ours.lease, &keys(&["email"])).await.unwrap(), None);
    w.store
        .link(&ours.lease, &entity(Side::Finance, "22"))
        .await
        .unwrap();
    assert_eq!(w.locks().await, ["email"]);
    assert_eq!(
        w.store
            .lock(&ours.lease, &keys(&["mobile", "name"]))
            .await
            .unwrap(),
        None
    );
}

/// From its intent on the base is known, so that the next run can't tell by that whether the first was a meeting.
async fn a_meeting_that_was_killed_after_its_intent_gives_its_locks_back(w: &World) {
    let row = w.enqueue(Side::Crm, "a").await;
    let killed = take(w, row).await;
    assert_eq!(w.store.lock(&killed.lease, &keys(&["name"])).await.unwrap(), None);
    let base = Base::new(Kind::Person);
    let sent = InFlight(vec![Write::Update(Update {
        side: Side::Finance,
        at: w.clock.now(),
        fields: Default::default(),
        overtaken: false,
        answered: None,
        decided: Vec::new(),
    })]);
    let intended = Intended {
        in_flight: &sent,
        base: Some(&base),
    };
    w.store.intend(&killed.lease, intended, LEASE).await.unwrap();
    w.clock.turn(LEASE);
    let next = take(w, row).await;
    assert_eq!(w.locks().await, ["name"]);
    let mut done = ending(&next, Status::Success);
    done.link.as_mut().unwrap().in_flight = InFlight::none();
    w.store.commit(&next, &done).await.unwrap();
    assert!(w.locks().await.is_empty());
}

/// In whatever order each names them; and whoever was fenced out has none.
/// Restored, while its counterpart was linked with another: much is known of it, and it is met like a new one.
async fn whoever_is_met_anew_gives_its_locks_back(w: &World) {
    let row = w.enqueue(Side::Crm, "a").await;
    let work = take(w, row).await;
    let mut left = ending(&work, Status::Success);
    let link = left.link.as_mut().unwrap();
    (link.finance_id, link.base) = (None, Some(Base::new(Kind::Person)));
    w.store.commit(&work, &left).await.unwrap();
    let row = w.enqueue(Side::Crm, "a").await;
    let work = take(w, row).await;
    assert!(work.link.base.is_some() && !work.link.is_whole());
    assert_eq!(w.store.lock(&work.lease, &keys(&["name"])).await.unwrap(), None);
    let mut asked = ending(&work, Status::Conflict);
    asked.link.as_mut().unwrap().finance_id = None;
    w.store.commit(&work, &asked).await.unwrap();
    assert!(w.locks().await.is_empty());
}

async fn of_two_who_want_the_same_keys_one_gets_them_all(w: &World) {
    let events: Vec<_> = (0..8).map(|n| event(Side::Crm, &format!("c{n}"), None)).collect();
    w.store.enqueue(&events).await.unwrap();
    let mut works: Vec<Box<Work>> = Vec::new();
    for event in &events {
        works.push(take(w, event.row).await);
    }
    for round in 0..5 {
        let mut wanted = keys(&["a", "b", "c", "d", "e"]);
        wanted.iter_mut().for_each(|key| key.push_str(&round.to_string()));
        let race = works.iter().enumerate().map(|(n, work)| {
            let (store, lease, mut wanted) = (w.store.clone(), work.lease.clone(), wanted.clone());
            wanted.rotate_left(n % 5);
            tokio::spawn(async move { store.lock(&lease, &wanted).await.unwrap() })
        });
        let race: Vec<_> = race.collect();
        let mut got = 0;
        for one in race {
            got += u32::from(one.await.unwrap().is_none());
        }
        assert_eq!(got, 1);
        assert_eq!(w.locks().await.len(), 5 * (round + 1));
    }
    w.clock.turn(LEASE);
    let late = w.store.lock(&works[0].lease, &keys(&["z"])).await;
    assert!(matches!(late, Err(domain::store::StoreError::Fenced)));
    let late = w
        .store
        .intend(&works[0].lease, known(&InFlight::none()), LEASE)
        .await;
    assert!(late.is_err());
}
