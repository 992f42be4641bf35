//! Taking the lease of an entity and its open rows: on PostgreSQL one statement, on SQLite one read, then one transaction of
//! two statements.

use std::sync::LazyLock;
use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use uuid::Uuid;

use super::release::give_back;
use crate::side::Side;
use crate::store::inbox;
use crate::store::sql::{SqlStore, system};
use crate::store::{Claim, ClaimedRow, Lease, Link, StoreResult, Work, links};

pub(in crate::store) async fn claim(
    store: &SqlStore,
    row: Uuid,
    owner: &str,
    duration: Duration,
) -> StoreResult<Claim> {
    match store.is_postgres() {
        true => at_once(store, row, owner, duration).await,
        false => in_turn(store, row, owner, duration).await,
    }
}

/// Made once: each sync begins with it.
static AT_ONCE: LazyLock<String> = LazyLock::new(taking_at_once);

/// Row, id, owner, until and now are `$1` to `$5`. The rows are found by the link, so that they are locked after it, as
/// everywhere; whoever had to wait for it gets only those that are open then.
fn taking_at_once() -> String {
    let half = |side| {
        let due =
            r#""status" IN ('PENDING', 'IN_PROGRESS') AND ("nextRetryAt" IS NULL OR "nextRetryAt" <= $5)"#;
        let of_rung = format!(
            r#"SELECT $2, "entityType", "sourceEntityId", 'NEW', 0, $3, 1, $4, $5, $5, "company" FROM "rung"
               WHERE "sourceSystem" = '{}' AND {due}"#,
            system(side)
        );
        links::taking(side, &of_rung)
    };
    let of_link = [
        r#"m."id""#,
        r#"m."entityType""#,
        r#"m."crmId""#,
        r#"m."financeId""#,
        r#"m."company""#,
    ];
    format!(
        r#"WITH "rung" AS ({}), "crm" AS ({}), "finance" AS ({}),
           "link" AS (SELECT * FROM "crm" UNION ALL SELECT * FROM "finance"), "rows" AS ({})
           SELECT r."status", r."nextRetryAt", m.*, l.* FROM "rung" r LEFT JOIN "link" m ON true LEFT JOIN "rows" l ON true"#,
        inbox::RUNG,
        half(Side::Crm),
        half(Side::Finance),
        inbox::taking(r#"FROM "link" m"#, of_link),
    )
}

async fn at_once(store: &SqlStore, row: Uuid, owner: &str, duration: Duration) -> StoreResult<Claim> {
    let now = store.now();
    let values = [
        row.into(),
        Uuid::now_v7().into(),
        owner.into(),
        (now + duration).into(),
        now.into(),
    ];
    let taken = store
        .db()
        .query_all_raw(store.statement(&AT_ONCE, values))
        .await?;
    let Some(first) = taken.first() else {
        return Ok(Claim::Done);
    };
    if let Some(not_due) = inbox::not_due(first, now)? {
        return Ok(not_due);
    }
    let Some(lease) = links::lease_of(first)? else {
        return Ok(Claim::Busy);
    };
    let read = || Ok((links::read(first)?, inbox::taken(&taken)?));
    match read() {
        Ok((link, rows)) if rows.is_empty() => {
            // Someone closed the row while we waited for the lease.
            links::let_go(store, &lease, &link).await?;
            Ok(Claim::Done)
        }
        Ok((link, rows)) => Ok(work(row, lease, link, rows)),
        // What this version can't read another one may.
        Err(error) => {
            give_back(store, &lease).await?;
            Err(error)
        }
    }
}

async fn in_turn(store: &SqlStore, row: Uuid, owner: &str, duration: Duration) -> StoreResult<Claim> {
    let now = store.now();
    let rung = store.statement(inbox::RUNG, [row.into()]);
    let Some(rung) = store.db().query_one_raw(rung).await? else {
        return Ok(Claim::Done);
    };
    if let Some(not_due) = inbox::not_due(&rung, now)? {
        return Ok(not_due);
    }
    let (entity, company) = inbox::rung(store, &rung)?;
    let tx = store.db().begin().await?;
    let Some((lease, link)) = links::take(&store.of(company), &tx, &entity, owner, duration, now).await?
    else {
        tx.rollback().await?;
        return Ok(Claim::Busy);
    };
    let rows = inbox::take(store, &tx, &link).await?;
    if rows.is_empty() {
        // Someone closed the row between our look and the lease.
        tx.rollback().await?;
        return Ok(Claim::Done);
    }
    tx.commit().await?;
    Ok(work(row, lease, link, rows))
}

/// What was claimed, led by the row that was rung for.
fn work(row: Uuid, lease: Lease, link: Link, mut rows: Vec<ClaimedRow>) -> Claim {
    let lead = rows.iter().position(|claimed| claimed.id == row).unwrap_or(0);
    let lead = rows.remove(lead);
    Claim::Taken(Box::new(Work {
        lease,
        link,
        lead,
        covered: rows,
    }))
}
