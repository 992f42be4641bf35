//! What a look saw: it stood so at the end of the read at the latest, which is when it was seen.
//!
//! `"FinanceSnapshot"` is kept in step for services of the version before, which may poll in turns with this one: their
//! event keys count on with ours.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Expr};

use super::{GROUP, rows};
use crate::polls::{ContactNow, PollLease};
use crate::store::StoreResult;
use crate::store::entities::{record, snapshot};
use crate::store::sql::SqlStore;

pub(super) async fn see(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    turn: &PollLease,
    contacts: &[ContactNow],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let mut sorted: Vec<&ContactNow> = contacts.iter().collect();
    // Runs write the same rows: always in one order.
    sorted.sort_unstable_by(|a, b| a.code.cmp(&b.code));
    for group in sorted.chunks(GROUP) {
        look(store, tx, turn, group, now).await?;
        // Services of the version before serve one company.
        if store.is_first() {
            mirror(tx, turn, group, now).await?;
        }
    }
    Ok(())
}

async fn look(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    turn: &PollLease,
    group: &[&ContactNow],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    use record::Column as C;
    let rows = group
        .iter()
        .map(|contact| rows::looked(store, contact, turn, now));
    let unless = |column| unless_as_before("RecordIndex", "lookChecksum", "lookGone", column);
    record::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::columns([C::Side, C::Company, C::EntityType, C::Id])
                .value(C::SeenAt, unless("seenAt"))
                .value(C::LookBefore, unless("lookBefore"))
                .update_columns([C::LookChecksum, C::Changes, C::LookGone, C::Overwritten])
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

async fn mirror(
    tx: &impl ConnectionTrait,
    turn: &PollLease,
    group: &[&ContactNow],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    use snapshot::Column as C;
    let rows = group.iter().map(|contact| rows::contact(contact, turn, now));
    let unless = |column| unless_as_before("FinanceSnapshot", "checksum", "gone", column);
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
                .value(C::SeenAt, unless("seenAt"))
                .value(C::LookBefore, unless("lookBefore"))
                .update_columns(all)
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// A contact that is told of though it looks as before came to that state when it was first seen so, not now.
fn unless_as_before(table: &str, checksum: &str, gone: &str, column: &str) -> Expr {
    Expr::cust(format!(
        r#"CASE WHEN "{table}"."{checksum}" = excluded."{checksum}" AND NOT "{table}"."{gone}"
                THEN "{table}"."{column}" ELSE excluded."{column}" END"#
    ))
}

pub(super) async fn see_missing(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    turn: &PollLease,
    codes: &[String],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let before = turn.last.map(|look| look.started_at);
    for group in codes.chunks(GROUP) {
        use record::Column as R;
        record::Entity::update_many()
            .col_expr(R::LookGone, Expr::value(true))
            .col_expr(R::Changes, ExprTrait::add(Expr::col(R::Changes), 1))
            .col_expr(R::SeenAt, Expr::value(now))
            .col_expr(R::LookBefore, Expr::value(before))
            .filter(R::Side.eq("FINANCE"))
            .filter(R::Company.eq(store.label()))
            .filter(R::EntityType.eq("CUSTOMER"))
            .filter(R::Id.is_in(group))
            .exec(tx)
            .await?;
        if !store.is_first() {
            continue;
        }
        use snapshot::Column as C;
        snapshot::Entity::update_many()
            .col_expr(C::Gone, Expr::value(true))
            .col_expr(C::Changes, ExprTrait::add(Expr::col(C::Changes), 1))
            .col_expr(C::SeenAt, Expr::value(now))
            .col_expr(C::LookBefore, Expr::value(before))
            .filter(C::Code.is_in(group))
            .exec(tx)
            .await?;
    }
    Ok(())
}
