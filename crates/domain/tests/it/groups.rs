//! What many syncs ask of the store at once: each gets what it would get alone.

use std::time::Duration;

use domain::clock::{Clock as _, SystemClock};
use domain::company::Companies;
use domain::customer::Field;
use domain::index::IndexStore as _;
use domain::matching::{Form, Key};
use domain::ports::Side;
use domain::store::{Claim, Commit, Lease, Outcome, Retry, Status, Store as _, StoreError, Work};
use futures::future::join_all;
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use testkit::{Engine, TestDb};
use uuid::Uuid;

use crate::index::sighting;
use crate::world::{LEASE, World, contract, create, ending, entity, event, known, take, words};

contract! {
    of_many_each_gets_its_own_and_only_who_lost_its_lease_is_fenced,
    an_entity_is_claimed_once_however_many_of_its_rows_are_rung_for_at_once,
    both_sides_of_one_entity_rung_for_at_once_are_one_claim,
    a_row_that_is_not_due_or_final_takes_no_lease_of_another_rows,
    of_many_that_end_at_once_each_rings_for_what_waits_for_it,
}

/// So many at once that most of them wait for each other.
const MANY: usize = 24;

async fn enqueued(w: &World, many: usize) -> Vec<Uuid> {
    let mut rows = Vec::new();
    for number in 0..many {
        rows.push(w.enqueue(Side::Crm, &format!("c{number}")).await);
    }
    rows
}

async fn claims(w: &World, rows: &[Uuid]) -> Vec<Claim> {
    let claims = join_all(rows.iter().map(|row| w.store.claim(*row, "w", LEASE))).await;
    claims.into_iter().map(Result::unwrap).collect()
}

fn taken(claims: Vec<Claim>) -> Vec<Work> {
    let work = |claim| match claim {
        Claim::Taken(work) => *work,
        other => panic!("{other:?}"),
    };
    claims.into_iter().map(work).collect()
}

/// As whoever held the lease before someone else took it.
fn stale(work: &Work) -> Work {
    let token = work.lease.token - 1;
    let lease = Lease {
        token,
        ..work.lease.clone()
    };
    Work {
        lease,
        ..work.clone()
    }
}

/// An end that leaves a message, a row of its own and what it saw.
fn telling(w: &World, work: &Work, number: usize) -> Commit {
    let mut end = ending(work, Status::Success);
    end.outcome.message = Some(words(&format!("end {number}")));
    end.audits = vec![(Side::Finance, Outcome::new(Status::Success, words("back")))];
    let mobile = [(Field::Mobile, "09121112345")];
    end.seen = vec![sighting(Side::Crm, &format!("c{number}"), &mobile, w.clock.now())];
    end
}

fn only_is_fenced<T: std::fmt::Debug>(lost: usize, all: Vec<Result<T, StoreError>>) {
    for (number, done) in all.into_iter().enumerate() {
        let fenced = matches!(done, Err(StoreError::Fenced));
        assert_eq!(fenced, number == lost, "{number}: {done:?}");
    }
}

async fn of_many_each_gets_its_own_and_only_who_lost_its_lease_is_fenced(w: &World) {
    let rows = enqueued(w, MANY).await;
    let mut works = taken(claims(w, &rows).await);
    for (row, work) in rows.iter().zip(&works) {
        assert_eq!(work.lead.id, *row);
        assert!(work.covered.is_empty());
    }
    let lost = 13;
    let held = works[lost].clone();
    works[lost] = stale(&held);
    let in_flight = domain::in_flight::InFlight(vec![create(Side::Finance, w.clock.now())]);
    let meant = works
        .iter()
        .map(|work| w.store.intend(&work.lease, known(&in_flight), LEASE));
    only_is_fenced(lost, join_all(meant).await);
    let ends: Vec<_> = (0..)
        .zip(&works)
        .map(|(number, work)| telling(w, work, number))
        .collect();
    let done = works
        .iter()
        .zip(&ends)
        .map(|(work, end)| w.store.commit(work, end));
    only_is_fenced(lost, join_all(done).await);
    let links = w.links().await;
    for (number, work) in works.iter().enumerate() {
        let link = links.iter().find(|link| link.id == work.link.id).unwrap();
        let row = w.row(rows[number]).await;
        assert_eq!(link.base.is_some(), number != lost, "{number}");
        assert_eq!(link.lease_until.is_none(), number != lost, "{number}");
        assert_eq!(row.status == Status::Success, number != lost, "{number}");
        if number != lost {
            assert_eq!(row.error_message, Some(format!("end {number}")));
            assert_eq!(row.entity_mapping_id, Some(work.link.id));
        }
    }
    let audits = w.rows().await.len() - MANY;
    assert_eq!(audits, MANY - 1);
    let mobile = Form {
        key: Key::Mobile,
        value: "9121112345".to_owned(),
    };
    let seen = w
        .index
        .holding(Side::Crm, &[mobile], "nobody")
        .await
        .unwrap()
        .len();
    assert_eq!(seen, MANY - 1, "what was seen without a lease is not noted");
}

