//! The end of a complete look: one transaction, which begins with the fence, so that it either holds the poll's
//! row from its first statement on or does nothing.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, TransactionTrait};
use uuid::Uuid;

use super::{GROUP, hold, rows, see};
use crate::polls::{Harvest, PollLease, Stored};
use crate::ports::Ring;
use crate::store::sql::{SqlStore, fenced};
use crate::store::{StoreResult, aside, inbox, index};

pub(super) async fn finish(store: &SqlStore, turn: &PollLease, harvest: &Harvest) -> StoreResult<Stored> {
    let now = store.now();
    let held_by = harvest.hold.as_ref().map(|_| store.clock().id());
    let tx = store.db().begin().await?;
    move_on(store, &tx, turn, harvest, held_by, now).await?;
    see::see(store, &tx, turn, &harvest.contacts, now).await?;
    see::see_missing(store, &tx, turn, &harvest.missing, now).await?;
    index::note(store, &tx, &harvest.sightings(turn, store.company())).await?;
    aside::note(store, &tx, &turn.poll, harvest, now).await?;
    let mut stored = Stored {
        held_by,
        ..Stored::default()
    };
    if let (Some(why), Some(guard)) = (&harvest.hold, held_by) {
        hold::hold(&tx, store, turn, harvest, now).await?;
        let row = rows::guard(store, guard, turn, why, harvest, now);
        inbox::insert(store, &tx, vec![row]).await?;
    }
    enqueue(store, &tx, turn, harvest, &mut stored, now).await?;
    tx.commit().await?;
    Ok(stored)
}

/// The cursor goes on, and the lease ends; fenced.
async fn move_on(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    turn: &PollLease,
    harvest: &Harvest,
    held_by: Option<Uuid>,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let sql = r#"UPDATE "PollCursor" SET "value" = COALESCE($1, "value"), "startedAt" = $2, "completedAt" = $3,
                        "heldBy" = $4, "leaseOwner" = NULL, "leaseUntil" = NULL, "notBefore" = NULL, "updatedAt" = $3
                 WHERE "name" = $5 AND "leaseToken" = $6"#;
    let values = [
        harvest.cursor.clone().into(),
        turn.started_at.into(),
        now.into(),
        held_by.into(),
        turn.poll.clone().into(),
        turn.token.into(),
    ];
    fenced(&tx.execute_raw(store.statement(sql, values)).await?)
}

/// The changes become rows; while the guard holds them, only those that are set aside.
async fn enqueue(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    turn: &PollLease,
    harvest: &Harvest,
    stored: &mut Stored,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let held = stored.held_by.is_some();
    for group in harvest.changes.chunks(GROUP) {
        let mut models = Vec::with_capacity(group.len());
        let mut rung = Vec::new();
        for change in group.iter().filter(|change| change.problem.is_some() || !held) {
            let id = store.clock().id();
            let ring = change.problem.is_none() && stored.rings.len() + rung.len() < harvest.ring;
            rung.extend(ring.then_some(id));
            models.push(rows::row(store, id, change, &turn.poll, harvest, ring, now));
        }
        let written = inbox::insert(store, tx, models).await?;
        stored.rows += written.len() as u64;
        let rung = rung.into_iter().filter(|id| written.contains(id));
        stored.rings.extend(rung.map(|row| Ring {
            row,
            traceparent: harvest.traceparent.clone(),
        }));
    }
    Ok(())
}
