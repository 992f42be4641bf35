//! One contract for what processes share about the outside systems: on both databases and in memory.

use std::sync::Arc;
use std::time::Duration;

use domain::breaker::{Open, Shared};
use domain::clock::{Clock, SystemClock};
use domain::outside::OutsideStore;
use domain::ports::Side;
use testkit::memory::MemoryOutside;
use testkit::{Engine, TestDb};

use crate::world::{ALL, On};

async fn stores(on: On) -> (Arc<dyn OutsideStore>, Option<TestDb>) {
    let engine = match on {
        On::Memory => return (Arc::new(MemoryOutside::new(Arc::new(SystemClock))), None),
        On::Sqlite => Engine::Sqlite,
        On::Postgres => Engine::Postgres,
    };
    let db = TestDb::new(engine).await.unwrap();
    (Arc::new(db.store.clone()), Some(db))
}

async fn of(store: &dyn OutsideStore, side: Side) -> Shared {
    let mut all = store.breakers().await.unwrap().into_iter();
    all.find(|(system, _)| *system == side).unwrap().1
}

#[tokio::test]
async fn of_two_who_change_a_breaker_one_does() {
    for on in ALL {
        let (store, db) = stores(on).await;
        assert_eq!(of(&*store, Side::Crm).await, Shared::default());
        // Whole milliseconds, as tables keep them.
        let now = chrono::SubsecRound::trunc_subsecs(SystemClock.now(), 3);
        let open = Open {
            since: now,
            probe_at: now + Duration::from_secs(1),
            probes: 2,
        };
        let race = (0..8).map(|_| store.swap(Side::Finance, 0, Some(open)));
        let won = futures::future::join_all(race).await;
        assert_eq!(
            won.into_iter().filter(|won| *won.as_ref().unwrap()).count(),
            1,
            "{on:?}"
        );
        let shared = of(&*store, Side::Finance).await;
        assert_eq!(
            shared,
            Shared {
                version: 1,
                open: Some(open)
            }
        );
        assert_eq!(
            of(&*store, Side::Crm).await,
            Shared::default(),
            "the other system's"
        );
        assert!(!store.swap(Side::Finance, 0, None).await.unwrap());
        assert!(store.swap(Side::Finance, 1, None).await.unwrap());
        assert_eq!(
            of(&*store, Side::Finance).await,
            Shared {
                version: 2,
                open: None
            }
        );
        if let Some(db) = db {
            db.drop_it().await;
        }
    }
}

#[tokio::test]
async fn places_in_the_line_are_given_once_and_not_beyond_patience() {
    for on in ALL {
        let (store, db) = stores(on).await;
        let apart = Duration::from_secs(10);
        let patience = Duration::from_secs(35);
        let before = SystemClock.now();
        let race = (0..8).map(|_| store.reserve(Side::Crm, 2, apart, patience));
        let mut firsts: Vec<_> = futures::future::join_all(race)
            .await
            .into_iter()
            .filter_map(|first| first.unwrap())
            .collect();
        firsts.sort_unstable();
        // 0, 20 s; the next would come after 40 s.
        assert_eq!(firsts.len(), 2, "{on:?}: {firsts:?}");
        assert!(
            firsts[0] >= before - Duration::from_millis(50),
            "nobody goes early"
        );
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
        if let Some(db) = db {
            db.drop_it().await;
        }
    }
}