async fn an_entity_is_claimed_once_however_many_of_its_rows_are_rung_for_at_once(w: &World) {
    let mut rows = enqueued(w, 6).await;
    for _ in 0..6 {
        rows.push(w.enqueue(Side::Crm, "c3").await);
    }
    // One is rung for twice.
    rows.push(rows[1]);
    let claims = claims(w, &rows).await;
    let works: Vec<_> = claims
        .iter()
        .filter_map(|claim| match claim {
            Claim::Taken(work) => Some(work),
            _ => None,
        })
        .collect();
    assert_eq!(works.len(), 6, "{claims:?}");
    let busy = claims.iter().filter(|claim| matches!(claim, Claim::Busy)).count();
    assert_eq!(busy, rows.len() - 6);
    let of_c3 = works
        .iter()
        .find(|work| work.link.crm_id.as_deref() == Some("c3"));
    assert_eq!(of_c3.unwrap().covered.len(), 6);
}

async fn both_sides_of_one_entity_rung_for_at_once_are_one_claim(w: &World) {
    let first = w.enqueue(Side::Crm, "c1").await;
    let work = take(w, first).await;
    w.store
        .link(&work.lease, &entity(Side::Finance, "21"))
        .await
        .unwrap();
    let mut end = ending(&work, Status::Success);
    if let Some(link) = &mut end.link {
        link.finance_id = Some("21".to_owned());
    }
    w.store.commit(&work, &end).await.unwrap();
    let mut rows = enqueued(w, 5).await;
    rows.push(w.enqueue(Side::Finance, "21").await);
    let claims = claims(w, &rows).await;
    let taken: Vec<_> = claims
        .iter()
        .filter(|claim| matches!(claim, Claim::Taken(_)))
        .collect();
    assert_eq!(taken.len(), 5, "{claims:?}");
    let both = taken
        .iter()
        .any(|claim| matches!(claim, Claim::Taken(work) if work.covered.len() == 1));
    assert!(both, "{claims:?}");
}

async fn a_row_that_is_not_due_or_final_takes_no_lease_of_another_rows(w: &World) {
    let ended = w.enqueue(Side::Crm, "c1").await;
    let work = take(w, ended).await;
    w.store
        .commit(&work, &ending(&work, Status::Skipped))
        .await
        .unwrap();
    let later = w.enqueue(Side::Crm, "c1").await;
    let work = take(w, later).await;
    let mut put_off = ending(&work, Status::Pending);
    put_off.retry = Some(Retry {
        at: w.clock.now() + chrono::Duration::seconds(60),
        count: 1,
        max: 3,
    });
    w.store.commit(&work, &put_off).await.unwrap();
    let mut rows = enqueued(w, 5).await;
    let due = rows[1];
    rows = vec![rows[0], rows[2], rows[3], ended, later, due, rows[4]];
    let claims = claims(w, &rows).await;
    assert!(matches!(claims[3], Claim::Done), "{claims:?}");
    assert!(matches!(claims[4], Claim::NotDue), "{claims:?}");
    for claim in [0, 1, 2, 5, 6] {
        assert!(matches!(claims[claim], Claim::Taken(_)), "{claim}: {claims:?}");
    }
}

async fn of_many_that_end_at_once_each_rings_for_what_waits_for_it(w: &World) {
    let rows = enqueued(w, MANY).await;
    let works = taken(claims(w, &rows).await);
    let mut later = Vec::new();
    for number in 0..MANY {
        let waits = number % 3 == 0;
        later.push(match waits {
            true => Some(w.enqueue(Side::Crm, &format!("c{number}")).await),
            false => None,
        });
    }
    let ends: Vec<_> = works.iter().map(|work| ending(work, Status::Skipped)).collect();
    let done = works
        .iter()
        .zip(&ends)
        .map(|(work, end)| w.store.commit(work, end));
    for (done, later) in join_all(done).await.into_iter().zip(later) {
        assert_eq!(done.unwrap().next.map(|ring| ring.row), later);
    }
}

