//! Taking the lease of an entity and its open rows, for all that are rung for at the same time: on PostgreSQL in one statement,
//! on SQLite in one transaction, of one read and two statements for each.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::release::give_back;
use crate::side::Side;
use crate::store::sql::{Claiming, SqlStore, limit, one_by_one, system};
use crate::store::{Claim, ClaimedRow, Lease, Link, StoreResult, Work, inbox, links};

pub(in crate::store) async fn claim(
    store: &SqlStore,
    row: Uuid,
    owner: &str,
    duration: Duration,
) -> StoreResult<Claim> {
    let asked = Claiming {
        row,
        owner: owner.to_owned(),
        until: store.now() + duration,
    };
    let together = |asked| async move {
        match store.is_postgres() {
            true => at_once(store, asked).await,
            false => {
                one_by_one(store, asked, |store, tx, asked| {
                    Box::pin(in_turn(store, tx, asked))
                })
                .await
            }
        }
    };
    match store.groups().claims.run(asked.clone(), together).await {
        Some(claim) => claim,
        None => together(vec![asked]).await?.pop().unwrap_or(Ok(Claim::Busy)),
    }
}

/// The rows are found by the link, so that they are locked after it, as everywhere; whoever had to wait for it gets only those
/// that are open then. Links in one order, so that two groups wait for each other and don't block each other. `$1`: what is
/// asked, `$2`: now.
fn taking_at_once(asked: usize) -> String {
    let half = |side| {
        let key = match side {
            Side::Crm => r#""entityType", "sourceEntityId""#,
            Side::Finance => r#""entityType", "company", "sourceEntityId""#,
        };
        let of_rung = format!(
            r#"SELECT DISTINCT ON ({key}) "new", "entityType", "sourceEntityId", 'NEW', 0, "owner", 1, "until", $2, $2, "company"
               FROM "rung" WHERE "sourceSystem" = '{}' AND "status" IN ('PENDING', 'IN_PROGRESS')
                 AND ("nextRetryAt" IS NULL OR "nextRetryAt" <= $2) ORDER BY {key}"#,
            system(side)
        );
        links::taking(side, &of_rung)
    };
    format!(
        r#"WITH "asked" AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(CAST($1 AS jsonb))
               AS a("row" uuid, "new" uuid, "owner" text, "until" timestamptz) {}),
           "rung" AS MATERIALIZED (SELECT a.*, {} FROM "asked" a,
               LATERAL (SELECT * FROM "SyncLog" l WHERE l."id" = a."row" OFFSET 0) l LEFT JOIN
               LATERAL (SELECT * FROM "SyncRetryQueue" r WHERE r."syncLogId" = l."id" OFFSET 0) r ON true),
           "crm" AS ({}), "finance" AS ({}),
           "link" AS (SELECT * FROM "crm" UNION ALL SELECT * FROM "finance"), {}
           SELECT r."row" AS "rung", r."status", r."nextRetryAt", m.*, l.* FROM "rung" r
           LEFT JOIN "link" m ON m."entityType" = r."entityType"
               AND CASE r."sourceSystem" WHEN 'CRM' THEN m."crmId" = r."sourceEntityId"
                   ELSE m."financeId" = r."sourceEntityId" AND m."company" = r."company" END
           LEFT JOIN "rows" l ON l."claimedFor" = m."id""#,
        limit(asked),
        inbox::RUNG,
        half(Side::Crm),
        half(Side::Finance),
        inbox::taking_of("link"),
    )
}

/// A row that was asked for twice is claimed once, and so is an entity of which two rows were: whoever has it looks for the
/// others.
async fn at_once(store: &SqlStore, asked: Vec<Claiming>) -> StoreResult<Vec<StoreResult<Claim>>> {
    let mut rows = HashSet::new();
    let once = asked.iter().filter(|one| rows.insert(one.row));
    let once: Vec<_> = once
        .map(|one| json!({ "row": one.row, "new": Uuid::now_v7(), "owner": one.owner, "until": one.until }))
        .collect();
    let now = store.now();
    let sql = taking_at_once(once.len());
    let values = [Value::Array(once).to_string().into(), now.into()];
    let all = store.db().query_all_raw(store.statement(&sql, values)).await?;
    let mut rung: HashMap<Uuid, Vec<&QueryResult>> = HashMap::new();
    for row in &all {
        rung.entry(row.try_get("", "rung")?).or_default().push(row);
    }
    let mut links = HashSet::new();
    let mut claims = Vec::with_capacity(asked.len());
    for Claiming { row, .. } in asked {
        let of_row = rung.get(&row).map(Vec::as_slice).unwrap_or_default();
        let Some(first) = of_row.first() else {
            claims.push(Ok(Claim::Done));
            continue;
        };
        // Before the lease: that may be the one that another row of the entity was rung for with.
        if let Some(not_due) = inbox::not_due(first, now)? {
            claims.push(Ok(not_due));
            continue;
        }
        claims.push(match links::lease_of(first)? {
            Some(lease) if links.insert(lease.link) => claimed(store, row, lease, first, of_row).await,
            _ => Ok(Claim::Busy),
        });
    }
    Ok(claims)
}

async fn claimed(
    store: &SqlStore,
    row: Uuid,
    lease: Lease,
    first: &QueryResult,
    taken: &[&QueryResult],
) -> StoreResult<Claim> {
    let read = || Ok((links::read(first)?, inbox::taken(taken.iter().copied())?));
    match read() {
        Ok((link, rows)) if rows.is_empty() => {
            // Someone closed the row while we waited for the lease.
            links::let_go(store, store.db(), &lease, &link).await?;
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

async fn in_turn(store: &SqlStore, tx: &DatabaseTransaction, asked: &Claiming) -> StoreResult<Claim> {
    let now = store.now();
    let sql = format!(
        r#"SELECT {} FROM "SyncLog" l LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id" WHERE l."id" = $1"#,
        inbox::RUNG
    );
    let rung = store.statement(&sql, [asked.row.into()]);
    let Some(rung) = tx.query_one_raw(rung).await? else {
        return Ok(Claim::Done);
    };
    if let Some(not_due) = inbox::not_due(&rung, now)? {
        return Ok(not_due);
    }
    let (entity, company) = inbox::rung(store, &rung)?;
    let taken = links::take(&store.of(company), tx, &entity, asked, now).await?;
    let Some((lease, link)) = taken else {
        return Ok(Claim::Busy);
    };
    let rows = inbox::take(store, tx, &link).await?;
    if rows.is_empty() {
        // It is not what the row is about: of a company that nobody knows.
        links::let_go(store, tx, &lease, &link).await?;
        return Ok(Claim::Done);
    }
    Ok(work(asked.row, lease, link, rows))
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
