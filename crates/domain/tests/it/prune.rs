//! What pruning empties, and what it keeps.

use std::time::Duration;

use domain::ports::Side;
use domain::store::{Outcome, Status, Trigger};
use uuid::Uuid;

use crate::world::{World, contract, ending, event, take, words};

contract![
    pruning_empties_old_final_rows_and_nothing_else,
    a_row_that_holds_no_more_than_a_message_is_emptied_of_it
];

const DAY: Duration = Duration::from_secs(86_400);

/// The rows that were pruned of: old ones that ended (`SUCCESS`, `SKIPPED`, `FAILED`, `CONFLICT`, in this order of age),
/// and those that are to be kept for longer.
struct Pruned {
    old: Vec<Uuid>,
    waiting: Uuid,
    young: Uuid,
    ruled: Uuid,
}

async fn pruning_empties_old_final_rows_and_nothing_else(w: &World) {
    let rows = Pruned {
        old: ended(w).await,
        waiting: waiting(w).await,
        young: young(w).await,
        ruled: ruled(w).await,
    };
    let links = w.links().await;
    empties_by_age(w, &rows).await;
    assert_eq!(w.links().await, links);
    keeps_what_is_needed(w, &rows.old).await;
}

/// 62 days old at last.
async fn ended(w: &World) -> Vec<Uuid> {
    let mut old = Vec::new();
    for (n, status) in [Status::Success, Status::Skipped, Status::Failed, Status::Conflict]
        .into_iter()
        .enumerate()
    {
        let one = event(Side::Crm, &format!("old{n}"), Some(&format!("key{n}")));
        w.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
        let work = take(w, one.row).await;
        let mut done = ending(&work, status);
        done.outcome.source_data = Some(serde_json::json!({"name": "مریم"}));
        done.outcome.changes = Some(serde_json::json!([{"field": "name"}]));
        done.outcome.message = Some(words("مریم was refused"));
        w.store.commit(&work, &done).await.unwrap();
        old.push(one.row);
        // Each is a little younger than the one before.
        w.clock.turn(Duration::from_secs(60));
    }
    old
}

/// As old, and nobody has taken it.
async fn waiting(w: &World) -> Uuid {
    let waiting = w.enqueue(Side::Crm, "waiting").await;
    w.clock.turn(20 * DAY);
    waiting
}

/// 42 days old at last.
async fn young(w: &World) -> Uuid {
    let young = w.enqueue(Side::Crm, "young").await;
    let work = take(w, young).await;
    w.store
        .commit(&work, &ending(&work, Status::Success))
        .await
        .unwrap();
    w.clock.turn(11 * DAY);
    young
}

/// An operator's, which failed: a retry still has to know what he ruled. 31 days old.
async fn ruled(w: &World) -> Uuid {
    let mut ruled = event(Side::Crm, "ruled", None);
    ruled.trigger = Trigger::Manual;
    w.store.enqueue(std::slice::from_ref(&ruled)).await.unwrap();
    let work = take(w, ruled.row).await;
    w.store
        .commit(&work, &ending(&work, Status::Failed))
        .await
        .unwrap();
    w.clock.turn(31 * DAY);
    ruled.row
}

async fn empties_by_age(w: &World, rows: &Pruned) {
    assert_eq!(holding(w).await.len(), 7);
    assert_eq!(w.store.prune(90 * DAY, 10).await.unwrap(), 0, "nothing is so old");
    // The oldest first, no more than asked for.
    assert_eq!(w.store.prune(60 * DAY, 2).await.unwrap(), 2);
    let mut left = vec![rows.old[2], rows.old[3], rows.waiting, rows.young, rows.ruled];
    left.sort();
    assert_eq!(holding(w).await, left);
    assert_eq!(w.store.prune(60 * DAY, 10).await.unwrap(), 1);
    assert_eq!(w.store.prune(60 * DAY, 10).await.unwrap(), 0, "once is enough");
    left.retain(|id| *id != rows.old[2]);
    assert_eq!(holding(w).await, left);
    assert_eq!(
        w.store.prune(30 * DAY, 10).await.unwrap(),
        1,
        "the young one, but not the ruled one"
    );
}

/// The rows that still have their payload.
async fn holding(w: &World) -> Vec<Uuid> {
    let rows = w.rows().await;
    let mut ids: Vec<_> = rows
        .iter()
        .filter(|row| row.trigger_payload.is_some())
        .map(|row| row.id)
        .collect();
    ids.sort();
    ids
}

async fn keeps_what_is_needed(w: &World, old: &[Uuid]) {
    let rows = w.rows().await;
    for row in rows.iter().filter(|row| old[..3].contains(&row.id)) {
        let shown = serde_json::json!([
            row.trigger_payload,
            row.source_data,
            row.changes,
            row.error_arguments
        ]);
        assert_eq!(shown, serde_json::json!([null, null, null, null]));
        assert_eq!((&row.target_data_before, &row.target_data_after), (&None, &None));
        // A message holds values of people, too; what it is about does not.
        assert_eq!(
            (&row.error_message, row.error_code.as_deref()),
            (&None, Some("words"))
        );
        assert!(row.event_id.is_some() && row.completed_at.is_some());
    }
    let conflict = rows.iter().find(|row| row.id == old[3]).unwrap();
    assert!(conflict.source_data.is_some() && conflict.changes.is_some());
    assert_eq!(conflict.error_message.as_deref(), Some("مریم was refused"));
    // The event keys still know what was heard.
    let again = event(Side::Crm, "old0", Some("key0"));
    assert_eq!(w.store.enqueue(&[again]).await.unwrap(), [false]);
    // A failed row without its payload is retried like any other.
    assert_eq!(w.store.retry(Some(old[2])).await.unwrap(), 1);
    assert_eq!(take(w, old[2]).await.lead.id, old[2]);
}

/// A covered row, an audit row: they never had a payload, or it was emptied by an earlier version.
async fn a_row_that_holds_no_more_than_a_message_is_emptied_of_it(w: &World) {
    let row = w.enqueue(Side::Crm, "a").await;
    let work = take(w, row).await;
    let mut done = ending(&work, Status::Conflict);
    done.audits = vec![(Side::Finance, Outcome::new(Status::Success, words("مریم")))];
    w.store.commit(&work, &done).await.unwrap();
    w.clock.turn(Duration::from_secs(1));
    assert_eq!(w.store.prune(Duration::ZERO, 10).await.unwrap(), 1);
    let rows = w.rows().await;
    let audit = rows.iter().find(|other| other.id != row).unwrap();
    assert_eq!((&audit.error_message, &audit.error_arguments), (&None, &None));
    assert_eq!(w.store.prune(Duration::ZERO, 10).await.unwrap(), 0);
}