/// Whose run ends first is not who has read first.
#[tokio::test]
async fn of_what_many_runs_saw_of_one_record_the_latest_look_is_kept() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let db = TestDb::new(engine).await.unwrap();
        let now = SystemClock.now();
        let seen = |number: i64, seconds: i64| {
            let read_at = now + chrono::Duration::seconds(seconds);
            let mobile = format!("091211123{number:02}");
            [sighting(
                Side::Finance,
                "21",
                &[(Field::Mobile, &mobile)],
                read_at,
            )]
        };
        let all: Vec<_> = (0..24).map(|number| seen(number, (number * 7) % 24)).collect();
        let notes = join_all(all.iter().map(|seen| db.store.note(seen))).await;
        assert!(notes.iter().all(Result::is_ok), "{notes:?}");
        let latest = (0..24).find(|number| (number * 7) % 24 == 23).unwrap();
        for number in 0..24 {
            let mobile = Form {
                key: Key::Mobile,
                value: format!("91211123{number:02}"),
            };
            let held = db
                .store
                .holding(Side::Finance, &[mobile], "nobody")
                .await
                .unwrap();
            assert_eq!(held.len(), usize::from(number == latest), "{number}");
        }
        db.drop_it().await;
    }
}

/// PostgreSQL takes no NUL, and says so of the whole statement.
#[tokio::test]
async fn a_value_that_can_not_be_stored_is_its_own_runs_matter() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let events: Vec<_> = (0..MANY)
        .map(|n| event(Side::Crm, &format!("c{n}"), None))
        .collect();
    db.store.enqueue(&events).await.unwrap();
    let claims = events.iter().map(|event| db.store.claim(event.row, "w", LEASE));
    let works = taken(join_all(claims).await.into_iter().map(Result::unwrap).collect());
    let bad = 7;
    let ends: Vec<_> = works.iter().map(|work| ending(work, Status::Skipped)).collect();
    let ends: Vec<_> = (0..)
        .zip(ends)
        .map(|(number, mut end)| {
            let said = if number == bad { "a\u{0}b" } else { "ab" };
            end.outcome.message = Some(words(said));
            end
        })
        .collect();
    let done = works
        .iter()
        .zip(&ends)
        .map(|(work, end)| db.store.commit(work, end));
    for (number, done) in join_all(done).await.into_iter().enumerate() {
        let refused = matches!(&done, Err(error) if error.is_about_the_data());
        assert_eq!(
            (refused, done.is_ok()),
            (number == bad, number != bad),
            "{number}: {done:?}"
        );
    }
    db.drop_it().await;
}

/// A worker that stands still in the middle of a transaction keeps what it has locked for a while.
#[tokio::test]
async fn an_entity_that_someone_has_locked_holds_up_nobody_else() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let store = db.store.clone().serving(Companies::default());
    let events: Vec<_> = (0..MANY)
        .map(|n| event(Side::Crm, &format!("c{n}"), None))
        .collect();
    store.enqueue(&events).await.unwrap();
    let Claim::Taken(work) = store.claim(events[9].row, "w", Duration::ZERO).await.unwrap() else {
        panic!()
    };
    let other = store.db().begin().await.unwrap();
    let lock = format!(
        r#"SELECT 1 FROM "EntityMapping" WHERE "id" = '{}' FOR UPDATE"#,
        work.link.id
    );
    other.execute_unprepared(&lock).await.unwrap();
    let begun = SystemClock.monotonic();
    let claims: Vec<_> = events
        .iter()
        .map(|event| {
            let (store, row) = (store.clone(), event.row);
            tokio::spawn(async move { store.claim(row, "w", LEASE).await.unwrap() })
        })
        .collect();
    let mut held_up = None;
    for (number, claim) in claims.into_iter().enumerate() {
        if number == 9 {
            held_up = Some(claim);
            continue;
        }
        assert!(matches!(claim.await.unwrap(), Claim::Taken(_)), "{number}");
    }
    let waited = SystemClock.monotonic() - begun;
    assert!(waited < Duration::from_secs(8), "{waited:?}");
    other.rollback().await.unwrap();
    let held_up = held_up.unwrap().await.unwrap();
    assert!(matches!(held_up, Claim::Taken(_)), "{held_up:?}");
    db.drop_it().await;
}
