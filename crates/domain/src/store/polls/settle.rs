//! How an operator ends what the guard holds.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};

use super::{GROUP, rows};
use crate::message::{Code, Message};
use crate::polls::{Held, Verdict, company_of};
use crate::store::entities::held;
use crate::store::inbox::{self, Said};
use crate::store::sql::SqlStore;
use crate::store::{Status, StoreResult};

pub(super) async fn settle(store: &SqlStore, held: &Held, verdict: Verdict) -> StoreResult<u64> {
    let now = store.now();
    let of_poll = store.of(company_of(&held.poll, store.served().first()));
    let tx = store.db().begin().await?;
    // First of all: two operators at once settle it once.
    let sql =
        r#"UPDATE "PollCursor" SET "heldBy" = NULL, "updatedAt" = $1 WHERE "name" = $2 AND "heldBy" = $3"#;
    let values = [now.into(), held.poll.clone().into(), held.row.into()];
    if tx
        .execute_raw(store.statement(sql, values))
        .await?
        .rows_affected()
        != 1
    {
        return Ok(0);
    }
    let made = enqueue(&of_poll, &tx, held, verdict, now).await?;
    let (status, code) = match verdict {
        Verdict::Release => (Status::Success, Code::HoldReleased),
        Verdict::Drop => (Status::Skipped, Code::HoldDropped),
        Verdict::Done => (Status::Skipped, Code::HoldDone),
    };
    let said = Message::new(code)
        .with_message("why", &held.why)
        .with("rows", made);
    let said = Said::from(Some(&said));
    let sql = r#"UPDATE "SyncLog" SET "status" = $1, "errorCode" = $2, "errorArguments" = $3, "errorMessage" = $4,
                        "completedAt" = $5
                 WHERE "id" = $6 AND "status" = 'CONFLICT'"#;
    let values = [
        status.to_value().into(),
        said.code.into(),
        said.arguments.into(),
        said.text.into(),
        now.into(),
        held.row.into(),
    ];
    tx.execute_raw(store.statement(sql, values)).await?;
    tx.commit().await?;
    Ok(made)
}

/// What was held becomes rows; says how many are new.
async fn enqueue(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    held: &Held,
    verdict: Verdict,
    now: DateTime<Utc>,
) -> StoreResult<u64> {
    let of_poll = || held::Column::Poll.eq(held.poll.as_str());
    let mut made = 0_u64;
    loop {
        let group = held::Entity::find()
            .filter(of_poll())
            .order_by_asc(held::Column::Id)
            .limit(GROUP as u64)
            .all(tx)
            .await?;
        let Some(last) = group.last().map(|change| change.id) else {
            return Ok(made);
        };
        let rows = group
            .iter()
            .map(|change| rows::released(store, change, verdict == Verdict::Drop, now));
        made += inbox::insert(store, tx, rows.collect()).await?.len() as u64;
        held::Entity::delete_many()
            .filter(of_poll())
            .filter(held::Column::Id.lte(last))
            .exec(tx)
            .await?;
    }
}
