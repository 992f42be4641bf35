//! Ending many runs at once, on PostgreSQL: those that end as nearly all do, each with its link saved, its lead row ended and
//! what it saw noted. What a lost lease, another link of the same record or a value that can't be stored makes of one of
//! them, its own transaction says.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::store::inbox::{self, Lead};
use crate::store::sql::{SqlStore, limit, record, set_from, typed};
use crate::store::{
    Commit, Committed, Lease, Link, LinkState, StoreError, StoreResult, Work, index, links, locks,
};

/// Whether a run leaves nothing but its link, its lead row, rows of its own and what it saw: it awaits nobody, covers no
/// other row, settles no conflict, and is not to be tried again.
pub(super) fn is_plain(work: &Work, commit: &Commit) -> bool {
    let settles = commit.outcome.status.is_final() && work.link.state == LinkState::Conflict;
    let scheduled = commit.retry.is_some() || work.lead.scheduled;
    let waits = commit.awaits.is_some() || commit.look_again || !commit.outcome.withheld.is_empty();
    commit.link.is_some() && work.covered.is_empty() && !settles && !scheduled && !waits
}

/// Says of each who is to be rung for.
pub(super) async fn commit(
    store: &SqlStore,
    mut runs: Vec<(Work, Commit)>,
) -> StoreResult<Vec<StoreResult<Committed>>> {
    let now = store.now();
    let tx = store.db().begin().await?;
    let leads = end(store, &tx, &runs, now).await?;
    let (mut seen, mut ended) = (Vec::new(), Vec::new());
    for (work, commit) in &mut runs {
        if leads.contains_key(&work.lease) {
            seen.append(&mut commit.seen);
        }
    }
    for (work, commit) in &runs {
        if let (Some(lead), Some(link)) = (leads.get(&work.lease), &commit.link) {
            ended.push((lead, link, work, commit));
        }
    }
    let audited = ended
        .iter()
        .map(|(lead, link, _, commit)| (*lead, *link, *commit));
    inbox::audit(store, &tx, audited, now).await?;
    // Late, so that nobody waits long for a record that several runs have seen.
    index::note(store, &tx, &seen).await?;
    let links = ended
        .iter()
        .map(|(_, link, work, commit)| (*link, commit.settles(&work.link)));
    let mut told = to_be_rung_for(store, &tx, links.collect(), now).await?;
    tx.commit().await?;
    let answer = |(work, _): &(Work, Commit)| match leads.contains_key(&work.lease) {
        true => Ok(told.remove(&work.lease.link).unwrap_or_default()),
        false => Err(StoreError::Fenced),
    };
    Ok(runs.iter().map(answer).collect())
}

/// Saves the links, gives their locks back and ends the lead rows, of those whose lease holds. Says which, and how their lead
/// rows stand.
async fn end(
    store: &SqlStore,
    tx: &DatabaseTransaction,
    runs: &[(Work, Commit)],
    now: DateTime<Utc>,
) -> StoreResult<HashMap<Lease, Lead>> {
    let (mut links, mut rows) = (Vec::new(), Vec::new());
    let (mut of_link, mut of_row) = (None, None);
    for (work, commit) in runs {
        let Some(link) = &commit.link else { continue };
        let lease = &work.lease;
        let left = links::left(link, commit, now)?;
        let unlock = locks::gives_back(work, commit);
        of_link.get_or_insert_with(|| (set_from(&left, "m", "t"), typed(&left)));
        links.push(record(
            left,
            json!({ "id": link.id, "token": lease.token, "unlock": unlock }),
        ));
        let left = inbox::left(work, commit, now);
        of_row.get_or_insert_with(|| (set_from(&left, "l", "t"), typed(&left)));
        rows.push(record(left, json!({ "id": work.lead.id, "token": lease.token })));
    }
    let (Some((set_link, link)), Some((set_row, row))) = (of_link, of_row) else {
        return Ok(HashMap::new());
    };
    let limit = limit(links.len());
    let sql = format!(
        r#"WITH m AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(CAST($1 AS jsonb))
               AS m("id" uuid, "token" bigint, "unlock" boolean, {link}) {limit}),
           l AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(CAST($2 AS jsonb)) AS l("id" uuid, "token" bigint, {row}) {limit}),
           "saved" AS (UPDATE "EntityMapping" t SET {set_link}, {} FROM m
               WHERE t."id" = m."id" AND t."id" = ANY(ARRAY(SELECT "id" FROM m)) AND t."leaseToken" = m."token" RETURNING t."id", t."leaseToken", m."unlock"),
           "unlocked" AS (DELETE FROM "MatchLock"
               WHERE "entityMappingId" = ANY(ARRAY(SELECT "id" FROM "saved" WHERE "unlock"))),
           "ended" AS (UPDATE "SyncLog" t SET {set_row} FROM l JOIN "saved" s
               ON s."id" = l."entityMappingId" AND s."leaseToken" = l."token"
               WHERE t."id" = l."id" AND t."id" = ANY(ARRAY(SELECT "id" FROM l)) RETURNING s."id" AS "link", {})
           SELECT s."leaseToken", s."id" AS "saved", e.* FROM "saved" s LEFT JOIN "ended" e ON e."link" = s."id""#,
        links::FREED,
        inbox::lead_of("t"),
    );
    let values = [
        Value::Array(links).to_string().into(),
        Value::Array(rows).to_string().into(),
    ];
    let mut leads = HashMap::new();
    for row in tx.query_all_raw(store.statement(&sql, values)).await? {
        let (link, token) = (row.try_get("", "saved")?, row.try_get("", "leaseToken")?);
        leads.insert(Lease { link, token }, inbox::lead(&row)?);
    }
    Ok(leads)
}

/// Who is to be rung for once they have ended, by link.
async fn to_be_rung_for(
    store: &SqlStore,
    tx: &DatabaseTransaction,
    links: Vec<(&Link, Option<&str>)>,
    now: DateTime<Utc>,
) -> StoreResult<HashMap<Uuid, Committed>> {
    let mut told = HashMap::new();
    for (link, (next, others)) in inbox::all_waiting(store, tx, &links, now).await? {
        let customer = links.iter().find(|(one, _)| one.id == link);
        let customer = customer.and_then(|(_, customer)| *customer).filter(|_| others);
        told.insert(link, inbox::to_be_rung_for(store, tx, next, customer, now).await?);
    }
    Ok(told)
}
