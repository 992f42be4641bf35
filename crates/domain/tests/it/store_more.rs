//! The store's contract, continued: what a run leaves behind, and what it must not.

use std::time::Duration;

use domain::clock::Clock;
use domain::customer::Field;
use domain::ports::Side;
use domain::store::{
    Claim, InFlight, Intent, LinkState, Outcome, Retry, Status, Store as _, StoreError, Trigger,
};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use testkit::{Engine, TestDb};

use crate::store::{LEASE, ending, entity, event, take};
use crate::world::{ALL, World};

#[tokio::test]
async fn a_session_that_was_forgotten_in_a_transaction_keeps_no_locks() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let sql = "SELECT current_setting('idle_in_transaction_session_timeout')";
    let tx = db.store.db().begin().await.unwrap();
    let row = tx.query_one_raw(sea_orm::Statement::from_string(
        sea_orm::DatabaseBackend::Postgres,
        sql,
    ));
    let row = row.await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "15s");
    drop(tx);
    db.drop_it().await;
}

#[tokio::test]
async fn a_run_that_failed_after_a_write_is_known_as_failed() {
    for on in ALL {
        let w = World::new(on).await;
        let first = event(Side::Crm, "c1", None);
        w.store.enqueue(std::slice::from_ref(&first)).await.unwrap();
        let work = take(&w, first.row).await;
        assert_eq!(w.store.last_run(work.lease.link).await.unwrap(), None);
        let mut failed = ending(&work, Status::Failed);
        failed.audits = vec![(Side::Finance, Outcome::new(Status::Success, None))];
        w.store.commit(&work, &failed).await.unwrap();
        let last = w.store.last_run(work.lease.link).await.unwrap().unwrap();
        assert_eq!((last.row, last.status), (first.row, Status::Failed), "{on:?}");
        // A row that was heard earlier may end later: it has the last word.
        w.clock.turn(Duration::from_secs(1));
        w.store.retry(None).await.unwrap();
        let work = take(&w, first.row).await;
        w.store
            .commit(&work, &ending(&work, Status::Success))
            .await
            .unwrap();
        let last = w.store.last_run(work.lease.link).await.unwrap().unwrap();
        assert_eq!((last.row, last.status), (first.row, Status::Success), "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_row_written_twice_because_the_answer_was_lost_is_one_row() {
    for on in ALL {
        let w = World::new(on).await;
        let one = event(Side::Crm, "a", None);
        assert_eq!(w.store.enqueue(std::slice::from_ref(&one)).await.unwrap(), [true]);
        let again = [one, event(Side::Crm, "b", None)];
        assert_eq!(w.store.enqueue(&again).await.unwrap(), [false, true]);
        assert_eq!(w.rows().await.len(), 2);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn lapses_are_counted_release_is_none() {
    for on in ALL {
        let w = World::new(on).await;
        let one = event(Side::Crm, "a", None);
        w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
        for lapses in 0..10 {
            assert_eq!(take(&w, one.row).await.lead.lapses, lapses);
            w.clock.turn(LEASE + Duration::from_secs(1));
        }
        let work = take(&w, one.row).await;
        assert_eq!(work.lead.lapses, 10);
        w.store.release(&work).await.unwrap();
        let row = &w.rows().await[0];
        assert_eq!((row.status, row.rung_at, row.lapses), (Status::Pending, None, 10));
        assert_eq!(take(&w, one.row).await.lead.lapses, 10);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_commit_leaves_audits_a_fresh_row_and_checksums_behind() {
    let mut sums = Vec::new();
    for on in ALL {
        let w = World::new(on).await;
        let one = event(Side::Crm, "a", None);
        w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
        let work = take(&w, one.row).await;
        let mut done = ending(&work, Status::Success);
        let link = done.link.as_mut().unwrap();
        link.finance_id = Some("22".into());
        link.base.as_mut().unwrap().agree(Field::Name, "علي", "علی");
        let back = Outcome {
            changes: Some(serde_json::json!([{"field": "name"}])),
            ..Outcome::new(Status::Success, "the other way".to_owned())
        };
        done.audits = vec![(Side::Finance, back)];
        done.look_again = true;
        let next = w.store.commit(&work, &done).await.unwrap().unwrap();
        let rows = w.rows().await;
        assert_eq!(rows.len(), 3);
        let lead = rows.iter().find(|r| r.id == one.row).unwrap();
        assert_eq!(lead.target_entity_id.as_deref(), Some("22"));
        assert_eq!(
            (lead.transaction_id, lead.duration_ms),
            (done.transaction, Some(5))
        );
        assert!(lead.completed_at.is_some());
        let fresh = rows.iter().find(|r| r.id == next.row).unwrap();
        assert_eq!(
            (fresh.status, fresh.trigger_type),
            (Status::Pending, Trigger::Poll)
        );
        assert_eq!((fresh.source_entity_id.as_str(), fresh.rung_at), ("a", None));
        let audit = rows.iter().find(|r| r.id != one.row && r.id != next.row).unwrap();
        assert_eq!(audit.direction, "FINANCE_TO_CRM");
        assert_eq!(audit.transaction_id, done.transaction);
        assert_eq!(
            (audit.source_entity_id.as_str(), audit.target_entity_id.as_deref()),
            ("22", Some("a"))
        );
        assert_eq!(audit.entity_mapping_id, Some(work.link.id));
        assert_eq!(audit.trigger_payload, None);
        assert!(audit.changes.is_some());
        let link = &w.links().await[0];
        assert_eq!(link.last_sync_transaction_id, Some(done.transaction));
        assert_eq!((link.last_sync_source.as_deref(), link.version), (Some("CRM"), 1));
        assert_eq!((link.lease_until, link.in_flight.clone()), (None, None));
        sums.push((link.crm_checksum.clone(), link.finance_checksum.clone()));
        w.drop_it().await;
    }
    assert_ne!(sums[0].0, sums[0].1);
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
}

#[tokio::test]
async fn a_commit_that_fails_leaves_nothing_behind() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [event(Side::Crm, "a", None), event(Side::Finance, "22", None)];
        w.store.enqueue(&events).await.unwrap();
        let ours = take(&w, events[0].row).await;
        let theirs = take(&w, events[1].row).await;
        let mut done = ending(&ours, Status::Success);
        done.link.as_mut().unwrap().finance_id = Some("22".into());
        done.audits = vec![(Side::Finance, Outcome::new(Status::Success, None))];
        done.look_again = true;
        let refused = w.store.commit(&ours, &done).await;
        assert!(
            matches!(refused, Err(StoreError::LinkedElsewhere { side: Side::Finance, id }) if id == "22")
        );
        assert_eq!(w.rows().await.len(), 2);
        assert!(w.rows().await.iter().all(|row| row.status == Status::InProgress));
        // Released, it is a half link that nobody works on: the same commit takes it over.
        w.store.release(&theirs).await.unwrap();
        w.store.commit(&ours, &done).await.unwrap();
        assert_eq!(w.links().await.len(), 1);
        assert!(matches!(
            w.store.commit(&theirs, &ending(&theirs, Status::Success)).await,
            Err(StoreError::Fenced)
        ));
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_half_that_has_something_in_flight_is_not_taken_over() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [event(Side::Crm, "a", None), event(Side::Finance, "22", None)];
        w.store.enqueue(&events).await.unwrap();
        let theirs = take(&w, events[1].row).await;
        let mut waits = ending(&theirs, Status::Pending);
        let link = waits.link.as_mut().unwrap();
        link.state = LinkState::New;
        let sent = created_at(w.clock.now());
        link.in_flight = InFlight::from([(Side::Crm, vec![sent])]);
        w.store.commit(&theirs, &waits).await.unwrap();
        let ours = take(&w, events[0].row).await;
        let linked = w.store.link(&ours.lease, &entity(Side::Finance, "22")).await;
        assert!(
            matches!(linked, Err(StoreError::LinkedElsewhere { .. })),
            "what it has created would be forgotten"
        );
        w.drop_it().await;
    }
}

/// Its run was to be tried again, was, and was killed: the row is covered by whoever takes the half over.
#[tokio::test]
async fn a_half_that_is_taken_over_leaves_no_retry_behind() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [
            event(Side::Crm, "a", None),
            event(Side::Crm, "a", None),
            event(Side::Finance, "22", None),
        ];
        w.store.enqueue(&events).await.unwrap();
        let theirs = take(&w, events[2].row).await;
        let mut waits = ending(&theirs, Status::Pending);
        waits.link.as_mut().unwrap().state = LinkState::New;
        waits.retry = Some(Retry {
            at: w.clock.now(),
            count: 1,
            max: 3,
        });
        w.store.commit(&theirs, &waits).await.unwrap();
        take(&w, events[2].row).await;
        w.clock.turn(LEASE + Duration::from_secs(1));
        let ours = take(&w, events[0].row).await;
        w.store
            .link(&ours.lease, &entity(Side::Finance, "22"))
            .await
            .unwrap();
        let mut done = ending(&ours, Status::Success);
        done.link.as_mut().unwrap().finance_id = Some("22".into());
        w.store.commit(&ours, &done).await.unwrap();
        assert_eq!(w.retries().await.len(), 0);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_half_mapping_of_nothing_is_dropped_a_linked_one_is_not() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [event(Side::Crm, "a", None), event(Side::Crm, "b", None)];
        w.store.enqueue(&events).await.unwrap();
        let work = take(&w, events[0].row).await;
        let mut gone = ending(&work, Status::Skipped);
        gone.link = None;
        assert_eq!(w.store.commit(&work, &gone).await.unwrap(), None);
        assert!(w.links().await.is_empty());
        assert_eq!(w.rows().await[0].entity_mapping_id, None);
        let other = take(&w, events[1].row).await;
        w.store
            .link(&other.lease, &entity(Side::Finance, "22"))
            .await
            .unwrap();
        let mut gone = ending(&other, Status::Skipped);
        gone.link = None;
        assert!(matches!(
            w.store.commit(&other, &gone).await,
            Err(StoreError::Fenced)
        ));
        assert_eq!(w.links().await.len(), 1);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn what_is_closed_is_no_longer_scheduled() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [event(Side::Crm, "a", None), event(Side::Crm, "a", None)];
        // A wait that counts as no try, then one that does.
        for (count, round) in [(0, 0), (1, 1)] {
            let one = &events[round];
            w.store.enqueue(std::slice::from_ref(one)).await.unwrap();
            let work = take(&w, one.row).await;
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
        let work = take(&w, events[1].row).await;
        w.store
            .commit(&work, &ending(&work, Status::Success))
            .await
            .unwrap();
        assert!(w.retries().await.is_empty());
        w.drop_it().await;
    }
}

#[tokio::test]
async fn earlier_conflicts_end_with_a_run_that_ends() {
    for on in ALL {
        let w = World::new(on).await;
        let events: Vec<_> = (0..3).map(|_| event(Side::Crm, "a", None)).collect();
        let mut seen = Vec::new();
        for (one, status) in events
            .iter()
            .zip([Status::Conflict, Status::Pending, Status::Conflict])
        {
            w.store.enqueue(std::slice::from_ref(one)).await.unwrap();
            let work = take(&w, one.row).await;
            let mut end = ending(&work, status);
            end.link.as_mut().unwrap().state = LinkState::Conflict;
            end.outcome.message = Some(format!("{status:?}"));
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
        let why = first.error_message.as_deref().unwrap();
        assert!(
            why.contains(&events[2].row.to_string()) && why.ends_with(": Conflict"),
            "{why}"
        );
        w.drop_it().await;
    }
}

#[tokio::test]
async fn a_lost_lease_links_and_intends_nothing() {
    for on in ALL {
        let w = World::new(on).await;
        let one = event(Side::Crm, "a", None);
        w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
        let work = take(&w, one.row).await;
        w.clock.turn(LEASE + Duration::from_secs(1));
        let fenced = |result| matches!(result, Err(StoreError::Fenced));
        assert!(fenced(
            w.store.link(&work.lease, &entity(Side::Finance, "22")).await
        ));
        assert!(fenced(w.store.intend(&work.lease, &InFlight::new(), LEASE).await));
        let lock = w.store.lock(&work.lease, &["name".to_owned()]).await;
        assert!(fenced(lock.map(drop)));
        assert_eq!(w.links().await[0].finance_id, None);
        take(&w, one.row).await;
        w.store.release(&work).await.unwrap();
        assert_eq!(
            w.rows().await[0].status,
            Status::InProgress,
            "not its to give back"
        );
        assert!(w.links().await[0].lease_until.is_some());
        w.drop_it().await;
    }
}

#[tokio::test]
async fn match_keys_are_reserved_all_or_none_until_nothing_is_being_created() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [event(Side::Crm, "a", None), event(Side::Crm, "b", None)];
        w.store.enqueue(&events).await.unwrap();
        let (a, b) = (take(&w, events[0].row).await, take(&w, events[1].row).await);
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
        link.in_flight = InFlight::from([(Side::Finance, vec![created_at(w.clock.now())])]);
        w.store.commit(&a, &waits).await.unwrap();
        assert_eq!(lock(&b, &["name"]).await, Some((a.link.id, false)));
        w.store.enqueue(&[event(Side::Crm, "a", None)]).await.unwrap();
        let row = w
            .rows()
            .await
            .into_iter()
            .find(|row| row.status == Status::Pending)
            .unwrap();
        let again = take(&w, row.id).await;
        let mut done = ending(&again, Status::Success);
        done.link.as_mut().unwrap().in_flight.clear();
        w.store.commit(&again, &done).await.unwrap();
        assert_eq!(lock(&b, &["mobile", "email", "name"]).await, None);
        w.drop_it().await;
    }
}

fn created_at(at: chrono::DateTime<chrono::Utc>) -> Intent {
    Intent {
        create: true,
        at,
        values: Default::default(),
        source: Default::default(),
        before: Default::default(),
        along: Default::default(),
        seen: Default::default(),
        overtaken: false,
        answered: None,
        known: Default::default(),
        met: false,
        strangers: Vec::new(),
        empty_looks: 0,
        document: None,
    }
}

#[tokio::test]
async fn pruning_empties_old_final_rows_and_nothing_else() {
    const DAY: Duration = Duration::from_secs(86_400);
    for on in ALL {
        let w = World::new(on).await;
        let mut old = Vec::new();
        for (n, status) in [Status::Success, Status::Skipped, Status::Failed, Status::Conflict]
            .into_iter()
            .enumerate()
        {
            let one = event(Side::Crm, &format!("old{n}"), Some(&format!("key{n}")));
            w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
            let work = take(&w, one.row).await;
            let mut done = ending(&work, status);
            done.outcome.source_data = Some(serde_json::json!({"name": "مریم"}));
            done.outcome.changes = Some(serde_json::json!([{"field": "name"}]));
            done.outcome.message = Some("why".to_owned());
            w.store.commit(&work, &done).await.unwrap();
            old.push(one.row);
            // Each is a little younger than the one before.
            w.clock.turn(Duration::from_secs(60));
        }
        let waiting = event(Side::Crm, "waiting", None);
        w.store.enqueue(std::slice::from_ref(&waiting)).await.unwrap();
        w.clock.turn(20 * DAY);
        let young = event(Side::Crm, "young", None);
        w.store.enqueue(std::slice::from_ref(&young)).await.unwrap();
        let work = take(&w, young.row).await;
        w.store
            .commit(&work, &ending(&work, Status::Success))
            .await
            .unwrap();
        w.clock.turn(11 * DAY);

        // An operator's, which failed: a retry still has to know what he ruled.
        let mut ruled = event(Side::Crm, "ruled", None);
        ruled.trigger = Trigger::Manual;
        w.store.enqueue(std::slice::from_ref(&ruled)).await.unwrap();
        let work = take(&w, ruled.row).await;
        w.store
            .commit(&work, &ending(&work, Status::Failed))
            .await
            .unwrap();
        w.clock.turn(31 * DAY);

        let links = w.links().await;
        let holding = async || -> Vec<_> {
            let rows = w.rows().await;
            let mut ids: Vec<_> = rows
                .iter()
                .filter(|row| row.trigger_payload.is_some())
                .map(|row| row.id)
                .collect();
            ids.sort();
            ids
        };
        assert_eq!(holding().await.len(), 7);
        assert_eq!(w.store.prune(90 * DAY, 10).await.unwrap(), 0, "nothing is so old");
        // The oldest first, no more than asked for.
        assert_eq!(w.store.prune(60 * DAY, 2).await.unwrap(), 2);
        let mut left = vec![old[2], old[3], waiting.row, young.row, ruled.row];
        left.sort();
        assert_eq!(holding().await, left);
        assert_eq!(w.store.prune(60 * DAY, 10).await.unwrap(), 1);
        assert_eq!(w.store.prune(60 * DAY, 10).await.unwrap(), 0, "once is enough");
        left.retain(|id| *id != old[2]);
        assert_eq!(holding().await, left);
        assert_eq!(
            w.store.prune(30 * DAY, 10).await.unwrap(),
            1,
            "the young one, but not the ruled one"
        );

        let rows = w.rows().await;
        for row in rows.iter().filter(|row| old[..3].contains(&row.id)) {
            assert_eq!((&row.source_data, &row.changes), (&None, &None));
            assert!(row.event_id.is_some() && row.error_message.is_some() && row.completed_at.is_some());
        }
        let conflict = rows.iter().find(|row| row.id == old[3]).unwrap();
        assert!(conflict.source_data.is_some() && conflict.changes.is_some());
        assert_eq!(w.links().await, links);
        // The event keys still know what was heard.
        let again = event(Side::Crm, "old0", Some("key0"));
        assert_eq!(w.store.enqueue(&[again]).await.unwrap(), [false]);
        // A failed row without its payload is retried like any other.
        assert_eq!(w.store.retry(Some(old[2])).await.unwrap(), 1);
        assert_eq!(take(&w, old[2]).await.lead.id, old[2]);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn one_worker_prunes_at_a_time() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let one = event(Side::Crm, "a", None);
    db.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
    let Claim::Taken(work) = db.store.claim(one.row, "w", LEASE).await.unwrap() else {
        panic!()
    };
    db.store
        .commit(&work, &ending(&work, Status::Skipped))
        .await
        .unwrap();
    // Another worker is in the middle of it.
    let other = db.store.db().begin().await.unwrap();
    let lock = format!("SELECT pg_advisory_xact_lock({})", 0x5349_4147_4850_524E_i64);
    other.execute_unprepared(&lock).await.unwrap();
    assert_eq!(db.store.prune(Duration::ZERO, 10).await.unwrap(), 0);
    other.rollback().await.unwrap();
    assert_eq!(db.store.prune(Duration::ZERO, 10).await.unwrap(), 1);
    db.drop_it().await;
}

#[tokio::test]
async fn a_row_that_is_closed_while_it_is_claimed_leaves_no_lease_behind() {
    for on in ALL {
        let w = World::new(on).await;
        let events = [event(Side::Crm, "a", None), event(Side::Crm, "a", None)];
        w.store.enqueue(&events).await.unwrap();
        let work = take(&w, events[0].row).await;
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
        w.drop_it().await;
    }
}
