//! What processes share about the outside systems.

use std::time::Duration;

use domain::breaker::{Open, Shared};
use domain::clock::Clock;
use domain::outside::OutsideStore;
use domain::ports::Side;

use crate::world::{World, contract};

contract![
    of_two_who_change_a_breaker_one_does,
    places_in_the_line_are_given_once_and_not_beyond_patience,
];

async fn of(store: &dyn OutsideStore, side: Side) -> Shared {
    let mut all = store.breakers().await.unwrap().into_iter();
    all.find(|(system, _)| *system == side).unwrap().1
}

async fn of_two_who_change_a_breaker_one_does(w: &World) {
    let store = &w.outside;
    assert_eq!(of(&**store, Side::Crm).await, Shared::default());
    let now = w.clock.now();
    let open = Open {
        since: now,
        probe_at: now + Duration::from_secs(1),
        probes: 2,
    };
    let race = (0..8).map(|_| store.swap(Side::Finance, 0, Some(open)));
    let won = futures::future::join_all(race).await;
    assert_eq!(won.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
    let shared = of(&**store, Side::Finance).await;
    assert_eq!(
        shared,
        Shared {
            version: 1,
            open: Some(open)
        }
    );
    assert_eq!(
        of(&**store, Side::Crm).await,
        Shared::default(),
        "the other system's"
    );
    assert!(!store.swap(Side::Finance, 0, None).await.unwrap());
    assert!(store.swap(Side::Finance, 1, None).await.unwrap());
    assert_eq!(
        of(&**store, Side::Finance).await,
        Shared {
            version: 2,
            open: None
        }
    );
}

async fn places_in_the_line_are_given_once_and_not_beyond_patience(w: &World) {
    let store = &w.outside;
    let apart = Duration::from_secs(10);
    let patience = Duration::from_secs(35);
    let before = w.clock.now();
    let race = (0..8).map(|_| store.reserve(Side::Crm, 2, apart, patience));
    let mut firsts: Vec<_> = futures::future::join_all(race)
        .await
        .into_iter()
        .filter_map(|first| first.unwrap())
        .collect();
    firsts.sort_unstable();
    // 0, 20 s; the next would come after 40 s.
    assert_eq!(firsts.len(), 2);
    assert!(firsts[0] >= before, "nobody goes early");
    assert_eq!((firsts[1] - firsts[0]).num_seconds(), 20);
    let longer = store.reserve(Side::Crm, 1, apart, patience * 2).await.unwrap();
    assert_eq!(
        (longer.unwrap() - firsts[1]).num_seconds(),
        20,
        "who can wait gets a place"
    );
    let other = store
        .reserve(Side::Finance, 1, apart, Duration::ZERO)
        .await
        .unwrap();
    assert!(other.is_some(), "each system has its own line");
}
