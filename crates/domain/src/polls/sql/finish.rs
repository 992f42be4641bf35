//! The end of a complete look: one transaction, which begins with the fence, so that it either holds the poll's
//! row from its first statement on or does nothing.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, TransactionTrait, prelude::Expr,
};

use super::{GROUP, entity_type_of, rows, side_of, statement};
use crate::customer::Kind;
use crate::polls::entities::{held, snapshot};
use crate::polls::{ContactNow, Harvest, PollLease, Stored};
use crate::ports::Ring;
use crate::store::sql::{SqlStore, system};
use crate::store::{StoreError, StoreResult};

pub(super) async fn finish(store: &SqlStore, turn: &PollLease, harvest: &Harvest) -> StoreResult<Stored> {
    let now = store.clock().now();
    let held_by = harvest.hold.as_ref().map(|_| store.clock().id());
    let tx = store.db().begin().await?;
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
    if tx
        .execute_raw(statement(store, sql, values))
        .await?
        .rows_affected()
        != 1
    {
        return Err(StoreError::Fenced);
    }
    see(&tx, turn, &harvest.contacts, now).await?;
    see_gone(&tx, turn, &harvest.gone, now).await?;
    let mut stored = Stored::default();
    if let (Some(why), Some(guard)) = (&harvest.hold, held_by) {
        hold(&tx, store, turn, harvest, now).await?;
        rows::insert(&tx, vec![rows::guard(guard, turn, why, harvest, now)]).await?;
        stored.held_by = Some(guard);
    }
    for group in harvest.changes.chunks(GROUP) {
        let mut models = Vec::with_capacity(group.len());
        let mut rung = Vec::new();
        for change in group
            .iter()
            .filter(|change| change.problem.is_some() || held_by.is_none())
        {
            let id = store.clock().id();
            let ring = change.problem.is_none() && stored.rings.len() + rung.len() < harvest.ring;
            rung.extend(ring.then_some(id));
            models.push(rows::row(id, change, &turn.poll, harvest, ring, now));
        }
        let written = rows::insert(&tx, models).await?;
        stored.rows += written.len() as u64;
        stored.rings.extend(
            rung.into_iter()
                .filter(|id| written.contains(id))
                .map(|row| Ring {
                    row,
                    traceparent: harvest.traceparent.clone(),
                }),
        );
    }
    tx.commit().await?;
    Ok(stored)
}

/// What was read stood so at the end of the read at the latest: that is when it was seen.
async fn see(
    tx: &impl ConnectionTrait,
    turn: &PollLease,
    contacts: &[ContactNow],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    use snapshot::Column as C;
    for group in contacts.chunks(GROUP) {
        let rows = group.iter().map(|contact| {
            let [mobile, national_id, email, customer_number] = contact.keys.clone();
            snapshot::ActiveModel {
                code: Set(contact.code.clone()),
                checksum: Set(contact.checksum.clone()),
                changes: Set(contact.changes),
                kind: Set(match contact.kind {
                    Kind::Person => "person".to_owned(),
                    Kind::Organization => "organization".to_owned(),
                }),
                mobile: Set(mobile),
                national_id: Set(national_id),
                email: Set(email),
                customer_number: Set(customer_number),
                seen_at: Set(now),
                look_before: Set(turn.last.map(|look| look.started_at)),
                gone: Set(false),
            }
        });
        let all = [
            C::Checksum,
            C::Changes,
            C::Kind,
            C::Mobile,
            C::NationalId,
            C::Email,
            C::CustomerNumber,
            C::Gone,
        ];
        snapshot::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::column(C::Code)
                    .value(C::SeenAt, unless_as_before("seenAt"))
                    .value(C::LookBefore, unless_as_before("lookBefore"))
                    .update_columns(all)
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// A contact that is told of though it looks as before came to that state when it was first seen so, not now.
fn unless_as_before(column: &str) -> Expr {
    Expr::cust(format!(
        r#"CASE WHEN "FinanceSnapshot"."checksum" = excluded."checksum" AND NOT "FinanceSnapshot"."gone"
                THEN "FinanceSnapshot"."{column}" ELSE excluded."{column}" END"#
    ))
}

async fn see_gone(
    tx: &impl ConnectionTrait,
    turn: &PollLease,
    codes: &[String],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    use snapshot::Column as C;
    for group in codes.chunks(GROUP) {
        snapshot::Entity::update_many()
            .col_expr(C::Gone, Expr::value(true))
            .col_expr(C::Changes, ExprTrait::add(Expr::col(C::Changes), 1))
            .col_expr(C::SeenAt, Expr::value(now))
            .col_expr(C::LookBefore, Expr::value(turn.last.map(|look| look.started_at)))
            .filter(C::Code.is_in(group))
            .exec(tx)
            .await?;
    }
    Ok(())
}

async fn hold(
    tx: &impl ConnectionTrait,
    store: &SqlStore,
    turn: &PollLease,
    harvest: &Harvest,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    use held::Column as C;
    for group in harvest.changes.chunks(GROUP) {
        let mut models = Vec::with_capacity(group.len());
        for change in group.iter().filter(|change| change.problem.is_none()) {
            models.push(held::ActiveModel {
                id: Set(store.clock().id()),
                poll: Set(turn.poll.clone()),
                entity_type: Set(entity_type_of(&turn.poll)),
                source_system: Set(system(side_of(&turn.poll)).to_owned()),
                source_entity_id: Set(change.id.clone()),
                event_id: Set(change.event_id.clone()),
                payload: Set(Some(rows::payload(change, harvest))),
                held_at: Set(now),
            });
        }
        if models.is_empty() {
            continue;
        }
        held::Entity::insert_many(models)
            .on_conflict(OnConflict::columns([C::Poll, C::EventId]).do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}
