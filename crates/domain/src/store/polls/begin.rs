//! Taking the lease of a poll, by comparing the token that was read with the one that stands.

use std::time::Duration;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

use super::{after, ease, rows, until};
use crate::polls::{Begin, PollLease, Rhythm};
use crate::store::StoreResult;
use crate::store::entities::cursor;
use crate::store::sql::SqlStore;

/// How soon to ask again when someone was quicker.
const QUICKER: Duration = Duration::from_secs(1);

pub(super) async fn begin(store: &SqlStore, poll: &str, owner: &str, rhythm: Rhythm) -> StoreResult<Begin> {
    let now = store.now();
    let row = match cursor::Entity::find_by_id(poll).one(store.db()).await? {
        Some(row) => row,
        None => create(store, poll).await?,
    };
    if let Some(row) = row.held_by
        && !ease::ease(store, poll).await?
    {
        return Ok(Begin::Held(row));
    }
    match row.lease_until {
        Some(end) if end > now => return Ok(Begin::Busy(until(now, end))),
        // Whoever had it is dead: what it began is done over at once.
        Some(_) => {}
        None => {
            let due = row
                .not_before
                .or(row.attempted_at.map(|at| after(at, rhythm.interval)));
            if let Some(due) = due.filter(|due| *due > now) {
                return Ok(Begin::NotDue(until(now, due)));
            }
        }
    }
    let token = row.lease_token + 1;
    let sql = r#"UPDATE "PollCursor" SET "leaseOwner" = $1, "leaseToken" = $2, "leaseUntil" = $3, "attemptedAt" = $4,
                        "updatedAt" = $4
                 WHERE "name" = $5 AND "leaseToken" = $6 AND "heldBy" IS NULL"#;
    let values = [
        owner.into(),
        token.into(),
        after(now, rhythm.lease).into(),
        now.into(),
        poll.into(),
        row.lease_token.into(),
    ];
    let done = store.db().execute_raw(store.statement(sql, values)).await?;
    if done.rows_affected() != 1 {
        return Ok(Begin::Busy(QUICKER));
    }
    Ok(Begin::Taken(PollLease {
        poll: poll.to_owned(),
        token,
        last: rows::look(&row),
        cursor: row.value,
        started_at: now,
    }))
}

/// The row of a poll that never ran; two processes may come at once.
async fn create(store: &SqlStore, poll: &str) -> StoreResult<cursor::Model> {
    let now = store.now();
    let row = cursor::Model {
        name: poll.to_owned(),
        value: None,
        lease_owner: None,
        lease_token: 0,
        lease_until: None,
        attempted_at: None,
        not_before: None,
        started_at: None,
        completed_at: None,
        held_by: None,
        updated_at: now,
    };
    let insert = cursor::ActiveModel {
        name: Set(row.name.clone()),
        lease_token: Set(0),
        updated_at: Set(now),
        ..Default::default()
    };
    let nothing = OnConflict::column(cursor::Column::Name).do_nothing().to_owned();
    cursor::Entity::insert(insert)
        .on_conflict(nothing)
        .exec_without_returning(store.db())
        .await?;
    Ok(row)
}
