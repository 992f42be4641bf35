//! Runs: a lease, what is committed before something is sent, and what is left behind.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::base::Base;
use domain::clock::Clock;
use domain::customer::{Field, Kind};
use domain::in_flight::{InFlight, Sent, Update, Write};
use domain::ports::Side;
use domain::store::{Outcome, Status, StoreError, Trigger};

use crate::world::{LEASE, World, contract, create, ending, entity, event, known, stored, take, words};

contract![
    a_lapsed_lease_passes_on_and_fences_out_the_slow,
    a_lost_lease_links_and_intends_nothing,
    a_run_that_failed_after_a_write_is_known_as_failed,
    a_commit_that_fails_leaves_nothing_behind,
    a_commit_leaves_audits_a_fresh_row_and_checksums_behind,
    an_intent_commits_what_is_sent_and_what_is_known,
    what_version_0_1_had_on_its_way_is_claimed,
    a_link_that_cant_be_read_is_left_to_a_version_that_can,
    fields_of_a_newer_version_survive_a_run,
    times_are_kept_to_the_microsecond,
];

async fn a_lapsed_lease_passes_on_and_fences_out_the_slow(w: &World) {
    let one = event(Side::Crm, "a", None);
    w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
    let slow = take(w, one.row).await;
    assert!(
        w.store.sweep(10, Duration::ZERO).await.unwrap().is_empty(),
        "its lease still holds"
    );
    w.clock.turn(LEASE + Duration::from_secs(1));
    assert_eq!(w.store.sweep(10, Duration::ZERO).await.unwrap().len(), 1);
    let quick = take(w, one.row).await;
    assert_eq!(quick.lead.lapses, 1);
    assert!(matches!(
        w.store.commit(&slow, &ending(&slow, Status::Success)).await,
        Err(StoreError::Fenced)
    ));
    assert_eq!(
        w.rows().await[0].status,
        Status::InProgress,
        "the fenced commit left nothing behind"
    );
    w.store
        .intend(&quick.lease, known(&InFlight::none()), LEASE)
        .await
        .unwrap();
    w.store
        .commit(&quick, &ending(&quick, Status::Success))
        .await
        .unwrap();
    assert_eq!(w.rows().await[0].status, Status::Success);
}

async fn a_lost_lease_links_and_intends_nothing(w: &World) {
    let one = event(Side::Crm, "a", None);
    w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
    let work = take(w, one.row).await;
    w.clock.turn(LEASE + Duration::from_secs(1));
    let fenced = |result| matches!(result, Err(StoreError::Fenced));
    assert!(fenced(
        w.store.link(&work.lease, &entity(Side::Finance, "22")).await
    ));
    assert!(fenced(
        w.store.intend(&work.lease, known(&InFlight::none()), LEASE).await
    ));
    let lock = w.store.lock(&work.lease, &["name".to_owned()]).await;
    assert!(fenced(lock.map(drop)));
    assert_eq!(w.links().await[0].finance_id, None);
    take(w, one.row).await;
    w.store.release(&work).await.unwrap();
    assert_eq!(
        w.rows().await[0].status,
        Status::InProgress,
        "not its to give back"
    );
    assert!(w.links().await[0].lease_until.is_some());
}

async fn a_run_that_failed_after_a_write_is_known_as_failed(w: &World) {
    let first = event(Side::Crm, "c1", None);
    w.store.enqueue(std::slice::from_ref(&first)).await.unwrap();
    let work = take(w, first.row).await;
    assert_eq!(w.store.last_run(work.lease.link).await.unwrap(), None);
    let mut failed = ending(&work, Status::Failed);
    failed.audits = vec![(Side::Finance, Outcome::new(Status::Success, None))];
    w.store.commit(&work, &failed).await.unwrap();
    let last = w.store.last_run(work.lease.link).await.unwrap().unwrap();
    assert_eq!((last.row, last.status), (first.row, Status::Failed));
    // A row that was heard earlier may end later: it has the last word.
    w.clock.turn(Duration::from_secs(1));
    w.store.retry(None).await.unwrap();
    let work = take(w, first.row).await;
    w.store
        .commit(&work, &ending(&work, Status::Success))
        .await
        .unwrap();
    let last = w.store.last_run(work.lease.link).await.unwrap().unwrap();
    assert_eq!((last.row, last.status), (first.row, Status::Success));
}

async fn a_commit_that_fails_leaves_nothing_behind(w: &World) {
    let events = [event(Side::Crm, "a", None), event(Side::Finance, "22", None)];
    w.store.enqueue(&events).await.unwrap();
    let ours = take(w, events[0].row).await;
    let theirs = take(w, events[1].row).await;
    let mut done = ending(&ours, Status::Success);
    done.link.as_mut().unwrap().finance_id = Some("22".into());
    done.audits = vec![(Side::Finance, Outcome::new(Status::Success, None))];
    done.look_again = true;
    let refused = w.store.commit(&ours, &done).await;
    assert!(matches!(refused, Err(StoreError::LinkedElsewhere { side: Side::Finance, id }) if id == "22"));
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
}

