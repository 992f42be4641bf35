//! What a look read, into the snapshot: it stood so at the end of the read at the latest, which is when it was seen.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Expr};

use super::{GROUP, rows};
use crate::polls::{ContactNow, PollLease};
use crate::store::StoreResult;
use crate::store::entities::snapshot;

pub(super) async fn see(
    tx: &impl ConnectionTrait,
    turn: &PollLease,
    contacts: &[ContactNow],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    use snapshot::Column as C;
    for group in contacts.chunks(GROUP) {
        let rows = group.iter().map(|contact| rows::contact(contact, turn, now));
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

pub(super) async fn see_gone(
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
