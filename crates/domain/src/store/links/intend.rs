//! What is about to be sent, and all that is known by then, in one fenced statement: on PostgreSQL for all that are about to
//! send at the same time.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde_json::json;
use uuid::Uuid;

use super::rows;
use crate::store::sql::{SqlStore, fenced, json, limit};
use crate::store::{Intended, Lease, StoreError, StoreResult};

pub(in crate::store) async fn intend(
    store: &SqlStore,
    lease: &Lease,
    intended: Intended<'_>,
    duration: Duration,
) -> StoreResult<()> {
    let until = store.now() + duration;
    if !store.is_postgres() {
        return alone(store, lease, intended, until).await;
    }
    let meant = json!({
        "link": lease.link,
        "token": lease.token,
        "inFlight": rows::in_flight(intended.in_flight)?,
        "base": intended.base.map(json).transpose()?,
        "until": until,
        "company": store.company().to_string(),
    });
    let together = |meant| together(store, meant);
    let done = store
        .groups()
        .intents
        .run((lease.clone(), meant.to_string()), together);
    match done.await {
        Some(done) => done,
        None => alone(store, lease, intended, until).await,
    }
}

async fn alone(
    store: &SqlStore,
    lease: &Lease,
    intended: Intended<'_>,
    until: DateTime<Utc>,
) -> StoreResult<()> {
    let sql = r#"UPDATE "EntityMapping" SET "inFlight" = $1, "leaseUntil" = $2, "updatedAt" = $3,
                        "base" = COALESCE($6, "base"), "company" = $7
                 WHERE "id" = $4 AND "leaseToken" = $5 AND "leaseUntil" > $3"#;
    let values = [
        rows::in_flight(intended.in_flight)?.into(),
        until.into(),
        store.now().into(),
        lease.link.into(),
        lease.token.into(),
        intended.base.map(json).transpose()?.into(),
        // Where it is sent to, if it is finance: who is killed now must know.
        store.label(),
    ];
    let done = store.db().execute_raw(store.statement(sql, values)).await?;
    fenced(&done)
}

async fn together(store: &SqlStore, meant: Vec<(Lease, String)>) -> StoreResult<Vec<StoreResult<()>>> {
    let (leases, meant): (Vec<Lease>, Vec<String>) = meant.into_iter().unzip();
    let sql = format!(
        r#"WITH n AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS n("link" uuid, "token" bigint,
               "inFlight" jsonb, "base" jsonb, "until" timestamptz, "company" text) {})
           UPDATE "EntityMapping" m SET "inFlight" = n."inFlight", "leaseUntil" = n."until", "updatedAt" = $2,
               "base" = COALESCE(n."base", m."base"), "company" = n."company"
           FROM n WHERE m."id" = n."link" AND m."leaseToken" = n."token" AND m."leaseUntil" > $2 RETURNING m."id", m."leaseToken""#,
        limit(meant.len())
    );
    let values = [format!("[{}]", meant.join(",")).into(), store.now().into()];
    let done = store.db().query_all_raw(store.statement(&sql, values)).await?;
    let of = |row: &QueryResult| {
        Ok::<(Uuid, i64), DbErr>((row.try_get("", "id")?, row.try_get("", "leaseToken")?))
    };
    let done: HashSet<_> = done.iter().map(of).collect::<Result<_, _>>()?;
    let answer = |lease: Lease| match done.contains(&(lease.link, lease.token)) {
        true => Ok(()),
        false => Err(StoreError::Fenced),
    };
    Ok(leases.into_iter().map(answer).collect())
}