async fn a_commit_leaves_audits_a_fresh_row_and_checksums_behind(w: &World) {
    let one = w.enqueue(Side::Crm, "a").await;
    let work = take(w, one).await;
    let mut done = ending(&work, Status::Success);
    let link = done.link.as_mut().unwrap();
    link.finance_id = Some("22".into());
    link.base.as_mut().unwrap().agree(Field::Name, "علي", "علی");
    let back = Outcome {
        changes: Some(serde_json::json!([{"field": "name"}])),
        ..Outcome::new(Status::Success, words("the other way"))
    };
    done.audits = vec![(Side::Finance, back)];
    done.look_again = true;
    let next = w.store.commit(&work, &done).await.unwrap().next.unwrap();
    let rows = w.rows().await;
    assert_eq!(rows.len(), 3);
    let lead = w.row(one).await;
    assert_eq!(lead.target_entity_id.as_deref(), Some("22"));
    assert_eq!(
        (lead.transaction_id, lead.duration_ms),
        (done.transaction, Some(5))
    );
    assert!(lead.completed_at.is_some());
    let fresh = w.row(next.row).await;
    assert_eq!(
        (fresh.status, fresh.trigger_type),
        (Status::Pending, Trigger::Poll)
    );
    assert_eq!((fresh.source_entity_id.as_str(), fresh.rung_at), ("a", None));
    let audit = rows.iter().find(|r| r.id != one && r.id != next.row).unwrap();
    assert_eq!(audit.direction, "FINANCE_TO_CRM");
    assert_eq!(audit.transaction_id, done.transaction);
    let (source, target) = (audit.source_entity_id.as_str(), audit.target_entity_id.as_deref());
    assert_eq!((source, target), ("22", Some("a")));
    assert_eq!(audit.entity_mapping_id, Some(work.link.id));
    assert_eq!((&audit.trigger_payload, audit.duration_ms), (&None, Some(5)));
    assert_eq!(audit.error_code.as_deref(), Some("words"));
    assert!(audit.changes.is_some());
    let link = &w.links().await[0];
    assert_eq!(link.last_sync_transaction_id, Some(done.transaction));
    assert_eq!((link.last_sync_source.as_deref(), link.version), (Some("CRM"), 1));
    assert_eq!((link.lease_until, link.in_flight.clone()), (None, None));
    // The same on every store: a service may be moved from one to another.
    let sums = (link.crm_checksum.as_deref(), link.finance_checksum.as_deref());
    assert_eq!(sums, (Some(CRM_SUM), Some(FINANCE_SUM)));
}

const CRM_SUM: &str = "a16a743ff0f4e500be77bfb6373b6d98d240ae240b6767a9210c0af966c8968e";
const FINANCE_SUM: &str = "21206aa47660e936dd92c987136c4ba531bcff6467bea54f5d367d4d262ee81e";

fn update(side: Side, at: chrono::DateTime<chrono::Utc>, name: &str) -> Write {
    let sent = Sent {
        leaves: name.to_owned(),
        source: Some(name.to_owned()),
        base: Some((Some("a".to_owned()), None)),
        written: true,
        pending: false,
    };
    Write::Update(Update {
        side,
        at,
        fields: BTreeMap::from([(Field::Name, sent)]),
        overtaken: false,
        answered: None,
        decided: Vec::new(),
    })
}

async fn an_intent_commits_what_is_sent_and_what_is_known(w: &World) {
    let row = w.enqueue(Side::Crm, "a").await;
    let work = take(w, row).await;
    let mut base = Base::new(Kind::Organization);
    base.agree(Field::Name, "a", "A");
    let sent = InFlight(vec![
        update(Side::Finance, w.clock.now(), "b"),
        create(Side::Crm, w.clock.now()),
    ]);
    let intended = domain::store::Intended {
        in_flight: &sent,
        base: Some(&base),
    };
    w.clock.turn(LEASE / 2);
    w.store.intend(&work.lease, intended, LEASE).await.unwrap();
    w.clock.turn(LEASE - Duration::from_secs(1));
    let busy = w.store.claim(row, "x", LEASE).await.unwrap();
    assert!(
        matches!(busy, domain::store::Claim::Busy),
        "the lease was renewed"
    );
    // Its process is killed. Whoever comes next knows both.
    w.clock.turn(Duration::from_secs(1));
    let next = take(w, row).await;
    assert_eq!(
        (&next.link.in_flight, next.link.base.as_ref()),
        (&sent, Some(&base))
    );
    let found = w.store.find_link(&entity(Side::Crm, "a")).await.unwrap().unwrap();
    assert_eq!(found, next.link);
    // Nothing new is known: what is known stays. Nothing is on its way: that is no empty list, but nothing.
    w.store
        .intend(&next.lease, known(&InFlight::none()), LEASE)
        .await
        .unwrap();
    let link = w.links().await.remove(0);
    assert_eq!(link.in_flight, None);
    assert_eq!(link.base, Some(serde_json::to_value(&base).unwrap()));
    // The dead one can say nothing any more.
    let late = w.store.intend(&work.lease, intended, LEASE).await;
    assert!(matches!(late, Err(StoreError::Fenced)));
    assert_eq!(w.links().await.remove(0).in_flight, None);
}

async fn what_version_0_1_had_on_its_way_is_claimed(w: &World) {
    let in_flight = serde_json::json!({
        "FINANCE": [{
            "create": false, "at": "2026-01-02T00:00:00Z", "values": {"name": "b"}, "source": {"name": "b"},
            "before": {"name": "a"}, "known": {"name": "a"}, "along": {"mobile": "0912", "email": ""},
            "seen": ["mobile"], "overtaken": false, "met": false, "emptyLooks": 0,
        }],
        "CRM": [{
            "create": true, "at": "2026-01-01T00:00:00Z", "values": {"name": "n"}, "source": {"name": "n"},
            "strangers": ["x"], "overtaken": false, "met": true, "emptyLooks": 1,
        }],
    });
    let base = serde_json::json!({"kind": "person", "crm": {"name": "a"}, "finance": {"name": "a"}});
    w.put_link(stored(w, base, Some(in_flight))).await;
    let row = w.enqueue(Side::Crm, "a").await;
    let work = take(w, row).await;
    let sent = &work.link.in_flight;
    assert_eq!((work.lease.token, sent.iter().count()), (8, 2));
    let create = sent.create(Side::Crm).unwrap();
    assert_eq!(
        (create.empty_looks, &*create.not_ours),
        (1, &["x".to_owned()][..])
    );
    let update = sent.updates(Side::Finance).next().unwrap();
    let name = &update.fields[&Field::Name];
    assert_eq!((name.leaves.as_str(), name.source.as_deref()), ("b", Some("b")));
    assert!(!update.fields[&Field::Mobile].written && update.fields.contains_key(&Field::Email));
    // Written again, it has the form of this version, and says the same.
    let mut done = ending(&work, Status::Pending);
    done.link.as_mut().unwrap().base = work.link.base.clone();
    w.store.commit(&work, &done).await.unwrap();
    assert!(w.links().await[0].in_flight.as_ref().unwrap().is_array());
    let again = take(w, row).await;
    assert_eq!(&again.link.in_flight, sent);
}

async fn a_link_that_cant_be_read_is_left_to_a_version_that_can(w: &World) {
    let unreadable = serde_json::json!({"kind": "of a newer version"});
    w.put_link(stored(w, unreadable, None)).await;
    let row = w.enqueue(Side::Crm, "a").await;
    for _ in 0..2 {
        assert!(w.store.claim(row, "w", LEASE).await.is_err());
        let (row, link) = (w.row(row).await, &w.links().await[0]);
        assert_eq!((row.status, row.lapses), (Status::Pending, 0));
        assert_eq!(link.lease_until, None);
    }
}

async fn fields_of_a_newer_version_survive_a_run(w: &World) {
    let base = serde_json::json!({
        "kind": "person", "crm": {"name": "a", "taxOffice": "7"}, "finance": {"name": "a", "taxOffice": "8"},
        "taken_back": {"taxOffice": "FINANCE"},
    });
    let in_flight = serde_json::json!([{
        "write": "update", "side": "FINANCE", "at": "2026-01-02T00:00:00Z",
        "fields": {"taxOffice": {"leaves": "9", "written": true}},
    }]);
    let written = stored(w, base.clone(), Some(in_flight.clone()));
    let id = written.id;
    w.put_link(written).await;
    let row = w.enqueue(Side::Finance, "22").await;
    let work = take(w, row).await;
    let office = Field::named("taxOffice");
    assert_eq!(
        work.link.base.as_ref().unwrap().of(Side::Finance, office),
        Some("8")
    );
    let mut done = ending(&work, Status::Success);
    done.link = Some(work.link.clone());
    w.store.commit(&work, &done).await.unwrap();
    let link = w.links().await.remove(0);
    assert_eq!((link.id, link.base), (id, Some(base)));
    assert_eq!(link.in_flight, Some(in_flight));
}

async fn times_are_kept_to_the_microsecond(w: &World) {
    w.clock.turn(Duration::from_nanos(123_456_789));
    let row = w.enqueue(Side::Crm, "a").await;
    let micros = chrono::SubsecRound::trunc_subsecs(w.clock.now(), 6);
    assert_ne!(micros, w.clock.now());
    let work = take(w, row).await;
    let mut done = ending(&work, Status::Success);
    let link = done.link.as_mut().unwrap();
    link.crm_updated_at = Some(w.clock.now());
    link.finance_updated_at = Some(w.clock.now());
    w.store.commit(&work, &done).await.unwrap();
    let log = w.row(row).await;
    assert_eq!((log.started_at, log.completed_at), (micros, Some(micros)));
    let link = w.links().await.remove(0);
    assert_eq!((link.created_at, link.updated_at), (micros, micros));
    assert_eq!(
        (link.crm_updated_at, link.finance_updated_at),
        (Some(micros), Some(micros))
    );
    assert_eq!(link.last_sync_at, Some(micros));
}
